// Package faults holds the tests that break things: real processes, real kill -9, a full disk, garbage on a
// lane. Writers are processes of their own that repeat every request until it is acknowledged and keep what
// was acknowledged; afterwards everything must be there exactly once. FAULTS=long makes 100 kills of each kind.
package faults
