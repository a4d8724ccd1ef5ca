package query

import (
	"context"
	"strconv"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/sheet"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// VisitRuns visits the runs of a search, at most so many and in no order, and says whether there are more. f is of MLflow's
// search. A row is good while it is visited, and visit must not call the Query.
func (q *Query) VisitRuns(ctx context.Context, f mlflow.Fields, most int, visit func(filter.Row)) (more bool, err error) {
	s, err := parseSearch(f)
	if err != nil {
		return false, err
	}
	s.max, s.from = most, filter.Cursor{}
	defer q.meter.search()()
	if err := q.await(ctx); err != nil {
		return false, err
	}
	touched, err := q.tail.Runs(ctx) // before ClickHouse is asked, as a search does
	if err != nil {
		return false, behind("points", err)
	}
	sheets, cold, err := q.inMemory(ctx, s.experiments)
	if err != nil {
		return false, err
	}
	left := most
	bounded := func(row filter.Row) bool {
		if left == 0 {
			more = true
			return false
		}
		left--
		visit(row)
		return true
	}
	for e, one := range sheets {
		one.Visit(&sheet.Search{View: s.view, Where: s.where, Experiment: q.hot.Experiment(strconv.FormatUint(uint64(e), 10))}, bounded)
	}
	if len(cold) == 0 || more {
		return more, nil
	}
	newer, err := q.newer(ctx, cold, touched)
	if err != nil {
		return false, err
	}
	stored, err := q.searchStored(ctx, s, cold, newer)
	if err != nil {
		return false, err
	}
	for _, hits := range [][]hit[found]{q.match(newer, s), stored} {
		for _, h := range hits {
			h.item.run.View(func(v hot.View) { bounded(rowOf(v)) })
		}
	}
	return more, nil
}
