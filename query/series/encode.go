package series

import (
	"math"

	"github.com/go-faster/jx"
)

// Encode writes the lines as columns. Where there is nothing finite stands null; non_finite counts the others.
func Encode(w *jx.Encoder, lines []Series) {
	w.ObjStart()
	w.FieldStart("series")
	w.ArrStart()
	for i := range lines {
		lines[i].encode(w)
	}
	w.ArrEnd()
	w.ObjEnd()
}

func (s *Series) encode(w *jx.Encoder) {
	w.ObjStart()
	w.FieldStart("key")
	w.Str(s.Key)
	w.FieldStart("rank")
	w.UInt32(s.Rank)
	w.FieldStart("attempt")
	w.UInt32(s.Attempt)
	w.FieldStart("points_total")
	w.UInt64(s.Points)
	w.FieldStart("raw")
	w.Bool(s.Raw)
	s.column(w, "step", func(b Bucket) { w.Int64(b.StepFirst) })
	s.column(w, "step_last", func(b Bucket) { w.Int64(b.StepLast) })
	s.column(w, "time", func(b Bucket) { w.Int64(b.TimeMS) })
	s.column(w, "min", func(b Bucket) { finite(w, b.Low, b.Finite > 0) })
	s.column(w, "max", func(b Bucket) { finite(w, b.High, b.Finite > 0) })
	s.column(w, "mean", func(b Bucket) { finite(w, b.mean(), b.Finite > 0) })
	s.column(w, "first", func(b Bucket) { finite(w, b.First, true) })
	s.column(w, "last", func(b Bucket) { finite(w, b.Last, true) })
	s.column(w, "count", func(b Bucket) { w.UInt64(b.Points()) })
	s.column(w, "non_finite", func(b Bucket) { w.UInt64(b.Odd()) })
	w.ObjEnd()
}

func (s *Series) column(w *jx.Encoder, name string, write func(Bucket)) {
	w.FieldStart(name)
	w.ArrStart()
	for _, b := range s.Buckets {
		write(b)
	}
	w.ArrEnd()
}

func (b Bucket) mean() float64 {
	if b.Finite == 1 {
		return b.Low // not b.Sum, so that a raw point is exact
	}
	return b.Sum / float64(b.Finite)
}

func finite(w *jx.Encoder, v float64, ok bool) {
	if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
		w.Null()
		return
	}
	w.Float64(v)
}
