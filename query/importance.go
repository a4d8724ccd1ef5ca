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
	importance.Answer{Runs: len(samples), Without: len(runs) - len(samples), More: next != "", Params: importance.Of(samples)}.Encode(w)
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
