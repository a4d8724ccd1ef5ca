package quota

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

var (
	began  = time.Unix(1_700_000_000, 0)
	nobody = &track.Caller{}
	ada    = &track.Caller{Name: "ada", Token: "t1"}
)

func one(run string, n int) map[string]int { return map[string]int{run: n} }

// retryAfter is what a refusal says, 0 for none.
func retryAfter(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var e *track.Error
	if !errors.As(err, &e) || e.Code != track.ResourceExhausted || e.RetryAfterSeconds < 1 {
		t.Fatalf("refused with %v", err)
	}
	return e.RetryAfterSeconds
}

func TestNothingIsLimitedUnlessAsked(t *testing.T) {
	q := New(Limits{})
	if q != nil || q.Take(began, ada, one("a", math.MaxInt)) != nil {
		t.Error("limited")
	}
}

// TestTheRateHoldsOnAverage drives a client that comes back when it is told, and earlier.
func TestTheRateHoldsOnAverage(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		q := New(Limits{Run: 100, Token: 1e9})
		now, taken := began, 0
		last := 0
		for now.Before(began.Add(1000 * time.Second)) {
			n := 1 + r.IntN(5000) // larger than the burst now and then
			err := q.Take(now, ada, one("a", n))
			if wait := retryAfter(t, err); wait > 0 {
				if q.Take(now.Add(time.Duration(wait)*time.Second), ada, one("b", 0)) != nil {
					t.Fatal("another run is refused")
				}
				now = now.Add(time.Duration(wait) * time.Second)
				if q.Take(now, ada, one("a", 1)) != nil {
					t.Fatalf("seed %d: refused after the wait that was told", seed)
				}
				taken++
				continue
			}
			taken, last = taken+n, n
			now = now.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
		}
		if most := 100*int(now.Sub(began).Seconds()+burstSeconds) + last + 5000; taken > most || taken < 90_000 {
			t.Errorf("seed %d: %d points in 1000 s at 100 a second", seed, taken)
		}
	}
}

func TestTheTokensRateIsOverAllItsRuns(t *testing.T) {
	q := New(Limits{Token: 10})
	if err := q.Take(began, ada, one("a", 100)); err != nil {
		t.Fatal(err)
	}
	if err := q.Take(began, ada, one("b", 50)); err != nil {
		t.Fatal("exactly spent is no debt:", err)
	}
	err := q.Take(began, ada, one("c", 1))
	if retryAfter(t, err) != 5 || !strings.Contains(err.Error(), "ada") || !strings.Contains(err.Error(), "--token-rate") {
		t.Errorf("%v", err)
	}
	if err := q.Take(began, nobody, one("c", 1)); err != nil {
		t.Errorf("who has no token has no rate of one: %v", err)
	}
}

func TestARefusalSpendsNothing(t *testing.T) {
	q := New(Limits{Run: 1, Token: 100})
	if err := q.Take(began, ada, one("a", 20)); err != nil {
		t.Fatal(err)
	}
	if retryAfter(t, q.Take(began, ada, map[string]int{"a": 1, "b": 10_000})) != 10 {
		t.Error("a run in debt")
	}
	if err := q.Take(began, ada, one("b", 1)); err != nil {
		t.Errorf("the other run, and the token, paid for what was refused: %v", err)
	}
}

func TestAClockThatJumpsBackIsNoDebt(t *testing.T) {
	q := New(Limits{Run: 10})
	if err := q.Take(began, ada, one("a", 50)); err != nil {
		t.Fatal(err)
	}
	if err := q.Take(began.Add(-time.Hour), ada, one("a", 1)); err != nil {
		t.Error(err)
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	q := New(Limits{Run: 1})
	if err := q.Take(began, ada, one("first", 1000)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * bucketsMax {
		if err := q.Take(began, ada, one(strconv.Itoa(i), 1)); err != nil {
			t.Fatal(err)
		}
		if i == bucketsMax/2 && q.Take(began, ada, one("first", 1)) == nil {
			t.Fatal("a debtor is forgotten at once")
		}
	}
	if n := len(q.young) + len(q.old); n > 2*bucketsMax {
		t.Error(fmt.Sprint(n, " buckets"))
	}
}
