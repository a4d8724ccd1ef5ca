package tally

import (
	"context"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/chart"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// readTimeout ends the search for runs.
	readTimeout = 30 * time.Second
	// SilentAfter is how long a running run may give no sign of itself: a metric, a change, a heartbeat.
	SilentAfter = 5 * time.Minute
	// SilentMax runs are looked at, the first of the search.
	SilentMax = 1000
)

// Runs finds runs. It is called by many at once.
type Runs interface {
	// VisitRuns visits at most so many runs of MLflow's search for runs, in no order, and says whether there are more. A
	// row is good while it is visited.
	VisitRuns(ctx context.Context, f mlflow.Fields, most int, visit func(filter.Row)) (more bool, err error)
	// CountRuns counts at most so many runs of MLflow's search for runs, and says whether there are more.
	CountRuns(ctx context.Context, f mlflow.Fields, most int) (n int, more bool, err error)
	// FindRuns answers the ids of at most so many runs of MLflow's search for runs, and a token if there are more.
	FindRuns(ctx context.Context, f mlflow.Fields, most int, load bool) (ids []string, next string, err error)
	// RunDocuments gives documents by id; what does not exist is left out.
	RunDocuments(ctx context.Context, ids []string) (map[string]*sgpb.Run, error)
}

// Source reads when runs of an experiment last logged a metric, by the job's clock.
type Source interface {
	LastLogged(ctx context.Context, experiment uint32, runs []track.RunNumber) (map[track.RunNumber]int64, error)
}

// Server answers the routes.
type Server struct {
	runs   Runs
	source Source
	tail   feed.Tail
	now    func() time.Time
}

// NewServer wires a Server.
func NewServer(runs Runs, source Source, tail feed.Tail, now func() time.Time) *Server {
	return &Server{runs, source, tail, now}
}

// Routes registers the handlers.
func (s *Server) Routes(r fiber.Router) {
	r.Post("/v1/runs/groups", answer(s.groups))
	r.Post("/v1/runs/ids", answer(s.ids))
	r.Post("/v1/runs/silent", answer(s.silent))
}

// answer reads the request, and writes what f answers.
func answer(f func(ctx context.Context, f mlflow.Fields, w *jx.Encoder) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		fields, err := chart.ReadFields(c)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.UserContext(), readTimeout)
		defer cancel()
		w := jx.GetEncoder()
		defer jx.PutEncoder(w)
		if err := f(ctx, fields, w); err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		c.Response().SetBody(w.Bytes()) // a copy
		return nil
	}
}

func (s *Server) groups(ctx context.Context, f mlflow.Fields, w *jx.Encoder) error {
	text, err := f.String("by")
	if err != nil {
		return err
	}
	by, err := parseBy(text)
	if err != nil {
		return err
	}
	metrics, err := f.Strings("metrics")
	if err != nil {
		return err
	}
	if len(metrics) > MetricsMax {
		return track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'metrics' supplied: %d metrics, and at most %d are allowed", len(metrics), MetricsMax)
	}
	if by == nil && len(metrics) == 0 {
		n, more, err := s.runs.CountRuns(ctx, f, RunsMax)
		if err != nil {
			return err
		}
		counted(n).encode(w, more)
		return nil
	}
	groups := NewGroups(by, metrics)
	more, err := s.runs.VisitRuns(ctx, f, RunsMax, groups.Add)
	if err != nil {
		return err
	}
	groups.encode(w, more)
	return nil
}

func (s *Server) ids(ctx context.Context, f mlflow.Fields, w *jx.Encoder) error {
	w.ObjStart()
	w.FieldStart("run_ids")
	w.ArrStart()
	more, err := s.runs.VisitRuns(ctx, f, RunsMax, func(row filter.Row) {
		id, _ := row.Text(filter.Field{Entity: filter.Attribute, Key: filter.RunID})
		w.Str(id)
	})
	if err != nil {
		return err
	}
	w.ArrEnd()
	w.FieldStart("more")
	w.Bool(more)
	w.ObjEnd()
	return nil
}
