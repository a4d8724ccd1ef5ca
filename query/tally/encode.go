package tally

import (
	"math"

	"github.com/go-faster/jx"
)

// encode writes the answer of POST /v1/runs/groups.
func (g *Groups) encode(w *jx.Encoder, more bool) {
	list, moreGroups := g.List()
	w.ObjStart()
	w.FieldStart("runs")
	w.Int(g.runs)
	w.FieldStart("more")
	w.Bool(more)
	w.FieldStart("groups")
	w.ArrStart()
	for _, group := range list {
		g.encodeGroup(w, group)
	}
	w.ArrEnd()
	w.FieldStart("more_groups")
	w.Bool(moreGroups)
	w.ObjEnd()
}

func (g *Groups) encodeGroup(w *jx.Encoder, group *Group) {
	w.ObjStart()
	w.FieldStart("value")
	if group.Value == nil {
		w.Null()
	} else {
		w.Str(*group.Value)
	}
	w.FieldStart("runs")
	w.Int(group.Runs)
	w.FieldStart("metrics")
	w.ArrStart()
	for i := range group.Metrics {
		group.Metrics[i].encode(w, g.metrics[i])
	}
	w.ArrEnd()
	w.ObjEnd()
}

func (s *Spread) encode(w *jx.Encoder, key string) {
	w.ObjStart()
	w.FieldStart("key")
	w.Str(key)
	w.FieldStart("runs")
	w.Int(s.Runs)
	for _, f := range []struct {
		name  string
		value float64
	}{{"mean", s.Mean}, {"std", s.Deviation()}, {"min", s.Min}, {"max", s.Max}} {
		w.FieldStart(f.name)
		if s.Runs == 0 || math.IsNaN(f.value) || math.IsInf(f.value, 0) {
			w.Null()
			continue
		}
		w.Float64(f.value)
	}
	w.ObjEnd()
}
