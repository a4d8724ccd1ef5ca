package importance

import (
	"context"
	"math"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/chart"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// readTimeout ends the search for runs, and the wait for others' forests.
const readTimeout = 30 * time.Second

// Runs finds runs. It is called by many at once.
type Runs interface {
	// SearchRuns answers at most so many runs of MLflow's search for runs, and whether there are more.
	SearchRuns(ctx context.Context, f mlflow.Fields, most int) (runs []*hot.Run, more bool, err error)
}

// Server answers POST /v1/importance.
type Server struct {
	runs Runs
	// growing has room for one: a forest takes a core for a second.
	growing chan struct{}
}

// NewServer wires a Server.
func NewServer(runs Runs) *Server { return &Server{runs, make(chan struct{}, 1)} }

// Routes registers the handler.
func (s *Server) Routes(r fiber.Router) { r.Post("/v1/importance", s.post) }

func (s *Server) post(c *fiber.Ctx) error {
	f, err := chart.ReadFields(c)
	if err != nil {
		return err
	}
	metric, err := f.Required("metric")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), readTimeout)
	defer cancel()
	answer, err := s.answer(ctx, f, metric)
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	answer.Encode(w)
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Response().SetBody(w.Bytes()) // a copy
	return nil
}

func (s *Server) answer(ctx context.Context, f mlflow.Fields, metric string) (a Answer, err error) {
	runs, more, err := s.runs.SearchRuns(ctx, f, RunsMax)
	if err != nil {
		return a, err
	}
	select {
	case s.growing <- struct{}{}:
		defer func() { <-s.growing }()
	case <-ctx.Done():
		return a, track.Unavailable(track.TemporarilyUnavailable, 5, "the importance of params is being computed for others; ask again")
	}
	samples := samplesOf(runs, metric)
	params, explained := Of(samples)
	return Answer{Runs: len(samples), Without: len(runs) - len(samples), More: more, Explained: explained, Params: params}, nil
}

// samplesOf are the runs that have a finite value.
func samplesOf(runs []*hot.Run, metric string) []Sample {
	out := make([]Sample, 0, len(runs))
	for _, r := range runs {
		r.View(func(v hot.View) {
			latest, ok := v.Latest(metric)
			if doc := v.Document(); ok && doc != nil && !math.IsNaN(latest.Value) && !math.IsInf(latest.Value, 0) {
				out = append(out, Sample{Params: doc.GetParams(), Value: latest.Value})
			}
		})
	}
	return out
}
