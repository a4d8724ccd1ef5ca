package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// SeriesRead says which series of a key are wanted, and pins the read to a snapshot of the tail.
type SeriesRead struct {
	Run track.RunNumber
	Key string
	// RankFrom and RankTo, From and To (steps) are inclusive.
	RankFrom, RankTo uint32
	From, To         int64
	Watermarks       map[uint16]uint64
}

func (r SeriesRead) params() params {
	p := pinned(r.Run, r.Key, r.Watermarks)
	p["rank_from"], p["rank_to"] = uint64(r.RankFrom), uint64(r.RankTo)
	p["from"], p["to"] = r.From, r.To
	return p
}

// SeriesSize is how large one series is in ClickHouse, to a bucket of 256 steps.
type SeriesSize struct {
	series.ID
	Points          uint64
	Least, Greatest int64
}

type sizes struct {
	rank, attempt   proto.ColUInt32
	points          proto.ColUInt64
	least, greatest proto.ColInt64
	list            []SeriesSize
}

func (r *sizes) columns() proto.Results {
	return proto.Results{{Name: "rank", Data: &r.rank}, {Name: "attempt", Data: &r.attempt}, {Name: "points", Data: &r.points}, {Name: "least", Data: &r.least}, {Name: "greatest", Data: &r.greatest}}
}

func (r *sizes) reset() { r.list = nil }

func (r *sizes) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, SeriesSize{series.ID{Rank: r.rank[i], Attempt: r.attempt[i]}, r.points[i], r.least[i], r.greatest[i]})
	}
	return nil
}

// SeriesSizes reads the sizes of a key's series between two steps.
func (s *Store) SeriesSizes(ctx context.Context, read SeriesRead) ([]SeriesSize, error) {
	var r sizes
	err := s.statement(ctx, "series_sizes", params{"run": read.Run, "key": read.Key, "from": read.From, "to": read.To}, &r)
	return r.list, err
}

type rawRows struct {
	rank, attempt proto.ColUInt32
	step, ts      proto.ColInt64
	v             proto.ColFloat64
	set           series.Set
}

func (r *rawRows) columns() proto.Results {
	return proto.Results{{Name: "rank", Data: &r.rank}, {Name: "attempt", Data: &r.attempt}, {Name: "step", Data: &r.step}, {Name: "ts", Data: &r.ts}, {Name: "v", Data: &r.v}}
}

func (r *rawRows) reset() { r.set = make(series.Set) }

func (r *rawRows) take(rows int) error {
	for i := range rows {
		id := series.ID{Rank: r.rank[i], Attempt: r.attempt[i]}
		r.set[id] = append(r.set[id], series.One(r.step[i], r.ts[i], r.v[i]))
	}
	return nil
}

// SeriesRaw reads points, pinned to the watermarks.
func (s *Store) SeriesRaw(ctx context.Context, read SeriesRead) (series.Set, error) {
	var r rawRows
	err := s.statement(ctx, "series_raw", read.params(), &r)
	return r.set, err
}

// kinds of rows of a rollup read.
const kindMarker = 1

type rollupRows struct {
	kind                          proto.ColUInt8
	rank, attempt                 proto.ColUInt32
	bucket                        proto.ColInt64
	low, high, total              proto.ColFloat64
	points, nans, infs, minusInfs proto.ColUInt64
	first, last                   proto.ColFloat64
	stepFirst, stepLast, ts       proto.ColInt64
	set                           series.Set
	marks                         map[uint16]uint64
}

func (r *rollupRows) columns() proto.Results {
	return proto.Results{
		{Name: "kind", Data: &r.kind}, {Name: "rank", Data: &r.rank}, {Name: "attempt", Data: &r.attempt}, {Name: "bucket", Data: &r.bucket},
		{Name: "low", Data: &r.low}, {Name: "high", Data: &r.high}, {Name: "total", Data: &r.total},
		{Name: "points", Data: &r.points}, {Name: "nans", Data: &r.nans}, {Name: "infs", Data: &r.infs}, {Name: "minus_infs", Data: &r.minusInfs},
		{Name: "first", Data: &r.first}, {Name: "last", Data: &r.last},
		{Name: "step_first", Data: &r.stepFirst}, {Name: "step_last", Data: &r.stepLast}, {Name: "ts_last", Data: &r.ts},
	}
}

func (r *rollupRows) reset() { r.set, r.marks = make(series.Set), make(map[uint16]uint64) }

func (r *rollupRows) take(rows int) error {
	for i := range rows {
		if r.kind[i] == kindMarker {
			r.marks[uint16(r.attempt[i])] = r.points[i]
			continue
		}
		id := series.ID{Rank: r.rank[i], Attempt: r.attempt[i]}
		r.set[id] = append(r.set[id], series.Bucket{
			First: r.first[i], Last: r.last[i], StepFirst: r.stepFirst[i], StepLast: r.stepLast[i], TimeMS: r.ts[i],
			Low: r.low[i], High: r.high[i], Sum: r.total[i], Finite: r.points[i],
			NaNs: r.nans[i], Infs: r.infs[i], MinusInfs: r.minusInfs[i],
		})
	}
	return nil
}

// SeriesRollup reads buckets of 256 << level steps, and the greatest sequence per lane that they hold: sections
// of the tail up to it are in the buckets.
func (s *Store) SeriesRollup(ctx context.Context, read SeriesRead, level uint8) (series.Set, map[uint16]uint64, error) {
	var r rollupRows
	p := read.params()
	delete(p, "lanes")
	delete(p, "marks")
	p["level"] = uint64(level)
	err := s.statement(ctx, "series_p8", p, &r)
	return r.set, r.marks, err
}
