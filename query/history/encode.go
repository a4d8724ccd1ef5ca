package history

import (
	"math"
	"slices"
	"strings"

	"cmp"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Encode writes MLflow's answer; next is the token of the next page, empty for none.
func (p *Points) Encode(w *jx.Encoder, key, next string) {
	w.ObjStart()
	if len(p.List) > 0 {
		w.FieldStart("metrics")
		w.ArrStart()
		m := mlflow.Metric{Key: key}
		for _, pt := range p.List {
			m.Value, m.TimeMS, m.Step = pt.Value, pt.TimeMS, pt.Step
			m.Context = p.contextOf(pt).point()
			mlflow.EncodeMetric(w, &m)
		}
		w.ArrEnd()
	}
	if next != "" {
		w.FieldStart("next_page_token")
		w.Str(next)
	}
	w.ObjEnd()
}

func (c context) point() track.PointContext {
	if c == (context{}) {
		return track.PointContext{}
	}
	name, digest, _ := strings.Cut(c.dataset, "\n")
	return track.PointContext{ModelID: c.model, DatasetName: name, DatasetDigest: digest}
}

// EncodeBulk writes the points of one run as entries of a bulk answer. MLflow writes a bare NaN here, and
// bare infinities, which Python reads; bare says to do so.
func (p *Points) EncodeBulk(w *jx.Encoder, key, runID string, bare bool) {
	for _, pt := range p.List {
		w.ObjStart()
		w.FieldStart("key")
		w.Str(key)
		w.FieldStart("value")
		encodeValue(w, pt.Value, bare)
		w.FieldStart("timestamp")
		w.Int64(pt.TimeMS)
		w.FieldStart("step")
		w.Int64(pt.Step)
		w.FieldStart("run_id")
		w.Str(runID)
		w.ObjEnd()
	}
}

func encodeValue(w *jx.Encoder, v float64, bare bool) {
	switch {
	case bare && math.IsNaN(v):
		w.Raw([]byte("NaN"))
	case bare && math.IsInf(v, 1):
		w.Raw([]byte("Infinity"))
	case bare && math.IsInf(v, -1):
		w.Raw([]byte("-Infinity"))
	default:
		mlflow.EncodeFloat(w, v)
	}
}

// Sample keeps at most n points, evenly over their number in the order of steps, the first and the last
// among them (for n = 1 the last), as MLflow's NTILE does.
func (p *Points) Sample(n int) {
	slices.SortFunc(p.List, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.TimeMS, b.TimeMS), compareValues(a.Value, b.Value), p.Compare(a, b))
	})
	total := len(p.List)
	if total <= n {
		return
	}
	out := make([]Point, 0, n)
	// The first total%n buckets have one point more.
	for bucket, at := 0, 0; bucket < n; bucket++ {
		out = append(out, p.List[at])
		at += total / n
		if bucket < total%n {
			at++
		}
	}
	out[n-1] = p.List[total-1]
	p.List = out
}
