package chart

import (
	"maps"
	"slices"
	"strconv"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// encode writes the lines as columns (docs/series.md). NaN and infinities are texts, as in MLflow's API.
func encode(w *jx.Encoder, v *request, lines []answerLine) {
	w.ObjStart()
	w.FieldStart("axis")
	w.Str(v.axis.String())
	w.FieldStart("series")
	w.ArrStart()
	for i := range lines {
		lines[i].encode(w, v)
	}
	w.ArrEnd()
	w.ObjEnd()
}

func (l *answerLine) encode(w *jx.Encoder, v *request) {
	w.ObjStart()
	l.encodeName(w)
	w.FieldStart("start_time")
	w.Int64(l.target.startMS)
	w.FieldStart("raw")
	w.Bool(l.raw)
	w.FieldStart("bucket_width")
	if l.raw {
		w.Int64(0)
	} else {
		w.Int64(l.grid.Width())
	}
	w.FieldStart("points_total")
	w.UInt64(l.points)
	l.encodeParts(w)
	l.encodeAsOf(w)
	EncodeColumns(w, l.buckets, l.raw, v.wants)
	w.ObjEnd()
}

func (l *answerLine) encodeParts(w *jx.Encoder) {
	w.FieldStart("parts")
	w.ArrStart()
	for _, p := range l.shownParts() {
		w.ObjStart()
		w.FieldStart("run_id")
		w.Str(l.target.generations[p.Generation].id)
		w.FieldStart("attempt")
		w.UInt32(p.Attempt)
		w.FieldStart("from_step")
		w.Int64(p.From)
		w.FieldStart("to_step")
		w.Int64(p.To)
		w.FieldStart("inherited")
		w.Bool(p.Generation > 0)
		w.ObjEnd()
	}
	w.ArrEnd()
}

// shownParts are the parts that the buckets touch, no farther than these go.
func (l *answerLine) shownParts() []series.Part {
	first, last := l.buckets[0].StepFirst, l.buckets[0].StepLast
	for i := range l.buckets {
		first, last = min(first, l.buckets[i].StepFirst), max(last, l.buckets[i].StepLast)
	}
	var out []series.Part
	for _, p := range l.parts {
		p.From, p.To = max(p.From, first), min(p.To, last)
		if p.From <= p.To {
			out = append(out, p)
		}
	}
	return out
}

// EncodeColumns writes buckets as columns, points as step, time and value.
func EncodeColumns(w *jx.Encoder, buckets []series.Bucket, raw bool, wants func(string) bool) {
	column := func(name string, write func(b *series.Bucket)) {
		if !wants(name) {
			return
		}
		w.FieldStart(name)
		w.ArrStart()
		for i := range buckets {
			write(&buckets[i])
		}
		w.ArrEnd()
	}
	column("step", func(b *series.Bucket) { w.Int64(b.StepFirst) })
	if raw {
		column("time", func(b *series.Bucket) { w.Int64(b.TimeFirst) })
		column("value", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.First) })
		return
	}
	column("step_last", func(b *series.Bucket) { w.Int64(b.StepLast) })
	column("time", func(b *series.Bucket) { w.Int64(b.TimeFirst) })
	column("time_last", func(b *series.Bucket) { w.Int64(b.TimeLast) })
	column("min", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.Min()) })
	column("max", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.Max()) })
	column("mean", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.Mean()) })
	column("first", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.First) })
	column("last", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.Last) })
	column("count", func(b *series.Bucket) { w.UInt64(b.Points()) })
	column("nan", func(b *series.Bucket) { w.UInt64(b.NaNs) })
	column("pos_inf", func(b *series.Bucket) { w.UInt64(b.Infs) })
	column("neg_inf", func(b *series.Bucket) { w.UInt64(b.MinusInfs) })
}

// encodeName writes whose line it is.
func (l *answerLine) encodeName(w *jx.Encoder) {
	w.FieldStart("run_id")
	w.Str(l.target.id)
	w.FieldStart("key")
	w.Str(l.key)
	w.FieldStart("rank")
	if l.merged {
		w.Null()
	} else {
		w.UInt32(l.rank)
	}
}

// encodeAsOf writes up to where the line has everything, by lane.
func (l *answerLine) encodeAsOf(w *jx.Encoder) {
	w.FieldStart("as_of")
	w.ObjStart()
	for _, lane := range slices.Sorted(maps.Keys(l.asOf)) {
		w.FieldStart(strconv.Itoa(int(lane)))
		w.UInt64(l.asOf[lane])
	}
	w.ObjEnd()
}
