package clickhouse

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// historyRows is a result of a metric's points.
type historyRows struct {
	step, ts       proto.ColInt64
	v              proto.ColFloat64
	model, dataset *proto.ColLowCardinality[string]
	points         history.Points
	// max is the most points that are taken, 0 for all.
	max int
}

func (r *historyRows) columns() proto.Results {
	r.model, r.dataset = new(proto.ColStr).LowCardinality(), new(proto.ColStr).LowCardinality()
	return proto.Results{{Name: "step", Data: &r.step}, {Name: "ts", Data: &r.ts}, {Name: "v", Data: &r.v}, {Name: "model", Data: r.model}, {Name: "dataset", Data: r.dataset}}
}

func (r *historyRows) reset() { r.points = history.Points{} }

func (r *historyRows) take(rows int) error {
	if r.max > 0 && len(r.points.List)+rows > r.max {
		return history.ErrTooLong
	}
	r.points.List = slices.Grow(r.points.List, rows)
	for i := range rows {
		r.points.Add(r.ts[i], r.step[i], r.v[i], r.model.Row(i), r.dataset.Row(i))
	}
	return nil
}

// History reads points of a metric; history.ErrTooLong says that there are more than the reader wants to hold.
func (s *Store) History(ctx context.Context, read history.Read) (history.Points, error) {
	r := historyRows{max: read.HeldMax}
	p := pinned(read.Run, read.Key, read.Watermarks)
	p["rank"] = uint64(read.Rank)
	name := "history"
	if read.Max == 0 {
		p["from"], p["to"] = read.From, read.To
	} else {
		name = "history_page"
		page(p, read)
	}
	err := s.statement(ctx, name, p, &r)
	return r.points, err
}

func page(p params, read history.Read) {
	p["max"], p["first"] = uint64(read.Max), uint64(1)
	after := history.Key{}
	if read.After != nil {
		after, p["first"] = *read.After, uint64(0)
	}
	value, nan := after.Value, uint64(0)
	if math.IsNaN(value) {
		value, nan = 0, 1
	}
	p["after_ts"], p["after_step"] = after.TimeMS, after.Step
	p["after_value"], p["after_nan"] = math.Float64bits(value), nan
	p["after_model"], p["after_dataset"] = after.Model, after.Dataset
}

// laneNone is no lane; it stands in lists that must not be empty.
const laneNone = math.MaxUint16

// pinned are the parameters of a read that is pinned to a snapshot of the tail.
func pinned(run track.RunNumber, key string, watermarks map[uint16]uint64) params {
	lanes, marks := []uint16{laneNone}, []uint64{math.MaxUint64}
	for _, lane := range slices.Sorted(maps.Keys(watermarks)) {
		lanes, marks = append(lanes, lane), append(marks, watermarks[lane])
	}
	return params{"run": run, "key": key, "lanes": lanes, "marks": marks}
}

type rankRow struct {
	rank  proto.ColUInt32
	found bool
	least uint32
}

func (r *rankRow) columns() proto.Results { return proto.Results{{Name: "rank", Data: &r.rank}} }
func (r *rankRow) reset()                 { r.found = false }
func (r *rankRow) take(rows int) error {
	if rows > 0 {
		r.found, r.least = true, r.rank[0]
	}
	return nil
}

// LowestRank reads the lowest rank that logged a key, RankUnknown if none did.
func (s *Store) LowestRank(ctx context.Context, read history.Read) (uint32, error) {
	var r rankRow
	err := s.statement(ctx, "lowest_rank", pinned(read.Run, read.Key, read.Watermarks), &r)
	if err != nil || !r.found {
		return history.RankUnknown, err
	}
	return r.least, nil
}
