package query

import (
	"cmp"
	"context"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// getBrief answers a run in MLflow's form, but without its metrics, which may be a million.
func (q *Query) getBrief(c *fiber.Ctx) error {
	id, err := mlflow.ParseQuery(map[string][]string{"run_id": {strings.Clone(c.Params("run_id"))}}).RunID()
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	doc, err := q.document(ctx, id)
	if err != nil {
		return err
	}
	doc, err = q.hot.Whole(ctx, doc, q.opts.Blob)
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	w.FieldStart("run")
	mlflow.EncodeRun(w, doc, nil)
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}

// FindRuns answers the ids of one page of a search, which is MLflow's, and the token of the next one. The page has most runs, or as many
// as f says if that is 0. Metrics that the search does not compare are not read. load is for who reads metrics of the page.
func (q *Query) FindRuns(ctx context.Context, f mlflow.Fields, most int, load bool) (ids []string, next string, err error) {
	s, err := parseSearch(f)
	if err != nil {
		return nil, "", err
	}
	s.brief, s.max = true, cmp.Or(most, s.max)
	s.load = load || s.comparesMetrics()
	defer q.meter.search()()
	page, next, err := q.find(ctx, s)
	for _, r := range page {
		ids = append(ids, r.id)
	}
	return ids, next, err
}

// Whole is a run's document as clients see it.
func (q *Query) Whole(ctx context.Context, doc *sgpb.Run) (*sgpb.Run, error) {
	return q.hot.Whole(ctx, doc, q.opts.Blob)
}
