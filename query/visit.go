package query

import (
	"context"
	"fmt"
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
	in, err := q.places(ctx, s)
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
	q.visitSheets(in, s, bounded)
	if len(in.cold) == 0 || more {
		return more, nil
	}
	stored, err := q.searchStored(ctx, s, in.cold, in.newer)
	if err != nil {
		return false, err
	}
	for _, hits := range [][]hit[found]{q.match(in.newer, s), stored} {
		for _, h := range hits {
			h.item.run.View(func(v hot.View) { bounded(rowOf(v)) })
		}
	}
	return more, nil
}

// CountRuns counts the runs of a search, at most so many, and says whether there are more. What is only in ClickHouse is counted there.
func (q *Query) CountRuns(ctx context.Context, f mlflow.Fields, most int) (n int, more bool, err error) {
	s, err := parseSearch(f)
	if err != nil {
		return 0, false, err
	}
	s.max, s.from, s.order, s.brief = most, filter.Cursor{}, filter.Order{}, true
	defer q.meter.search()()
	in, err := q.places(ctx, s)
	if err != nil {
		return 0, false, err
	}
	q.visitSheets(in, s, func(filter.Row) bool {
		n++
		return n <= most
	})
	if len(in.cold) > 0 && n <= most {
		stored, err := q.store.CountRuns(ctx, q.stored(s, in.cold, in.newer))
		if err != nil {
			return 0, false, fmt.Errorf("count in ClickHouse: %w", err)
		}
		n += stored + len(q.match(in.newer, s))
	}
	return min(n, most), n > most, nil
}

// places is where the runs of a search are: in sheets, and of the cold experiments in ClickHouse but for the newer ones.
type places struct {
	sheets map[uint32]*sheet.Sheet
	cold   []uint32
	newer  []*hot.Run
}

func (q *Query) places(ctx context.Context, s search) (in places, err error) {
	if err := q.await(ctx); err != nil {
		return in, err
	}
	// Taken before ClickHouse is asked: a run that is in neither list is there as it is.
	touched, err := q.tail.Runs(ctx)
	if err != nil {
		return in, behind("points", err)
	}
	if s.brief && !s.comparesMetrics() {
		touched = nil // documents alone decide, and ClickHouse has those but for the ones that are newer
	}
	if in.sheets, in.cold, err = q.inMemory(ctx, s.experiments, s.load); err != nil || len(in.cold) == 0 {
		return in, err
	}
	in.newer, err = q.newer(ctx, in.cold, touched)
	return in, err
}

func (q *Query) visitSheets(in places, s search, visit func(filter.Row) bool) {
	for e, one := range in.sheets {
		one.Visit(&sheet.Search{View: s.view, Where: s.where, Experiment: q.hot.Experiment(strconv.FormatUint(uint64(e), 10))}, visit)
	}
}
