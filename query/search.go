package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/sheet"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// hit is something found, with its place in the order.
type hit[T any] struct {
	key  filter.Key
	item T
}

// cut sorts what was found and takes one page; next is the token of the page behind it, if there is one.
func cut[T any](hits []hit[T], order filter.Order, from filter.Cursor, size int) (page []T, next string) {
	if from.After != nil {
		hits = slices.DeleteFunc(hits, func(h hit[T]) bool { return order.CompareKeys(h.key, from.After) <= 0 })
	}
	slices.SortFunc(hits, func(a, b hit[T]) int { return order.CompareKeys(a.key, b.key) })
	hits = hits[min(from.Offset, len(hits)):]
	if len(hits) > size {
		hits = hits[:size]
		next = order.Token(hits[size-1].key)
	}
	page = make([]T, len(hits))
	for i, h := range hits {
		page[i] = h.item
	}
	return page, next
}

// search finds one page of runs.
func (q *Query) search(ctx context.Context, s search) (page []*hot.Run, next string, err error) {
	found, next, err := q.find(ctx, s)
	if err != nil {
		return nil, "", err
	}
	page, err = q.whole(ctx, found)
	return page, next, err
}

// find finds which runs are on one page.
func (q *Query) find(ctx context.Context, s search) (page []found, next string, err error) {
	in, err := q.places(ctx, s)
	if err != nil {
		return nil, "", err
	}
	hits := q.searchSheets(in.sheets, s)
	if len(in.cold) > 0 {
		stored, err := q.searchStored(ctx, s, in.cold, in.newer)
		if err != nil {
			return nil, "", err
		}
		hits = slices.Concat(hits, q.match(in.newer, s), stored)
	}
	page, next = cut(hits, s.order, s.from, s.max)
	return page, next, nil
}

// found is a run that a search found; run is nil if a sheet has it.
type found struct {
	id  string
	run *hot.Run
}

// whole gives the runs of a page.
func (q *Query) whole(ctx context.Context, page []found) ([]*hot.Run, error) {
	var ids []string
	for _, f := range page {
		if f.run == nil {
			ids = append(ids, f.id)
		}
	}
	loaded, err := q.loader.Runs(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("load the page: %w", err)
	}
	byID := make(map[string]*hot.Run, len(loaded))
	for _, r := range loaded {
		byID[r.ID] = r
	}
	out := make([]*hot.Run, 0, len(page))
	for _, f := range page {
		if r := cmp.Or(f.run, byID[f.id]); r != nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// inMemory gives the sheets of the experiments that are not too large for one, and the other experiments. Without load only sheets
// that are there count.
func (q *Query) inMemory(ctx context.Context, experiments []uint32, load bool) (sheets map[uint32]*sheet.Sheet, cold []uint32, err error) {
	if q.sheets == nil {
		return nil, experiments, nil
	}
	sheets = make(map[uint32]*sheet.Sheet, len(experiments))
	for _, e := range experiments {
		if q.hot.Experiment(strconv.FormatUint(uint64(e), 10)) == nil {
			continue // nobody made it, so it has no runs; a sheet for it would be kept
		}
		s := q.sheets.Set.Whole(e)
		if s == nil && load {
			if s, err = q.sheets.Sheet(ctx, e); err != nil {
				return nil, nil, fmt.Errorf("search experiment %d: %w", e, err)
			}
		}
		if s == nil {
			cold = append(cold, e)
			continue
		}
		sheets[e] = s
	}
	return sheets, cold, nil
}

func (q *Query) searchSheets(sheets map[uint32]*sheet.Sheet, s search) (hits []hit[found]) {
	for e, one := range sheets {
		some := one.Search(&sheet.Search{
			View: s.view, Where: s.where, Order: s.order, After: s.from.After, Max: s.from.Offset + s.max + 1,
			Experiment: q.hot.Experiment(strconv.FormatUint(uint64(e), 10)),
		})
		for _, h := range some {
			hits = append(hits, hit[found]{h.Key, found{id: h.ID}})
		}
	}
	return hits
}

// newer gives the runs of the experiments that ClickHouse does not have as they are: those whose document is
// not applied, and those with points in the tail.
func (q *Query) newer(ctx context.Context, experiments []uint32, touched []string) ([]*hot.Run, error) {
	ids := slices.Clone(touched)
	for _, e := range experiments {
		ids = append(ids, q.hot.Dirty(e)...)
	}
	slices.Sort(ids)
	runs, err := q.loader.Runs(ctx, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("load runs newer than ClickHouse: %w", err)
	}
	return slices.DeleteFunc(runs, func(r *hot.Run) bool {
		e, ok := track.ParseExperimentID(r.Document().GetExperimentId())
		return !ok || !slices.Contains(experiments, e)
	}), nil
}

// match evaluates the search in Go.
func (q *Query) match(runs []*hot.Run, s search) []hit[found] {
	hits := make([]hit[found], 0, len(runs))
	for _, r := range runs {
		experiment := q.hot.Experiment(r.Document().GetExperimentId())
		r.View(func(v hot.View) {
			row := rowOf(v)
			if row.Run == nil || !s.view.Sees(deleted(row.Run, experiment)) {
				return
			}
			if s.where.Match(row) {
				hits = append(hits, hit[found]{s.order.Key(row), found{r.ID, r}})
			}
		})
	}
	return hits
}

func rowOf(v hot.View) filter.RunRow {
	return filter.RunRow{Run: v.Document(), Latest: func(key string) (float64, bool) {
		l, ok := v.Latest(key)
		return l.Value, ok
	}}
}

func deleted(r *sgpb.Run, experiment *sgpb.Experiment) bool {
	return document.LifecycleOf(r, experiment) == sgpb.Lifecycle_LIFECYCLE_DELETED
}

// stages are the lifecycles of the experiments that were ever deleted.
func (q *Query) stages() (out []filter.Stage) {
	for _, e := range q.hot.Experiments() {
		if n, ok := track.ParseExperimentID(e.GetId()); ok && e.GetLifecycleEpoch() > 0 {
			out = append(out, filter.Stage{Experiment: n, Epoch: e.GetLifecycleEpoch(), Deleted: e.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED})
		}
	}
	return out
}

// stored is the search in SQL: of some experiments, but for the runs that are newer.
func (q *Query) stored(s search, experiments []uint32, newer []*hot.Run) filter.RunSearch {
	var except []string
	for _, r := range newer {
		except = append(except, r.ID)
	}
	return filter.RunSearch{
		Experiments: experiments, Stages: q.stages(), View: s.view, Where: s.where, Order: s.order,
		After: s.from.After, Except: except, Limit: s.from.Offset + s.max + 1,
	}
}

// searchStored evaluates the search in SQL but for the runs that are newer, and reads the latest values of what it found.
func (q *Query) searchStored(ctx context.Context, s search, experiments []uint32, newer []*hot.Run) ([]hit[found], error) {
	stored, err := q.store.SearchRuns(ctx, q.stored(s, experiments, newer))
	if err != nil {
		return nil, fmt.Errorf("search in ClickHouse: %w", err)
	}
	docs := make([]hot.Document, len(stored))
	for i, f := range stored {
		docs[i] = f.Document
	}
	var latest map[track.RunNumber][]hot.Metric
	if !s.brief {
		if latest, err = q.latestOf(ctx, docs); err != nil {
			return nil, err
		}
	}
	hits := make([]hit[found], len(stored))
	for i, f := range stored {
		number, _ := track.ParseRunID(f.Run.GetId())
		// A point may have come since the search: the place is the one that it was found at.
		place := filter.RunRow{Run: f.Run, Latest: func(key string) (float64, bool) {
			v, ok := f.Compared[key]
			return v, ok
		}}
		hits[i] = hit[found]{s.order.Key(place), found{f.Run.GetId(), hot.NewRun(f.Document, latest[number])}}
	}
	return hits, nil
}

// latestRunsMax is how many runs one statement reads latest values of.
const latestRunsMax = 10_000

func (q *Query) latestOf(ctx context.Context, docs []hot.Document) (map[track.RunNumber][]hot.Metric, error) {
	byExperiment := make(map[uint32][]track.RunNumber)
	for _, d := range docs {
		e, _ := track.ParseExperimentID(d.Run.GetExperimentId())
		number, _ := track.ParseRunID(d.Run.GetId())
		byExperiment[e] = append(byExperiment[e], number)
	}
	out := make(map[track.RunNumber][]hot.Metric, len(docs))
	for e, numbers := range byExperiment {
		for some := range slices.Chunk(numbers, latestRunsMax) {
			values, err := q.store.Latest(ctx, e, some)
			if err != nil {
				return nil, fmt.Errorf("read latest values of %d runs: %w", len(some), err)
			}
			for _, v := range values {
				out[v.Run] = append(out[v.Run], hot.Metric{Key: v.Key, Latest: v.Latest})
			}
		}
	}
	return out, nil
}
