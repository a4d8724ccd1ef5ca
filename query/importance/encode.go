package importance

import (
	"math"

	"github.com/go-faster/jx"
)

// Answer is what POST /v1/importance answers.
type Answer struct {
	// Runs have the metric, Without of the search do not, or not as a finite number.
	Runs, Without int
	// More says that the search finds more runs than were looked at.
	More bool
	// Explained is how much of the metric's order the params predict, 0 to 1.
	Explained float64
	Params    []Param
}

// Encode writes the answer (docs/series.md).
func (a Answer) Encode(w *jx.Encoder) {
	w.ObjStart()
	w.FieldStart("runs")
	w.Int(a.Runs)
	w.FieldStart("runs_without")
	w.Int(a.Without)
	w.FieldStart("more")
	w.Bool(a.More)
	w.FieldStart("explained")
	w.Float64(a.Explained)
	w.FieldStart("params")
	w.ArrStart()
	for _, p := range a.Params {
		p.encode(w)
	}
	w.ArrEnd()
	w.ObjEnd()
}

func (p Param) encode(w *jx.Encoder) {
	w.ObjStart()
	w.FieldStart("key")
	w.Str(p.Name)
	w.FieldStart("importance")
	w.Float64(p.Importance)
	w.FieldStart("correlation")
	if math.IsNaN(p.Correlation) {
		w.Null()
	} else {
		w.Float64(p.Correlation)
	}
	w.FieldStart("numeric")
	w.Bool(p.Numeric)
	w.FieldStart("runs")
	w.Int(p.Runs)
	w.FieldStart("values")
	w.Int(p.Values)
	w.ObjEnd()
}
