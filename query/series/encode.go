package series

import (
	"math"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// Encode writes the lines as columns. NaN and infinities are texts, as in MLflow's API. min, max and mean are of a
// bucket's finite values if it has any; non_finite counts the others.
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
	s.column(w, "min", func(b Bucket) { mlflow.EncodeFloat(w, b.low()) })
	s.column(w, "max", func(b Bucket) { mlflow.EncodeFloat(w, b.high()) })
	s.column(w, "mean", func(b Bucket) { mlflow.EncodeFloat(w, b.mean()) })
	s.column(w, "first", func(b Bucket) { mlflow.EncodeFloat(w, b.First) })
	s.column(w, "last", func(b Bucket) { mlflow.EncodeFloat(w, b.Last) })
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

// low, high and mean are of the finite values; where there is none, what the others are: the least and greatest
// of them leave NaN out, their mean does not.
func (b Bucket) low() float64 {
	switch {
	case b.Finite > 0:
		return b.Low
	case b.MinusInfs > 0:
		return math.Inf(-1)
	case b.Infs > 0:
		return math.Inf(1)
	}
	return math.NaN()
}

func (b Bucket) high() float64 {
	switch {
	case b.Finite > 0:
		return b.High
	case b.Infs > 0:
		return math.Inf(1)
	case b.MinusInfs > 0:
		return math.Inf(-1)
	}
	return math.NaN()
}

func (b Bucket) mean() float64 {
	switch {
	case b.Finite == 1:
		return b.Low // not b.Sum, so that a raw point is exact
	case b.Finite > 0:
		return b.Sum / float64(b.Finite)
	case b.NaNs > 0:
		return math.NaN()
	}
	return b.low() + b.high() // twice the same infinity, or NaN of both
}
