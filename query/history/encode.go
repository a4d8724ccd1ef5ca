package history

import (
	"math"
	"strings"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Encode writes MLflow's answer; next is the token of the next page, empty for none. Histories are long and
// the points differ in three numbers, so the rest of mlflow.EncodeMetric's text is made once.
func (p *Points) Encode(w *jx.Writer, key, next string) {
	w.ObjStart()
	if len(p.List) > 0 {
		w.RawStr(`"metrics":[`)
		p.EncodeItems(w, key)
		w.ArrEnd()
	}
	if next != "" {
		if len(p.List) > 0 {
			w.Comma()
		}
		w.FieldStart("next_page_token")
		w.Str(next)
	}
	w.ObjEnd()
}

// EncodeItems writes the points as items of a list, with commas between them.
func (p *Points) EncodeItems(w *jx.Writer, key string) {
	shape := p.shape(key)
	w.Grow(len(p.List) * (len(shape.begin) + metricBytes))
	for i, pt := range p.List {
		if i > 0 {
			w.Comma()
		}
		shape.encode(w, pt)
	}
}

// shape is the text of a metric around its numbers; ends are by context.
type shape struct {
	begin string
	ends  []string
}

func (p *Points) shape(key string) shape {
	split := func(c context) (begin, end string) {
		var w jx.Encoder
		mlflow.EncodeMetric(&w, &mlflow.Metric{Key: key, Context: c.point()})
		// The key's own quotes are escaped, so this stands there once.
		begin, end, _ = strings.Cut(w.String(), numbers)
		return begin + `,"value":`, end
	}
	begin, end := split(context{})
	s := shape{begin, []string{end}}
	for _, c := range p.contexts {
		_, end := split(c)
		s.ends = append(s.ends, end)
	}
	return s
}

// metricBytes is about what a metric's numbers take, and their names.
const metricBytes = 80

// numbers is what mlflow.EncodeMetric writes of three zeros.
const numbers = `,"value":0,"timestamp":0,"step":0`

func (s shape) encode(w *jx.Writer, pt Point) {
	w.RawStr(s.begin)
	if v := pt.Value; math.IsNaN(v) || math.IsInf(v, 0) {
		w.RawStr(`"`)
		w.RawStr(oddName(v))
		w.RawStr(`"`)
	} else {
		w.Float64(v)
	}
	w.RawStr(`,"timestamp":`)
	w.Int64(pt.TimeMS)
	w.RawStr(`,"step":`)
	w.Int64(pt.Step)
	w.RawStr(s.ends[pt.Context])
}

// oddName is the name of a value that JSON has no number for.
func oddName(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case v > 0:
		return "Infinity"
	}
	return "-Infinity"
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
	if bare && (math.IsNaN(v) || math.IsInf(v, 0)) {
		w.Raw([]byte(oddName(v)))
		return
	}
	mlflow.EncodeFloat(w, v)
}
