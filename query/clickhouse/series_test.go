package clickhouse_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// TestAllWaysToReadSeriesAgree reads the same points as they are, grouped by steps and by time, and as the rollup.
func TestAllWaysToReadSeriesAgree(t *testing.T) {
	r := start(t, enginetest.Start(t))
	ctx := t.Context()
	const key = `it's "odd" \ key`
	pair := clickhouse.SeriesPair{Run: number(4), Key: key}
	for attempt := range 2 {
		r.exec(t, `INSERT INTO streamgauge.points (run, key, rank, attempt, step, ts, v, experiment, lane, seq, month)
			SELECT %d, 'it\'s "odd" \\ key', number %% 3, %d, toInt64(intDiv(number, 3)) - 1000, 5000 + number, multiIf(number = 700, inf, number = 900, -7000, number = 901, nan, number = 903, -inf, number * 0.5), 73, 0, 40 + %d, 202611 FROM numbers(15000)`,
			number(4), attempt, attempt)
	}
	r.exec(t, "INSERT INTO streamgauge.points (run, key, rank, attempt, step, seq, v, lane, month) VALUES (0, '', 0, 0, 41, 41, 5000, 0, 202611)")
	read := clickhouse.SeriesRead{
		Pairs: []clickhouse.SeriesPair{{Run: 9, Key: "none"}, pair}, RankTo: math.MaxUint32, From: math.MinInt64, To: math.MaxInt64,
		TimeFrom: math.MinInt64, TimeTo: math.MaxInt64, StartsMS: map[track.RunNumber]int64{number(4): 5000}, RowsMax: 100_000,
	}
	for _, each := range []bool{false, true} {
		read.Each = each
		points, err := r.store.SeriesPoints(ctx, read)
		if err != nil || len(points) != 30_000 {
			t.Fatalf("%d points, %v", len(points), err)
		}
		want := joined(points)
		extents, marks, err := r.store.SeriesExtents(ctx, read)
		if err != nil || marks[0] < 41 || len(extents) != len(want) {
			t.Fatalf("extents %v, marks %v, %v", extents, marks, err)
		}
		for _, e := range extents {
			if b := want[e.SeriesID]; !e.Inside || e.Points != b.Points() || e.StepFirst != b.StepFirst || e.StepLast != b.StepLast || e.TimeFirst != b.TimeFirst || e.TimeLast != b.TimeLast {
				t.Errorf("extent %+v, want %+v", e, b)
			}
		}
		for shift := range uint8(14) {
			read.Shift = shift
			for _, read.ByTime = range []bool{false, true} {
				rollup, err := r.store.ReadSeriesRollup(ctx, read)
				if err != nil || rollup.Marks[0] < 41 || len(rollup.Begins) > 0 {
					t.Fatalf("marks %v, begins %v, %v", rollup.Marks, rollup.Begins, err)
				}
				same(t, fmt.Sprintf("rollup, shift %d, by time %v", shift, read.ByTime), joined(rollup.Buckets), want)
				grouped, err := r.store.SeriesGrouped(ctx, read)
				if err != nil {
					t.Fatal(err)
				}
				same(t, fmt.Sprintf("grouped, shift %d, by time %v", shift, read.ByTime), joined(grouped), want)
				for _, b := range grouped {
					if x, y := b.StepFirst, b.StepLast; !read.ByTime && x>>shift != y>>shift {
						t.Errorf("steps %d to %d are one bucket at shift %d", x, y, shift)
					}
					if x, y := b.TimeFirst-5000, b.TimeLast-5000; read.ByTime && x>>shift != y>>shift {
						t.Errorf("milliseconds %d to %d are one bucket at shift %d", x, y, shift)
					}
				}
				read.ByTime = false
			}
		}
	}
}

// joined gives each series as one bucket. First and last of equal steps may be any.
func joined(all []clickhouse.SeriesBucket) map[clickhouse.SeriesID]series.Bucket {
	out := make(map[clickhouse.SeriesID]series.Bucket)
	for _, b := range all {
		out[b.SeriesID] = out[b.SeriesID].Join(b.Bucket)
	}
	for id, b := range out {
		b.First, b.Last = 0, 0
		out[id] = b
	}
	return out
}

func same(t *testing.T, what string, got, want map[clickhouse.SeriesID]series.Bucket) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d series, want %d", what, len(got), len(want))
	}
	for id, b := range want {
		if got[id] != b {
			t.Errorf("%s: %+v is %+v, want %+v", what, id, got[id], b)
		}
	}
}

func TestSeriesReadsKeepToTheirRange(t *testing.T) {
	r := start(t, enginetest.Start(t))
	ctx := t.Context()
	r.exec(t, `INSERT INTO streamgauge.points (run, key, rank, step, ts, v, experiment, lane, seq, month)
		SELECT %d, 'range', number %% 2, number, 1000 + number, 1, 73, 0, 10 + number, 202611 FROM numbers(2000)`, number(6))
	read := clickhouse.SeriesRead{
		Pairs: []clickhouse.SeriesPair{{Run: number(6), Key: "range"}}, RankFrom: 1, RankTo: 1, From: 500, To: 999,
		TimeFrom: 500, TimeTo: 999, StartsMS: map[track.RunNumber]int64{number(6): 1000}, Shift: 10, RowsMax: 100_000, Watermarks: map[uint16]uint64{0: 10 + 899},
	}
	points, err := r.store.SeriesPoints(ctx, read)
	if err != nil || len(points) != 200 || points[0].Rank != 0 {
		t.Errorf("%d points, %v", len(points), err)
	}
	for _, read.ByTime = range []bool{false, true} {
		if read.ByTime {
			read.From, read.To = 0, 2000
		}
		grouped, err := r.store.SeriesGrouped(ctx, read)
		if err != nil || len(grouped) != 1 || grouped[0].Points() != 200 || grouped[0].StepFirst != 501 || grouped[0].StepLast != 899 {
			t.Errorf("grouped %+v, %v", grouped, err)
		}
		// Groups of 256 steps, and what is not in the range at all apart.
		extents, _, err := r.store.SeriesExtents(ctx, read)
		inside, outside := uint64(0), uint64(0)
		for _, e := range extents {
			if e.Inside {
				inside += e.Points
			} else {
				outside += e.Points
			}
		}
		if err != nil || inside != 384 || inside+outside != 1000 {
			t.Errorf("extents %+v, %v", extents, err)
		}
	}
	read.ByTime, read.From, read.To, read.Shift = false, 600, 1000, 20
	rollup, err := r.store.ReadSeriesRollup(ctx, read)
	if err != nil || len(rollup.Buckets) != 1 || rollup.Buckets[0].StepFirst != 513 || len(rollup.Begins) != 1 || rollup.Begins[0].Step != 1 {
		t.Errorf("rollup %+v, %v", rollup, err)
	}
	read.ByTime, read.TimeFrom, read.TimeTo, read.Shift = true, 600, 1000, 8
	rollup, err = r.store.ReadSeriesRollup(ctx, read)
	if err != nil || len(rollup.Buckets) != 2 || len(rollup.Begins) != 1 || rollup.Begins[0].Step != 1 {
		t.Errorf("rollup by time %+v, %v", rollup, err)
	}
	read.RowsMax = 10
	if _, err := r.store.SeriesPoints(ctx, read); !errors.Is(err, clickhouse.ErrTooMany) {
		t.Errorf("got %v", err)
	}
	if _, err := r.store.SeriesPoints(ctx, clickhouse.SeriesRead{Pairs: read.Pairs, RankTo: clickhouse.RankMax, From: 0, To: 5, RowsMax: 10}); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// TestTheRollupIsRead makes the engine refuse statements that cannot be answered by the projection.
func TestTheRollupIsRead(t *testing.T) {
	r := start(t, enginetest.Start(t))
	r.exec(t, `INSERT INTO streamgauge.points (run, key, step, v, month) SELECT %d, 'p8', number, 1, 202611 FROM numbers(100000)`, number(8))
	read := clickhouse.SeriesRead{Pairs: []clickhouse.SeriesPair{{Run: number(8), Key: "p8"}}, RankTo: clickhouse.RankMax, From: 256, To: 80_000, RowsMax: 100_000, TimeTo: math.MaxInt64}
	pair := read.Pairs[0]
	for i, each := range []bool{false, true, false, true} {
		read.Each = each
		// Pairs that are not all keys of all runs are another condition.
		if read.Pairs = []clickhouse.SeriesPair{pair}; i >= 2 {
			read.Pairs = append(read.Pairs, clickhouse.SeriesPair{Run: number(9), Key: "other"})
		}
		for name, ask := range map[string]func(*clickhouse.Store) error{
			"extents": func(s *clickhouse.Store) error { _, _, err := s.SeriesExtents(t.Context(), read); return err },
			"extents by time": func(s *clickhouse.Store) error {
				by := read
				by.ByTime = true
				_, _, err := s.SeriesExtents(t.Context(), by)
				return err
			},
			"rollup by time": func(s *clickhouse.Store) error {
				by := read
				by.ByTime = true
				_, err := s.ReadSeriesRollup(t.Context(), by)
				return err
			},
			"rollup": func(s *clickhouse.Store) error { _, err := s.ReadSeriesRollup(t.Context(), read); return err },
		} {
			if err := ask(r.store.Forced()); err != nil {
				t.Errorf("%s, each %v: %v", name, each, err)
			}
		}
		if _, err := r.store.Forced().SeriesPoints(t.Context(), read); err == nil {
			t.Fatal("the engine does not refuse what no projection answers")
		}
	}
}

func TestTheLatestStepIsOfTheLowestRank(t *testing.T) {
	r := start(t, enginetest.Start(t))
	r.exec(t, `INSERT INTO streamgauge.latest SELECT 73, 'lowest', %d, tuple(-toInt64(2 + number %% 2), toInt64(number), toInt64(1), 0., 0.) FROM numbers(10)`, number(10))
	all, err := r.store.SeriesLatest(t.Context(), []uint32{73}, []track.RunNumber{number(10), number(11)}, []string{"lowest", "none"})
	want := track.Latest{Rank: 2, Step: 8}
	if err != nil || len(all) != 1 || all[clickhouse.SeriesPair{Run: number(10), Key: "lowest"}] != want {
		t.Errorf("latest %v, %v", all, err)
	}
}
