package query

import (
	"math"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/importance"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// postImportance says which params a metric depends on, over the newest runs of a search.
func (q *Query) postImportance(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	s, err := parseSearch(f)
	if err != nil {
		return err
	}
	s.max = importance.RunsMax
	metric, err := f.String("metric")
	if err != nil {
		return err
	}
	if metric == "" {
		return mlflow.MissingParameter("metric")
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	defer q.meter.search()()
	runs, next, err := q.search(ctx, s)
	if err != nil {
		return err
	}
	select {
	case q.forests <- struct{}{}:
		defer func() { <-q.forests }()
	case <-ctx.Done():
		return track.Unavailable(track.TemporarilyUnavailable, 5, "other requests for importance are being computed; ask again")
	}
	samples := samplesOf(runs, metric)
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	encodeImportance(w, importanceAnswer{len(samples), len(runs) - len(samples), next != "", importance.Of(samples)})
	return sendJSON(c, w.Bytes())
}

// samplesOf are the runs that have a finite value.
func samplesOf(runs []*hot.Run, metric string) []importance.Sample {
	out := make([]importance.Sample, 0, len(runs))
	for _, r := range runs {
		r.View(func(v hot.View) {
			latest, ok := v.Latest(metric)
			if doc := v.Document(); ok && doc != nil && !math.IsNaN(latest.Value) && !math.IsInf(latest.Value, 0) {
				out = append(out, importance.Sample{Params: doc.GetParams(), Value: latest.Value})
			}
		})
	}
	return out
}

type importanceAnswer struct {
	runs, without int
	more          bool
	params        []importance.Param
}

func encodeImportance(w *jx.Encoder, a importanceAnswer) {
	w.ObjStart()
	w.FieldStart("runs")
	w.Int(a.runs)
	w.FieldStart("runs_without")
	w.Int(a.without)
	w.FieldStart("more")
	w.Bool(a.more)
	w.FieldStart("params")
	w.ArrStart()
	for _, p := range a.params {
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
	w.ArrEnd()
	w.ObjEnd()
}
