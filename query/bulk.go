package query

import (
	"context"
	"errors"
	"slices"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// MLflow's limits of its bulk reads.
const (
	bulkRunsMax       = 100
	bulkRowsMax       = 25_000
	intervalPointsMax = 2_500
)

// interval is a parsed get-history-bulk-interval.
type interval struct {
	runs     []string
	key      string
	points   int
	from, to int64
}

func parseInterval(f mlflow.Fields) (v interval, err error) {
	if v.runs, err = f.Strings("run_ids"); err != nil {
		return v, err
	}
	if len(v.runs) == 0 {
		return v, mlflow.MissingParameter("run_ids")
	}
	if len(v.runs) > bulkRunsMax {
		return v, track.Errorf(track.InvalidParameterValue, "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %d run_ids. See the API docs for more information about request parameters.", bulkRunsMax, len(v.runs))
	}
	if v.key, err = f.Required("metric_key"); err != nil {
		return v, err
	}
	n, err := f.Int64("max_results", intervalPointsMax)
	if err != nil {
		return v, err
	}
	if n < 1 || n > intervalPointsMax {
		return v, track.Errorf(track.InvalidParameterValue, "max_results must be between 1 and %d. See the API docs for more information about request parameters.", intervalPointsMax)
	}
	v.points = int(n)
	v.from, v.to, err = intervalSteps(f)
	return v, err
}

func intervalSteps(f mlflow.Fields) (from, to int64, err error) {
	if f.Has("start_step") != f.Has("end_step") {
		return 0, 0, track.Errorf(track.InvalidParameterValue, "If either start step or end step are specified, both must be specified.")
	}
	if from, err = f.Int64("start_step", history.StepMin); err != nil {
		return 0, 0, err
	}
	if to, err = f.Int64("end_step", history.StepMax); err != nil {
		return 0, 0, err
	}
	if from > to {
		return 0, 0, track.Errorf(track.InvalidParameterValue, "end_step must be greater than start_step. Found start_step=%d and end_step=%d.", from, to)
	}
	return from, to, nil
}

func (q *Query) getHistoryInterval(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	v, err := parseInterval(f)
	if err != nil {
		return err
	}
	return q.sendBulk(c, v.runs, func(ctx context.Context, id string, w *jx.Encoder) error {
		points, err := q.sample(ctx, id, v)
		if err != nil {
			return err
		}
		points.EncodeBulk(w, v.key, id, false)
		return nil
	})
}

// sample gives an even choice of a history's points. One that is too long to be held is read twice, once to count it.
func (q *Query) sample(ctx context.Context, id string, v interval) (history.Points, error) {
	read, snapshot, err := q.pin(ctx, id, v.key)
	if err != nil || read.Run == 0 {
		return history.Points{}, err
	}
	read.From, read.To, read.ByStep, read.HeldMax = v.from, v.to, true, q.heldMax
	points, err := q.historyAll(ctx, read, snapshot)
	if err == nil {
		points.Sample(v.points)
	}
	if !errors.Is(err, history.ErrTooLong) {
		return points, err
	}
	total, long := 0, ordered{q.store, read, snapshot}
	err = long.visit(ctx, nil, func(part *history.Points) error {
		total += len(part.List)
		return nil
	})
	if err != nil {
		return history.Points{}, err
	}
	s := history.NewSampler(total, v.points)
	err = long.visit(ctx, nil, func(part *history.Points) error {
		s.Take(part)
		return nil
	})
	return s.Points, err
}

// sendBulk answers {"metrics": [...]} with what each run writes; an empty list is left out.
func (q *Query) sendBulk(c *fiber.Ctx, runs []string, write func(context.Context, string, *jx.Encoder) error) error {
	ctx, cancel := within(readTimeout)
	defer cancel()
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ArrStart()
	for _, id := range runs {
		if err := write(ctx, id, w); err != nil {
			return err
		}
	}
	w.ArrEnd()
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	const empty = len("[]")
	if len(w.Bytes()) == empty {
		c.Response().AppendBodyString("{}")
		return nil
	}
	c.Response().AppendBodyString(`{"metrics":`)
	c.Response().AppendBody(w.Bytes())
	c.Response().AppendBodyString("}")
	return nil
}

// getHistoryBulk is a route that MLflow wrote by hand: other words, an empty list stays, NaN is bare.
func (q *Query) getHistoryBulk(c *fiber.Ctx) error {
	f := mlflow.ParseQuery(queryArgs(c.Context().QueryArgs()))
	runs, err := f.Strings("run_id")
	if err != nil {
		return err
	}
	switch {
	case len(runs) == 0:
		return track.Errorf(track.InvalidParameterValue, "GetMetricHistoryBulk request must specify at least one run_id.")
	case len(runs) > bulkRunsMax:
		return track.Errorf(track.InvalidParameterValue, "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", bulkRunsMax, len(runs))
	case !f.Has("metric_key"):
		return track.Errorf(track.InvalidParameterValue, "GetMetricHistoryBulk request must specify a metric_key.")
	}
	key, err := f.String("metric_key")
	if err != nil {
		return err
	}
	left, err := pageSize(f, bulkRowsMax)
	if err != nil {
		return err
	}
	left = min(left, bulkRowsMax)
	slices.Sort(runs)
	ctx, cancel := within(readTimeout)
	defer cancel()
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	w.FieldStart("metrics")
	w.ArrStart()
	for _, id := range slices.Compact(runs) {
		if left == 0 {
			break
		}
		points, _, err := q.history(ctx, id, key, history.Cursor{}, left)
		if err != nil {
			return err
		}
		left -= len(points.List)
		points.EncodeBulk(w, key, id, true)
	}
	w.ArrEnd()
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}
