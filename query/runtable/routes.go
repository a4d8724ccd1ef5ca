package runtable

import (
	"context"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/chart"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// readTimeout ends a search.
const readTimeout = 30 * time.Second

// Routes registers the handler.
func (s *Server) Routes(r fiber.Router) { r.Post("/v1/runs/search", s.search) }

func (s *Server) search(c *fiber.Ctx) error {
	f, err := chart.ReadFields(c)
	if err != nil {
		return err
	}
	w, err := parseWanted(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), readTimeout)
	defer cancel()
	page, next, err := s.page(ctx, f, w)
	if err != nil {
		return err
	}
	e := jx.GetEncoder()
	defer jx.PutEncoder(e)
	encode(e, page, next)
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Response().SetBody(e.Bytes()) // a copy
	return nil
}

func parseWanted(f mlflow.Fields) (w wanted, err error) {
	if w.keys, err = f.Strings("metrics"); err != nil {
		return w, err
	}
	if len(w.keys) > MetricsMax {
		return w, track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'metrics' supplied: %d metrics, and at most %d are allowed", len(w.keys), MetricsMax)
	}
	if w.keys == nil {
		w.keys = []string{}
	}
	for name, bound := range map[string]struct {
		fallback, most int64
	}{"max_results": {RowsMax, RowsMax}, "other_metrics": {othersDefault, OthersMax}} {
		n, err := f.Int64(name, bound.fallback)
		if err != nil {
			return w, err
		}
		if n < 0 || n > bound.most {
			return w, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter '%s' supplied: it must be at most %d", n, name, bound.most)
		}
		if name == "other_metrics" {
			w.others = int(n)
		}
	}
	return w, nil
}

func encode(w *jx.Encoder, page []row, next string) {
	w.ObjStart()
	w.FieldStart("runs")
	w.ArrStart()
	for _, r := range page {
		mlflow.EncodeRun(w, r.run, r.metrics)
	}
	w.ArrEnd()
	w.FieldStart("more_metrics")
	w.ArrStart()
	for _, r := range page {
		if r.more {
			w.Str(r.run.GetId())
		}
	}
	w.ArrEnd()
	if next != "" {
		w.FieldStart("next_page_token")
		w.Str(next)
	}
	w.ObjEnd()
}
