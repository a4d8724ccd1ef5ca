// Package faults holds the tests that break things: real processes, real kill -9, a full disk, poison on a
// lane. Writers are processes of their own that repeat every request until it is acknowledged and keep what
// was acknowledged; afterwards everything must be there exactly once. The numbers in the tests' names are those of
// docs/RELIABILITY.md; with SOAK=4h they go on for hours.
package faults
