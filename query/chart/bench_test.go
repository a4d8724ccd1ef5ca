package chart

import (
	"context"
	"math"
	"testing"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// calm is a world in which each run has a line of 5,000 steps, all of it stored.
type calm struct{ world }

func (*calm) RunDocuments(_ context.Context, ids []string) (map[string]*sgpb.Run, error) {
	out := make(map[string]*sgpb.Run)
	for _, id := range ids {
		out[id] = &sgpb.Run{Id: id, ExperimentId: "0"}
	}
	return out, nil
}

func (*calm) LatestInMemory(string, string) (track.Latest, bool) {
	return track.Latest{Step: 4999}, true
}

func (*calm) Run(context.Context, track.RunNumber) (feed.Snapshot, error) {
	return feed.Snapshot{}, nil
}

func (*calm) SeriesExtents(_ context.Context, read clickhouse.SeriesRead) (out []clickhouse.SeriesExtent, _ map[uint16]uint64, _ error) {
	for _, p := range read.Pairs {
		out = append(out, clickhouse.SeriesExtent{SeriesID: clickhouse.SeriesID{SeriesPair: p}, Inside: true, Points: 5000, StepLast: 4999, TimeLast: 49_990})
	}
	return out, nil, nil
}

// SeriesGrouped gives buckets in no order, as the engine does.
func (*calm) SeriesGrouped(_ context.Context, read clickhouse.SeriesRead) (out []clickhouse.SeriesBucket, _ error) {
	all := int64(5000 >> read.Shift)
	out = make([]clickhouse.SeriesBucket, 0, int(all)*len(read.Pairs))
	for i := range all {
		step := i * 61 % all << read.Shift
		for _, p := range read.Pairs {
			b := series.One(step, step*10, math.Sqrt(float64(step)+float64(p.Run)))
			b.Finite, b.StepLast = 1<<read.Shift, step+1<<read.Shift-1
			out = append(out, clickhouse.SeriesBucket{SeriesID: clickhouse.SeriesID{SeriesPair: p}, Bucket: b})
		}
	}
	return out, nil
}

// BenchmarkCompare draws 100 runs: all that is done but the engine's part.
func BenchmarkCompare(b *testing.B) {
	w := &calm{}
	r := New(w, w, w)
	v := request{keys: []string{"loss"}, axis: series.AxisStep, from: math.MinInt64, to: math.MaxInt64, buckets: 250, ranks: Ranks{mode: rankOne}}
	for i := range 100 {
		v.runs = append(v.runs, runID(i))
	}
	for b.Loop() {
		lines, err := r.read(b.Context(), v)
		if err != nil || len(lines) != 100 {
			b.Fatal(len(lines), err)
		}
		e := jx.GetEncoder()
		encode(e, &v, lines)
		jx.PutEncoder(e)
	}
}
