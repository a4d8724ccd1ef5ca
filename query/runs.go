package query

import (
	"context"
	"slices"
	"strconv"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// run gives a run that exists, awaited and complete.
func (q *Query) run(ctx context.Context, id string) (*hot.Run, error) {
	if err := q.await(ctx); err != nil {
		return nil, err
	}
	r, err := q.loader.Run(ctx, id)
	if err == nil && r == nil {
		err = track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", id)
	}
	return r, err
}

func (q *Query) getRun(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	id, err := f.RunID()
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	r, err := q.run(ctx, id)
	if err != nil {
		return err
	}
	body, err := q.hot.Encode(ctx, r, hot.FormGet, q.opts.Blob)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Response().AppendBodyString(`{"run":`)
	c.Response().AppendBody(body)
	c.Response().AppendBodyString(`}`)
	return nil
}

// search is a parsed search for runs.
type search struct {
	experiments []uint32
	view        filter.View
	where       filter.Expr
	order       filter.Order
	from        filter.Cursor
	max         int
	// brief: only which runs it finds is asked, so what is found has no metrics.
	brief bool
	// load has experiments loaded into memory. Without, where no metrics are compared, ClickHouse answers in one statement.
	load bool
}

// comparesMetrics says whether the filter or the order asks for metrics.
func (s search) comparesMetrics() bool {
	return len(s.where.MetricKeys())+len(s.order.MetricKeys()) > 0
}

func parseSearch(f mlflow.Fields) (s search, err error) {
	s.load = true
	if s.max, err = pageSize(f, mlflow.SearchRunsDefault); err != nil {
		return s, err
	}
	// MLflow's own words for too many differ between its two searches.
	if s.max > mlflow.SearchRunsMax {
		return s, mlflow.InvalidParameter("max_results", strconv.Itoa(s.max), "int")
	}
	text, err := f.String("filter")
	if err != nil {
		return s, err
	}
	if s.where, err = filter.ParseRuns(text); err != nil {
		return s, err
	}
	clauses, err := f.Strings("order_by")
	if err != nil {
		return s, err
	}
	if s.order, err = filter.ParseRunOrder(clauses); err != nil {
		return s, err
	}
	token, err := f.String("page_token")
	if err != nil {
		return s, err
	}
	if s.from, err = s.order.ParseToken(token); err != nil {
		return s, err
	}
	if s.view, err = view(f, "run_view_type"); err != nil {
		return s, err
	}
	s.experiments, err = experimentIDs(f)
	return s, err
}

func view(f mlflow.Fields, field string) (filter.View, error) {
	text, err := f.ID(field)
	return filter.ParseView(text), err
}

func pageSize(f mlflow.Fields, fallback int64) (int, error) {
	n, err := f.Int64("max_results", fallback)
	if err != nil {
		return 0, err
	}
	if n < 1 {
		return 0, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", n)
	}
	const numberMax = 1 << 31
	return int(min(n, numberMax)), nil
}

func experimentIDs(f mlflow.Fields) ([]uint32, error) {
	ids, err := f.Strings("experiment_ids")
	if err != nil {
		return nil, err
	}
	var out []uint32
	for _, id := range ids {
		n, ok := track.ParseExperimentID(id)
		if !ok {
			return nil, track.Errorf(track.InvalidParameterValue, "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", id)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (q *Query) searchRuns(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	s, err := parseSearch(f)
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	defer q.meter.search()()
	runs, next, err := q.search(ctx, s)
	if err != nil {
		return err
	}
	return q.sendRuns(ctx, c, runs, next)
}

func (q *Query) sendRuns(ctx context.Context, c *fiber.Ctx, runs []*hot.Run, next string) error {
	w := c.Response()
	w.AppendBodyString(`{`)
	for i, r := range runs {
		body, err := q.hot.Encode(ctx, r, hot.FormSearch, q.opts.Blob)
		if err != nil {
			return err
		}
		if i == 0 {
			w.AppendBodyString(`"runs":[`)
		} else {
			w.AppendBodyString(`,`)
		}
		w.AppendBody(body)
	}
	if len(runs) > 0 {
		w.AppendBodyString(`]`)
	}
	if next != "" {
		// A token is base64.
		w.AppendBodyString(`,"next_page_token":"` + next + `"`)
	}
	w.AppendBodyString(`}`)
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return nil
}

func (q *Query) searchExperiments(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	if err := q.await(ctx); err != nil {
		return err
	}
	all := q.hot.Experiments()
	if caller := track.CallerOf(c.UserContext()); !caller.SeesAll() {
		all = slices.DeleteFunc(all, func(e *sgpb.Experiment) bool { return !caller.Sees(e.GetId(), e.GetName()) })
	}
	found, next, err := matchExperiments(f, all)
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	if len(found) > 0 {
		w.FieldStart("experiments")
		w.ArrStart()
		for _, e := range found {
			mlflow.EncodeExperiment(w, e)
		}
		w.ArrEnd()
	}
	if next != "" {
		w.FieldStart("next_page_token")
		w.Str(next)
	}
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}

// matchExperiments is the whole search for experiments; all of them are in memory.
func matchExperiments(f mlflow.Fields, all []*sgpb.Experiment) (found []*sgpb.Experiment, next string, err error) {
	size, err := pageSize(f, 0)
	if err != nil {
		return nil, "", err
	}
	if size > mlflow.SearchRunsMax {
		return nil, "", track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied. It must be at most %d", size, mlflow.SearchRunsMax)
	}
	text, err := f.String("filter")
	if err != nil {
		return nil, "", err
	}
	where, err := filter.ParseExperiments(text)
	if err != nil {
		return nil, "", err
	}
	clauses, err := f.Strings("order_by")
	if err != nil {
		return nil, "", err
	}
	order, err := filter.ParseExperimentOrder(clauses)
	if err != nil {
		return nil, "", err
	}
	token, err := f.String("page_token")
	if err != nil {
		return nil, "", err
	}
	from, err := order.ParseToken(token)
	if err != nil {
		return nil, "", err
	}
	sees, err := view(f, "view_type")
	if err != nil {
		return nil, "", err
	}
	var hits []hit[*sgpb.Experiment]
	for _, e := range all {
		row := filter.ExperimentRow{Experiment: e}
		if sees.Sees(e.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED) && where.Match(row) {
			hits = append(hits, hit[*sgpb.Experiment]{order.Key(row), e})
		}
	}
	found, next = cut(hits, order, from, size)
	return found, next, nil
}

// SearchRuns finds the first runs of a search, at most so many, and says whether there are more. f is of MLflow's search.
func (q *Query) SearchRuns(ctx context.Context, f mlflow.Fields, most int) (runs []*hot.Run, more bool, err error) {
	s, err := parseSearch(f)
	if err != nil {
		return nil, false, err
	}
	s.max = most
	defer q.meter.search()()
	runs, next, err := q.search(ctx, s)
	return runs, next != "", err
}
