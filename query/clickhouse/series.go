package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// ErrTooMany says that a read of series has more rows than its reader wants to hold.
var ErrTooMany = errors.New("more rows than may be held")

// SeriesPair is a key of a run.
type SeriesPair struct {
	Run track.RunNumber
	Key string
}

// SeriesRead says which series are wanted.
type SeriesRead struct {
	// Each once.
	Pairs []SeriesPair
	// RankFrom and RankTo, From and To (steps) are inclusive.
	RankFrom, RankTo uint32
	From, To         int64
	// Each keeps ranks apart; without it all are rank 0.
	Each bool
	// ByTime: buckets and the range are of time since the start of the run in milliseconds. Runs without a start count
	// since the epoch.
	ByTime           bool
	TimeFrom, TimeTo int64
	StartsMS         map[track.RunNumber]int64
	// Shift: a bucket is 1 << Shift wide, steps or milliseconds.
	Shift uint8
	// Watermarks pin the read, by lane.
	Watermarks map[uint16]uint64
	// RowsMax bounds the answer.
	RowsMax int
}

// SeriesID names a launch's part of a line.
type SeriesID struct {
	SeriesPair
	Rank, Attempt uint32
}

// SeriesExtent is how large one is in ClickHouse.
type SeriesExtent struct {
	SeriesID
	// Inside the range, to a group of 256 steps; the other rows are of what lies outside.
	Inside bool
	Points uint64
	// Bounds of what is there.
	StepFirst, StepLast, TimeFirst, TimeLast int64
}

// SeriesBucket is a bucket of one.
type SeriesBucket struct {
	SeriesID
	series.Bucket
}

// ShiftMax of a statement: what is wider is joined by the reader.
const ShiftMax = 62

// rollupShift: a row of the rollup holds 256 steps.
const rollupShift = 8

func (r *SeriesRead) params() params {
	p := pinned(0, "", r.Watermarks)
	delete(p, "run")
	delete(p, "key")
	p["of_runs"], p["keys"], p["crossed"], p["pairs"] = r.cross()
	p["rank_from"], p["rank_to"] = uint64(r.RankFrom), uint64(r.RankTo)
	p["from"], p["to"] = r.From, r.To
	p["shift"] = uint64(min(r.Shift, ShiftMax))
	p["each"] = uint64(0)
	if r.Each {
		p["each"] = uint64(1)
	}
	if r.ByTime {
		runs, starts := []uint64{0}, []int64{0} // lists must not be empty
		for run, start := range r.StartsMS {
			runs, starts = append(runs, run), append(starts, start)
		}
		p["runs"], p["starts"] = runs, starts
		p["time_from"], p["time_to"] = r.TimeFrom, r.TimeTo
	}
	return p
}

// everything says whether the range leaves out nothing.
func (r *SeriesRead) everything() bool {
	if r.ByTime {
		return r.TimeFrom == math.MinInt64 && r.TimeTo == math.MaxInt64
	}
	return r.From == math.MinInt64 && r.To == math.MaxInt64
}

// cross gives the runs and the keys of the pairs. Where every run has every key they say it all, for less work than pairs.
func (r *SeriesRead) cross() (runs []uint64, keys []string, crossed uint64, pairs []SeriesPair) {
	seenRuns, seenKeys := make(map[track.RunNumber]bool), make(map[string]bool)
	for _, p := range r.Pairs {
		if !seenRuns[p.Run] {
			runs, seenRuns[p.Run] = append(runs, p.Run), true
		}
		if !seenKeys[p.Key] {
			keys, seenKeys[p.Key] = append(keys, p.Key), true
		}
	}
	if len(r.Pairs) == len(runs)*len(keys) {
		return runs, keys, 1, nil
	}
	return runs, keys, 0, r.Pairs
}

func (p params) without(names ...string) params {
	for _, n := range names {
		delete(p, n)
	}
	return p
}

// names gives texts of a column of few different ones without copying each.
type names struct {
	column proto.ColStr
	last   string
}

func (n *names) row(i int) string {
	if b := n.column.RowBytes(i); string(b) != n.last {
		n.last = string(b)
	}
	return n.last
}

// The kinds of rows beside those of kind 0.
const (
	kindMarker = 1
	kindBegin  = 2
)

type extentRows struct {
	kind, inside               proto.ColUInt8
	run, points                proto.ColUInt64
	name                       names
	rank, attempt              proto.ColUInt32
	first, last, tFirst, tLast proto.ColInt64
	list                       []SeriesExtent
	marks                      map[uint16]uint64
	max                        int
}

func (r *extentRows) columns() proto.Results {
	return proto.Results{
		{Name: "kind", Data: &r.kind}, {Name: "run", Data: &r.run}, {Name: "name", Data: &r.name.column}, {Name: "of_rank", Data: &r.rank}, {Name: "attempt", Data: &r.attempt},
		{Name: "inside", Data: &r.inside}, {Name: "points", Data: &r.points},
		{Name: "step_first", Data: &r.first}, {Name: "step_last", Data: &r.last}, {Name: "ts_first", Data: &r.tFirst}, {Name: "ts_last", Data: &r.tLast},
	}
}

func (r *extentRows) reset() { r.list, r.marks = nil, make(map[uint16]uint64) }

func (r *extentRows) take(rows int) error {
	if len(r.list)+rows > r.max {
		return ErrTooMany
	}
	for i := range rows {
		if r.kind[i] == kindMarker {
			r.marks[uint16(r.attempt[i])] = r.points[i]
			continue
		}
		r.list = append(r.list, SeriesExtent{
			SeriesID: SeriesID{SeriesPair{r.run[i], r.name.row(i)}, r.rank[i], r.attempt[i]},
			Inside:   r.inside[i] == 1, Points: r.points[i],
			StepFirst: r.first[i], StepLast: r.last[i], TimeFirst: r.tFirst[i], TimeLast: r.tLast[i],
		})
	}
	return nil
}

// SeriesExtents reads how large series are, and the greatest sequence per lane that this counts.
func (s *Store) SeriesExtents(ctx context.Context, read SeriesRead) ([]SeriesExtent, map[uint16]uint64, error) {
	r := extentRows{max: read.RowsMax}
	p, name := read.params().without("lanes", "marks", "shift"), "series_extents"
	if read.ByTime {
		name = "series_extents_time"
		p = p.without("from", "to")
	}
	err := s.statement(ctx, name, p, &r)
	return r.list, r.marks, err
}

type bucketRows struct {
	kind                             proto.ColUInt8
	run                              proto.ColUInt64
	name                             names
	rank, attempt                    proto.ColUInt32
	low, high, total                 proto.ColFloat64
	finite, nans, infs, minusInfs    proto.ColUInt64
	first, last                      proto.ColFloat64
	stepFirst, stepLast, tsFirst, ts proto.ColInt64
	SeriesRollup
	max int
}

// SeriesRollup is what a read of the rollup gives.
type SeriesRollup struct {
	Buckets []SeriesBucket
	// Marks are the greatest sequence per lane that the buckets hold: sections of the tail up to it are in them.
	Marks map[uint16]uint64
	// Begins are where launches begin, unless the range is everything: then buckets say it.
	Begins []SeriesBegin
}

// SeriesBegin is the first step of a launch.
type SeriesBegin struct {
	SeriesID
	Step int64
}

func (r *bucketRows) columns() proto.Results {
	return proto.Results{
		{Name: "kind", Data: &r.kind}, {Name: "run", Data: &r.run}, {Name: "name", Data: &r.name.column}, {Name: "of_rank", Data: &r.rank}, {Name: "attempt", Data: &r.attempt},
		{Name: "low", Data: &r.low}, {Name: "high", Data: &r.high}, {Name: "total", Data: &r.total},
		{Name: "finite", Data: &r.finite}, {Name: "nans", Data: &r.nans}, {Name: "infs", Data: &r.infs}, {Name: "minus_infs", Data: &r.minusInfs},
		{Name: "first", Data: &r.first}, {Name: "last", Data: &r.last},
		{Name: "step_first", Data: &r.stepFirst}, {Name: "step_last", Data: &r.stepLast}, {Name: "ts_first", Data: &r.tsFirst}, {Name: "ts_last", Data: &r.ts},
	}
}

func (r *bucketRows) reset() { r.SeriesRollup = SeriesRollup{Marks: make(map[uint16]uint64)} }

func (r *bucketRows) take(rows int) error {
	if len(r.Buckets)+rows > r.max {
		return ErrTooMany
	}
	r.Buckets = slices.Grow(r.Buckets, rows)
	for i := range rows {
		id := SeriesID{SeriesPair{r.run[i], r.name.row(i)}, r.rank[i], r.attempt[i]}
		switch r.kind[i] {
		case kindMarker:
			r.Marks[uint16(r.attempt[i])] = r.finite[i]
			continue
		case kindBegin:
			r.Begins = append(r.Begins, SeriesBegin{id, r.stepFirst[i]})
			continue
		}
		r.Buckets = append(r.Buckets, SeriesBucket{id, series.Bucket{
			First: r.first[i], Last: r.last[i], StepFirst: r.stepFirst[i], StepLast: r.stepLast[i], TimeFirst: r.tsFirst[i], TimeLast: r.ts[i],
			Low: r.low[i], High: r.high[i], Sum: r.total[i], Finite: r.finite[i],
			NaNs: r.nans[i], Infs: r.infs[i], MinusInfs: r.minusInfs[i],
		}})
	}
	return nil
}

// ReadSeriesRollup reads buckets of the rollup, at least 256 steps wide. The range of steps is to 256,
// a read by time has all buckets that touch its range; the shift is of steps also then.
func (s *Store) ReadSeriesRollup(ctx context.Context, read SeriesRead) (SeriesRollup, error) {
	r := bucketRows{max: read.RowsMax}
	p, name := read.params().without("lanes", "marks"), "series_rollup"
	p["shift"] = uint64(min(max(read.Shift, rollupShift)-rollupShift, ShiftMax))
	if read.ByTime {
		p, name = p.without("from", "to"), "series_rollup_time"
	}
	text, err := files.ReadFile("sql/" + name + ".sql")
	if err == nil && !read.everything() {
		var begins []byte
		begins, err = files.ReadFile("sql/series_begins.sql")
		text = slices.Concat(text, []byte("UNION ALL\n"), begins)
	}
	if err != nil {
		return SeriesRollup{}, fmt.Errorf("read statement: %w", err)
	}
	err = s.run(ctx, name, string(text), p, &r)
	return r.SeriesRollup, err
}

// SeriesGrouped reads points in buckets, pinned to the watermarks.
func (s *Store) SeriesGrouped(ctx context.Context, read SeriesRead) ([]SeriesBucket, error) {
	r := bucketRows{max: read.RowsMax}
	name := "series_grouped"
	if read.ByTime {
		name = "series_grouped_time"
	}
	err := s.statement(ctx, name, read.params(), &r)
	return r.Buckets, err
}

type pointRows struct {
	run           proto.ColUInt64
	name          names
	rank, attempt proto.ColUInt32
	step, ts      proto.ColInt64
	v             proto.ColFloat64
	list          []SeriesBucket
	max           int
}

func (r *pointRows) columns() proto.Results {
	return proto.Results{
		{Name: "run", Data: &r.run}, {Name: "name", Data: &r.name.column}, {Name: "of_rank", Data: &r.rank}, {Name: "attempt", Data: &r.attempt},
		{Name: "step", Data: &r.step}, {Name: "ts", Data: &r.ts}, {Name: "v", Data: &r.v},
	}
}

func (r *pointRows) reset() { r.list = nil }

func (r *pointRows) take(rows int) error {
	if len(r.list)+rows > r.max {
		return ErrTooMany
	}
	r.list = slices.Grow(r.list, rows)
	for i := range rows {
		id := SeriesID{SeriesPair{r.run[i], r.name.row(i)}, r.rank[i], r.attempt[i]}
		r.list = append(r.list, SeriesBucket{id, series.One(r.step[i], r.ts[i], r.v[i])})
	}
	return nil
}

// SeriesPoints reads points as they are, pinned to the watermarks. A range of time is not looked at.
func (s *Store) SeriesPoints(ctx context.Context, read SeriesRead) ([]SeriesBucket, error) {
	r := pointRows{max: read.RowsMax}
	read.ByTime = false
	err := s.statement(ctx, "series_points", read.params().without("shift"), &r)
	return r.list, err
}

type seriesLatestRows struct {
	run  proto.ColUInt64
	name names
	rank proto.ColUInt32
	step proto.ColInt64
	all  map[SeriesPair]track.Latest
}

func (r *seriesLatestRows) columns() proto.Results {
	return proto.Results{{Name: "run", Data: &r.run}, {Name: "name", Data: &r.name.column}, {Name: "of_rank", Data: &r.rank}, {Name: "step", Data: &r.step}}
}

func (r *seriesLatestRows) reset() { r.all = make(map[SeriesPair]track.Latest) }

func (r *seriesLatestRows) take(rows int) error {
	for i := range rows {
		r.all[SeriesPair{r.run[i], r.name.row(i)}] = track.Latest{Rank: r.rank[i], Step: r.step[i]}
	}
	return nil
}

// SeriesLatest reads the lowest rank that logged a key, and its greatest step, for some keys of some runs.
func (s *Store) SeriesLatest(ctx context.Context, experiments []uint32, runs []track.RunNumber, keys []string) (map[SeriesPair]track.Latest, error) {
	var r seriesLatestRows
	err := s.statement(ctx, "series_latest", params{"experiments": experiments, "runs": runs, "keys": keys}, &r)
	return r.all, err
}

// RankMax is the greatest rank.
const RankMax = math.MaxUint32
