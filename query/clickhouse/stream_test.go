package clickhouse_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
)

func TestALongHistoryComesInOrderPartByPart(t *testing.T) {
	r := start(t, enginetest.Start(t))
	const points = 300_000
	// Newest first, and NaN now and then.
	r.insertPoints(t, 31, "long", "SELECT toInt64(300000 - number) AS step, intDiv(step, 3) AS ts, if(step % 7 = 0, nan, step % 5 - 2) AS v, 0 AS rank, 1 AS seq, '' AS model, '' AS dataset FROM numbers(300000)")
	r.insertPoints(t, 31, "long", "SELECT toInt64(number) AS step, 0 AS ts, 1 AS v, 1 AS rank, 1 AS seq, '' AS model, '' AS dataset FROM numbers(10)")
	read := history.Read{Run: number(31), Key: "long", Rank: history.RankUnknown, From: history.StepMin, To: history.StepMax, HeldMax: 1000}
	if _, err := r.store.History(t.Context(), read); !errors.Is(err, history.ErrTooLong) {
		t.Errorf("held: %v", err)
	}
	merge, seen, largest := history.NewMerge(history.Points{}, nil), 0, 0
	var last *history.Key
	err := r.store.HistoryOrdered(t.Context(), read, func(part *history.Points) error {
		largest = max(largest, len(part.List))
		part = merge.Next(part)
		for _, p := range part.List {
			k := part.KeyOf(p)
			if last != nil && (k.TimeMS < last.TimeMS || k.TimeMS == last.TimeMS && k.Step <= last.Step) {
				t.Fatalf("%+v comes behind %+v", k, *last)
			}
			last = &k
			seen++
		}
		return nil
	})
	if err != nil || seen != points || largest > points/4 {
		t.Errorf("%d points, at most %d at a time: %v", seen, largest, err)
	}
	enough := errors.New("enough")
	if err := r.store.HistoryOrdered(t.Context(), read, func(*history.Points) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("ended by the reader: %v", err)
	}
	if page, err := r.store.History(t.Context(), history.Read{Run: number(31), Key: "long", Rank: history.RankUnknown, Max: 5}); err != nil || len(page.List) != 5 {
		t.Errorf("after that: %d points, %v", len(page.List), err)
	}
	read.From, read.To, read.ByStep = 10, 250_000, true
	step := int64(9)
	err = r.store.HistoryOrdered(t.Context(), read, func(part *history.Points) error {
		for _, p := range part.List {
			if step++; p.Step != step {
				t.Fatalf("step %d comes where %d should", p.Step, step)
			}
		}
		return nil
	})
	if err != nil || step != 250_000 {
		t.Errorf("by step up to %d: %v", step, err)
	}
}

// TestTheEngineOutlivesReadsThatAreGivenUp leaves in the middle of answers, as a request does whose client left or one of whose
// reads failed.
func TestTheEngineOutlivesReadsThatAreGivenUp(t *testing.T) {
	const readers, reads = 6, 60
	r := start(t, enginetest.Fresh(t))
	r.insertPoints(t, 32, "long", "SELECT toInt64(number) AS step, step AS ts, 1 AS v, 0 AS rank, 1 AS seq, '' AS model, '' AS dataset FROM numbers(200000)")
	read := history.Read{Run: number(32), Key: "long", Rank: history.RankUnknown, From: history.StepMin, To: history.StepMax, Max: 100_000}
	var all sync.WaitGroup
	for n := range readers {
		random := rand.New(rand.NewPCG(1, uint64(n)))
		all.Go(func() {
			for range reads {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(20_000))*time.Microsecond)
				_, _ = r.store.History(ctx, read) // most are given up
				cancel()
			}
		})
	}
	all.Wait()
	if page, err := r.store.History(t.Context(), history.Read{Run: number(32), Key: "long", Rank: history.RankUnknown, Max: 5}); err != nil || len(page.List) != 5 {
		t.Errorf("after that: %d points, %v", len(page.List), err)
	}
}
