package hot_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// quietTail has nothing; unlike a world it may be asked by many at once.
type quietTail struct{}

func (quietTail) Await(context.Context) error            { return nil }
func (quietTail) Flush(context.Context) error            { return nil }
func (quietTail) Runs(context.Context) ([]string, error) { return nil, nil }
func (quietTail) Run(context.Context, track.RunNumber) (feed.Snapshot, error) {
	return feed.Snapshot{}, nil
}

// nothing is an empty ClickHouse that may be asked by many at once.
type nothing struct{}

func (nothing) Runs(context.Context, []string) ([]hot.Document, error) { return nil, nil }
func (nothing) Latest(context.Context, uint32, []track.RunNumber) ([]hot.Value, error) {
	return nil, nil
}

// TestLogsAndReadersWorkAtOnce is for the race detector; a run that is always dirty never goes.
func TestLogsAndReadersWorkAtOnce(t *testing.T) {
	t.Parallel()
	const rounds, runs = 500, 8
	s, l, _ := newSet(hot.Options{RunsMax: 5})
	l.Tail, l.Source = quietTail{}, nothing{}
	id := func(i int) string { return fmt.Sprintf("%016x%016x", i%runs+1, 0) }
	var all sync.WaitGroup
	for _, work := range []func(i int) error{
		func(i int) error {
			s.ObserveDocuments([]feed.Document{runDocument(uint64(i+1), &sgpb.Run{Id: id(i), ExperimentId: "0", CreatedMs: 60_000})})
			return nil
		},
		func(i int) error {
			s.ObserveSections([]*feed.Section{{RunID: id(i * 3), Points: track.Points{Keys: []string{fmt.Sprint("k", i%5)}, Key: []uint32{0}, Step: []int64{int64(i)}, TimeMS: []int64{1}, Value: []float64{1}}}})
			return nil
		},
		func(i int) error { s.DocumentsApplied(uint64(i / 2)); return nil },
		func(i int) error {
			r, err := l.Run(t.Context(), id(i*5))
			if err == nil && r != nil {
				_, err = s.Encode(t.Context(), r, hot.FormGet, nil)
			}
			return err
		},
	} {
		all.Go(func() {
			for i := range rounds {
				if err := work(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	for i := range runs {
		if r, err := l.Run(t.Context(), id(rounds-1-i)); err != nil || r == nil {
			t.Errorf("run %d, whose newest document is not applied: %v, %v", i, r, err)
		}
	}
}
