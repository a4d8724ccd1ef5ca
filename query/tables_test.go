package query_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func (r *rig) Runs(_ context.Context, ids []string) (out []hot.Document, _ error) {
	r.reads++
	for _, id := range ids {
		if d, ok := r.stored[id]; ok {
			out = append(out, d)
		}
	}
	return out, r.down
}

func (r *rig) ExperimentRuns(_ context.Context, experiment uint32, visit func([]hot.Document) error) error {
	r.reads++
	for _, d := range r.stored {
		if d.Run.ExperimentId == fmt.Sprint(experiment) {
			if err := visit([]hot.Document{d}); err != nil {
				return err
			}
		}
	}
	return r.down
}

func (r *rig) ExperimentLatest(ctx context.Context, experiment uint32, visit func([]hot.Value) error) error {
	values, err := r.Latest(ctx, experiment, nil)
	if err != nil {
		return err
	}
	return visit(slices.DeleteFunc(values, func(v hot.Value) bool { return r.experiments[v.Run] != experiment }))
}

func (r *rig) latest() map[track.RunNumber]map[string]track.Latest {
	out := make(map[track.RunNumber]map[string]track.Latest)
	for _, s := range r.lane[:r.applied] {
		if out[s.Run] == nil {
			out[s.Run] = make(map[string]track.Latest)
		}
		for i, k := range s.Points.Key {
			l := track.Latest{Rank: s.Rank, Step: s.Points.Step[i], TimeMS: s.Points.TimeMS[i], Value: s.Points.Value[i]}
			if old, ok := out[s.Run][s.Points.Keys[k]]; !ok || l.Compare(old) > 0 {
				out[s.Run][s.Points.Keys[k]] = l
			}
		}
	}
	return out
}

func (r *rig) Latest(_ context.Context, experiment uint32, runs []track.RunNumber) (out []hot.Value, _ error) {
	r.reads++
	r.wholeReads++
	for number, latest := range r.latest() {
		if runs != nil && !slices.Contains(runs, number) {
			continue
		}
		for k, l := range latest {
			out = append(out, hot.Value{Run: number, Key: k, Latest: l})
		}
	}
	return out, r.down
}

func (r *rig) ExperimentSize(context.Context, uint32) (runs int, err error) {
	r.reads++
	return 1, r.down
}

func (r *rig) Experiments(context.Context) ([]hot.Experiment, error) {
	return []hot.Experiment{{Doc: &sgpb.Experiment{Id: "0", Name: "Default"}, Revision: 1}}, r.down
}

// SearchRuns evaluates in Go what the real store does in SQL; a property test of package filter holds them
// equal.
func (r *rig) SearchRuns(_ context.Context, s filter.RunSearch) ([]clickhouse.FoundRun, error) {
	r.reads++
	latest := r.latest()
	var found []filter.RunRow
	for id, d := range r.stored {
		number, _ := track.ParseRunID(id)
		row := filter.RunRow{Run: d.Run, Latest: func(key string) (float64, bool) { l, ok := latest[number][key]; return l.Value, ok }}
		experiment, _ := track.ParseExperimentID(d.Run.ExperimentId)
		in := slices.Contains(s.Experiments, experiment) && !slices.Contains(s.Except, id) && s.View.Sees(d.Run.Lifecycle == sgpb.Lifecycle_LIFECYCLE_DELETED)
		if in && s.Where.Match(row) && (s.After == nil || s.Order.CompareKeys(s.Order.Key(row), s.After) > 0) {
			found = append(found, row)
		}
	}
	slices.SortFunc(found, func(a, b filter.RunRow) int { return s.Order.Compare(a, b) })
	var out []clickhouse.FoundRun
	for _, row := range found[:min(len(found), s.Limit)] {
		f := clickhouse.FoundRun{Document: r.stored[row.Run.Id], Compared: map[string]float64{}}
		for _, key := range s.MetricKeys() {
			if v, ok := row.Latest(key); ok {
				f.Compared[key] = v
			}
		}
		out = append(out, f)
	}
	if r.searched != nil {
		r.searched()
	}
	return out, r.down
}

func (r *rig) CountRuns(ctx context.Context, s filter.RunSearch) (int, error) {
	found, err := r.SearchRuns(ctx, s)
	return len(found), err
}

func (r *rig) Datasets(_ context.Context, experiments []uint32, except []string, _ int) (out []clickhouse.UsedDataset, _ error) {
	for id, d := range r.stored {
		e, _ := track.ParseExperimentID(d.Run.ExperimentId)
		if !slices.Contains(experiments, e) || slices.Contains(except, id) {
			continue
		}
		for _, used := range (filter.RunRow{Run: d.Run}).Datasets() {
			out = append(out, clickhouse.UsedDataset{Experiment: e, Dataset: used})
		}
	}
	return out, r.down
}

func (r *rig) Stored(_ context.Context, except []string, _ []filter.Stage) (points, runs uint64, err error) {
	for _, s := range r.lane[:r.applied] {
		points += uint64(s.Points.Len())
	}
	for id := range r.stored {
		if !slices.Contains(except, id) {
			runs++
		}
	}
	return points, runs, r.down
}

// rows are the sections that a pinned read of a key sees.
func (r *rig) rows(run track.RunNumber, watermarks map[uint16]uint64) (out []*feed.Section) {
	for _, s := range r.lane[:min(r.applied+r.marker, len(r.lane))] {
		if mark, ok := watermarks[s.Lane]; s.Run == run && (!ok || s.Seq <= mark) {
			out = append(out, s)
		}
	}
	return out
}

func (r *rig) History(_ context.Context, read history.Read) (p history.Points, _ error) {
	r.reads++
	rows := feed.Snapshot{Sections: r.rows(read.Run, read.Watermarks)}
	rank := read.Rank
	if lowest, ok := history.LowestRank(rows, read.Key); ok {
		rank = min(rank, lowest)
	}
	for _, s := range rows.Sections {
		if s.Rank == rank {
			p.AddSectionSteps(s, read.Key, read.From, read.To)
		}
	}
	if read.HeldMax > 0 && len(p.List) > read.HeldMax {
		return p, history.ErrTooLong
	}
	if read.Max == 0 {
		slices.Reverse(p.List)
		return p, r.down
	}
	slices.SortStableFunc(p.List, p.Compare) // repeats stay: SQL has them, too
	p.Between(read.After, nil)
	p.List = p.List[:min(len(p.List), read.Max)]
	return p, r.down
}

// HistoryOrdered gives parts of two points each.
func (r *rig) HistoryOrdered(ctx context.Context, read history.Read, visit func(*history.Points) error) error {
	read.HeldMax = 0
	all, err := r.History(ctx, read)
	all.ByStep = read.ByStep
	slices.SortStableFunc(all.List, all.Compare) // repeats stay: SQL has them, too
	parts := int64(0)
	for some := range slices.Chunk(all.List, 2) {
		if parts++; parts == r.breakAt.Load() {
			return errors.New("the engine is gone")
		}
		part := history.Points{ByStep: read.ByStep}
		for _, p := range some {
			k := all.KeyOf(p)
			part.Add(k.TimeMS, k.Step, k.Value, k.Model, k.Dataset)
		}
		if err := visit(&part); err != nil {
			return err
		}
	}
	return err
}

func (r *rig) LowestRank(_ context.Context, read history.Read) (uint32, error) {
	if rank, ok := history.LowestRank(feed.Snapshot{Sections: r.rows(read.Run, read.Watermarks)}, read.Key); ok {
		return rank, r.down
	}
	return history.RankUnknown, r.down
}

func (r *rig) Ask(ctx context.Context, q ask.Question) (ask.Answer, error) {
	asked := q.Format + ": " + q.Text
	if q.Experiments != nil {
		asked += fmt.Sprint(" of ", q.Experiments)
	}
	r.asked = append(r.asked, asked)
	if r.slow != nil {
		r.slow(ctx)
	}
	return r.answer()
}

// LatestSome answers all that is asked, and some others.
func (r *rig) LatestSome(_ context.Context, experiment uint32, runs []track.RunNumber, keys []string, others int) ([]hot.Value, error) {
	all, err := r.Latest(context.Background(), experiment, runs)
	left := make(map[track.RunNumber]int)
	return slices.DeleteFunc(all, func(v hot.Value) bool {
		if slices.Contains(keys, v.Key) {
			return false
		}
		left[v.Run]++
		return left[v.Run] > others
	}), err
}

func (r *rig) LastLogged(_ context.Context, _ uint32, runs []track.RunNumber) (map[track.RunNumber]int64, error) {
	r.reads++
	out := make(map[track.RunNumber]int64)
	for number, latest := range r.latest() {
		for _, l := range latest {
			if slices.Contains(runs, number) {
				out[number] = max(out[number], l.TimeMS)
			}
		}
	}
	return out, r.down
}
