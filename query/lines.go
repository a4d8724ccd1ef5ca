package query

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// pointsDefault suits a chart as wide as a window; pointsMax one on a wall.
	pointsDefault = 1_000
	pointsMax     = 10_000
	// seriesKeysMax is how many keys one request may ask for, seriesMax how many lines of a key are drawn.
	seriesKeysMax = 100
	seriesMax     = 1_024
	// rawPointsMax is up to where points are read as they are: some 50 ms. Above it the rollup is.
	rawPointsMax = 1_000_000
	// rollupRowsPerBucket: rows of the rollup that are read for one bucket of the answer.
	rollupRowsPerBucket = 4
	// rollupShift: a row of the rollup holds 256 steps.
	rollupShift = 8
)

// lines is a parsed request for series.
type lines struct {
	keys   []string
	points int
	// rank is the wanted one; nil means the lowest, all means every.
	rank     *uint32
	all      bool
	from, to int64
}

func parseLines(f mlflow.Fields) (v lines, err error) {
	if v.keys, err = f.Strings("key"); err != nil {
		return v, err
	}
	if len(v.keys) == 0 {
		return v, mlflow.MissingParameter("key")
	}
	if len(v.keys) > seriesKeysMax {
		return v, track.Errorf(track.InvalidParameterValue, "'key' may be given at most %d times in one request, not %d times", seriesKeysMax, len(v.keys))
	}
	points, err := f.Int64("points", pointsDefault)
	if err != nil {
		return v, err
	}
	if points < 1 || points > pointsMax {
		return v, track.Errorf(track.InvalidParameterValue, "'points' must be between 1 and %d, not %d", pointsMax, points)
	}
	v.points = int(points)
	if v.from, err = f.Int64("from_step", history.StepMin); err != nil {
		return v, err
	}
	if v.to, err = f.Int64("to_step", history.StepMax); err != nil {
		return v, err
	}
	if v.from > v.to {
		return v, track.Errorf(track.InvalidParameterValue, "'from_step' is %d and lies behind 'to_step', %d", v.from, v.to)
	}
	return v, v.parseRank(f)
}

func (v *lines) parseRank(f mlflow.Fields) error {
	if text, err := f.ID("rank"); err == nil && text == "all" {
		v.all = true
		return nil
	}
	if !f.Has("rank") {
		return nil
	}
	n, err := f.Int64("rank", 0)
	if err != nil {
		return err
	}
	if n < 0 || n > math.MaxUint32 {
		return track.Errorf(track.InvalidParameterValue, "'rank' must be 'all' or a number from 0, not %d", n)
	}
	rank := uint32(n)
	v.rank = &rank
	return nil
}

func (q *Query) getSeries(c *fiber.Ctx) error {
	f := mlflow.ParseQuery(queryArgs(c.Context().QueryArgs()))
	v, err := parseLines(f)
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	id := string([]byte(c.Params("run_id")))
	run, err := q.run(ctx, id)
	if err != nil {
		return err
	}
	var out []series.Series
	for _, key := range v.keys {
		some, err := q.lines(ctx, run, key, v)
		if err != nil {
			return err
		}
		out = append(out, some...)
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	series.Encode(w, out)
	return sendJSON(c, w.Bytes())
}

// lines draws the lines of one key.
func (q *Query) lines(ctx context.Context, run *hot.Run, key string, v lines) ([]series.Series, error) {
	snapshot, err := q.tail.Run(ctx, run.Number)
	if err != nil {
		return nil, behind("points", err)
	}
	fresh := make(series.Set)
	for _, s := range snapshot.Sections {
		if s.RunID == run.ID {
			fresh.AddSection(s, key, v.from, v.to)
		}
	}
	read := clickhouse.SeriesRead{Run: run.Number, Key: key, From: v.from, To: v.to, RankTo: math.MaxUint32, Watermarks: snapshot.Watermarks}
	sizes, err := q.store.SeriesSizes(ctx, read)
	if err != nil {
		return nil, fmt.Errorf("sizes of %s: %w", key, err)
	}
	if !v.chooseRank(&read, sizes, fresh) {
		return nil, nil
	}
	sizes = slices.DeleteFunc(sizes, func(s clickhouse.SeriesSize) bool { return s.Rank < read.RankFrom || s.Rank > read.RankTo })
	if len(sizes) > seriesMax {
		return nil, track.Errorf(track.InvalidParameterValue, "%s has %d series, more than the %d that one answer holds; ask with rank=", key, len(sizes), seriesMax)
	}
	set, level := series.Set{}, rollupLevel(sizes, v.points)
	switch {
	case len(sizes) == 0:
	case level < 0:
		set, err = q.store.SeriesRaw(ctx, read)
	default:
		set, err = q.rollup(ctx, read, uint8(level), snapshot, run.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("read series %s: %w", key, err)
	}
	if level < 0 {
		set.Join(fresh, read.RankFrom, read.RankTo)
	}
	return set.Draw(key, v.points, level < 0), nil
}

// rollup reads the rollup and lays over it what its markers do not hold.
func (q *Query) rollup(ctx context.Context, read clickhouse.SeriesRead, level uint8, snapshot feed.Snapshot, runID string) (series.Set, error) {
	set, marks, err := q.store.SeriesRollup(ctx, read, level)
	if err != nil {
		return nil, err
	}
	for _, s := range snapshot.Sections {
		if s.RunID == runID && s.Seq > marks[s.Lane] && s.Rank >= read.RankFrom && s.Rank <= read.RankTo {
			set.AddSection(s, read.Key, read.From, read.To)
		}
	}
	return set, nil
}

// chooseRank narrows the read to the wanted ranks; false if there is none.
func (v lines) chooseRank(read *clickhouse.SeriesRead, sizes []clickhouse.SeriesSize, fresh series.Set) bool {
	switch {
	case v.all:
		return true
	case v.rank != nil:
		read.RankFrom, read.RankTo = *v.rank, *v.rank
		return true
	}
	lowest, ok := uint32(math.MaxUint32), false
	for _, s := range sizes {
		lowest, ok = min(lowest, s.Rank), true
	}
	for id := range fresh {
		lowest, ok = min(lowest, id.Rank), true
	}
	read.RankFrom, read.RankTo = lowest, lowest
	return ok
}

// rollupLevel is -1 where the points themselves are read; else how often 256 steps are doubled, so that a
// bucket of the answer is made of a few rows.
func rollupLevel(sizes []clickhouse.SeriesSize, points int) int {
	var total, width uint64
	for _, s := range sizes {
		total += s.Points
		width = max(width, uint64(s.Greatest)-uint64(s.Least))
	}
	if total <= rawPointsMax {
		return -1
	}
	rows := width >> rollupShift
	return max(0, bits.Len64(rows/uint64(points*rollupRowsPerBucket)))
}

func (q *Query) getMetrics(c *fiber.Ctx) error {
	ctx, cancel := within(readTimeout)
	defer cancel()
	run, err := q.run(ctx, string([]byte(c.Params("run_id"))))
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	w.FieldStart("metrics")
	w.ArrStart()
	for _, m := range run.Latest() {
		w.ObjStart()
		w.FieldStart("key")
		w.Str(m.Key)
		w.FieldStart("value")
		mlflow.EncodeFloat(w, m.Latest.Value)
		w.FieldStart("step")
		w.Int64(m.Latest.Step)
		w.FieldStart("timestamp")
		w.Int64(m.Latest.TimeMS)
		w.FieldStart("rank")
		w.UInt32(m.Latest.Rank)
		w.ObjEnd()
	}
	w.ArrEnd()
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}
