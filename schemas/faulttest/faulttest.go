// Package faulttest holds what all fault tests share: how long they go on, and the count that each ends with.
//
// A fault test is named TestFault<number><what>; the numbers are those of docs/RELIABILITY.md. Normally it is short.
// With SOAK=<duration> in the environment, all fault tests together go on for about that long.
package faulttest

import (
	"iter"
	"os"
	"testing"
	"time"
)

// soakEnv names the variable with the time that all fault tests take together, as "4h".
const soakEnv = "SOAK"

// Soak is how long all fault tests go on together, 0 for the short form.
func Soak(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv(soakEnv)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("%s=%s is no duration; want 30m or 4h", soakEnv, text)
	}
	return d
}

// Rounds counts from 0 up to short, and on for as long as the test's share of the soak is not over.
func Rounds(t testing.TB, short int, share float64) iter.Seq[int] {
	t.Helper()
	end := time.Now().Add(time.Duration(float64(Soak(t)) * share))
	return func(yield func(int) bool) {
		for n := 0; n < short || time.Now().Before(end); n++ {
			if !yield(n) {
				return
			}
		}
	}
}

// Tally is what a fault test ends with. Units are points unless the test says otherwise.
type Tally struct {
	Acknowledged, Lost, Doubled int64
}

// Add joins the tally of something else.
func (c *Tally) Add(o Tally) {
	c.Acknowledged += o.Acknowledged
	c.Lost += o.Lost
	c.Doubled += o.Doubled
}

// Of compares what a table holds with what was acknowledged: rows with rows that differ.
func Of(acknowledged, rows, different int64) Tally {
	return Tally{Acknowledged: acknowledged, Lost: max(0, acknowledged-different), Doubled: max(0, rows-different)}
}

// Check logs the count, which build/tests.py prints, and fails if anything is lost, doubled, or if nothing was at stake.
func (c Tally) Check(t testing.TB) {
	t.Helper()
	t.Logf("acknowledged %d, lost %d, doubled %d", c.Acknowledged, c.Lost, c.Doubled)
	if c.Lost != 0 || c.Doubled != 0 {
		t.Errorf("%d lost, %d doubled", c.Lost, c.Doubled)
	}
	if c.Acknowledged == 0 {
		t.Error("nothing was acknowledged: the test shows nothing")
	}
}
