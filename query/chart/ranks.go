package chart

import (
	"context"
	"math"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// ranksMax bounds the ranks that are compared, ranksBuckets how finely.
	ranksMax     = 10_000
	ranksBuckets = 64
)

func (r *Reader) getRanks(c *fiber.Ctx) error {
	key, err := mlflow.ParseQuery(queryArgs(c)).Required("key")
	if err != nil {
		return err
	}
	ctx, cancel := within(c)
	defer cancel()
	attempt, ranks, err := r.ranks(ctx, strings.Clone(c.Params("run_id")), key)
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	encodeRanks(w, key, attempt, ranks)
	return sendJSON(c, w.Bytes())
}

// ranks compares the ranks of the newest launch that logged the key.
func (r *Reader) ranks(ctx context.Context, id, key string) (attempt uint32, out series.Ranks, err error) {
	lines, err := r.read(ctx, request{
		runs: []string{id}, keys: []string{key}, axis: series.AxisStep, from: math.MinInt64, to: math.MaxInt64,
		buckets: ranksBuckets, ranks: Ranks{mode: rankEach}, apart: true,
	})
	if err != nil {
		return 0, out, err
	}
	shift, least, greatest := uint8(0), int64(math.MaxInt64), int64(math.MinInt64)
	for i := range lines {
		attempt = max(attempt, lines[i].parts[0].Attempt)
	}
	var all []series.RankLine
	for i := range lines {
		l := &lines[i]
		if l.parts[0].Attempt != attempt {
			continue
		}
		all = append(all, series.RankLine{Rank: l.rank, Buckets: l.buckets})
		for _, b := range l.buckets {
			least, greatest = min(least, b.StepFirst), max(greatest, b.StepLast)
		}
		if !l.grid.Raw {
			shift = max(shift, l.grid.Shift)
		}
	}
	if len(all) > ranksMax {
		return 0, out, track.Errorf(track.InvalidParameterValue, "%d ranks logged '%s', more than the %d that are compared", len(all), key, ranksMax)
	}
	if len(all) > 0 {
		shift = max(shift, series.GridOf(series.AxisStep, least, greatest, ranksBuckets).Shift)
	}
	for i := range all { // ranks with few points came as points
		all[i].Buckets = series.Grid{Axis: series.AxisStep, Shift: shift}.Draw(all[i].Buckets, 0)
	}
	return attempt, series.CompareRanks(all, shift), nil
}

func encodeRanks(w *jx.Encoder, key string, attempt uint32, r series.Ranks) {
	number := func(name string, n int64) {
		w.FieldStart(name)
		w.Int64(n)
	}
	since := func(ms int64) {
		w.FieldStart("since")
		if ms == 0 {
			w.Null()
			return
		}
		w.Int64(ms)
	}
	w.ObjStart()
	w.FieldStart("key")
	w.Str(key)
	number("attempt", int64(attempt))
	number("median_step", r.MedianStep)
	number("greatest_step", r.GreatestStep)
	number("newest_time", r.NewestMS)
	w.FieldStart("slowest")
	if s := r.Slowest; s == nil {
		w.Null()
	} else {
		w.ObjStart()
		number("rank", int64(s.Rank))
		number("behind_steps", s.BehindMedian)
		number("behind_ms", s.BehindMS)
		since(s.SinceMS)
		w.ObjEnd()
	}
	w.FieldStart("ranks")
	w.ArrStart()
	for i := range r.All {
		s := &r.All[i]
		w.ObjStart()
		number("rank", int64(s.Rank))
		number("last_step", s.All.StepLast)
		number("last_time", s.All.TimeLast)
		number("behind_median", s.BehindMedian)
		number("behind_greatest", s.BehindGreatest)
		number("behind_ms", s.BehindMS)
		since(s.SinceMS)
		number("count", int64(s.All.Points()))
		for _, v := range []struct {
			name  string
			value float64
		}{{"min", s.All.Min()}, {"max", s.All.Max()}, {"mean", s.All.Mean()}, {"last", s.All.Last}} {
			w.FieldStart(v.name)
			mlflow.EncodeFloat(w, v.value)
		}
		number("nan", int64(s.All.NaNs))
		number("pos_inf", int64(s.All.Infs))
		number("neg_inf", int64(s.All.MinusInfs))
		w.ObjEnd()
	}
	w.ArrEnd()
	w.ObjEnd()
}
