package hot

import (
	"context"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Source reads what is applied in ClickHouse. Methods are called concurrently.
type Source interface {
	// Runs reads the newest documents of runs by id; unknown ids are left out.
	Runs(ctx context.Context, ids []string) ([]Document, error)
	// Latest reads the latest values of some of an experiment's runs, run by run.
	Latest(ctx context.Context, experiment uint32, runs []track.RunNumber) ([]Value, error)
}

// Loader brings runs into a set. It is safe for concurrent use.
type Loader struct {
	Set    *Set
	Source Source
	Tail   feed.Tail
}

// Run gives a complete run, from the set or else from tail and ClickHouse; nil if there is none.
func (l *Loader) Run(ctx context.Context, id string) (*Run, error) {
	if _, ok := track.ParseRunID(id); !ok {
		return nil, nil
	}
	if r := l.Set.find(id); r != nil {
		return present(r), nil
	}
	runs := l.Set.pin([]string{id})
	defer l.Set.unpin(runs)
	runs[0].loading.Lock()
	defer runs[0].loading.Unlock()
	if runs[0].ready() {
		return present(runs[0]), nil
	}
	if err := l.load(ctx, runs); err != nil {
		return nil, err
	}
	return present(runs[0]), nil
}

func present(r *Run) *Run {
	if !r.Exists() {
		return nil
	}
	return r
}

// loadRunsMax is how many runs one statement reads.
const loadRunsMax = 1_000

// Runs gives the runs with these ids, complete; those that do not exist are left out.
func (l *Loader) Runs(ctx context.Context, ids []string) ([]*Run, error) {
	var out []*Run
	for len(ids) > 0 {
		n := min(len(ids), loadRunsMax)
		runs, err := l.runs(ctx, ids[:n])
		if err != nil {
			return nil, err
		}
		out, ids = append(out, runs...), ids[n:]
	}
	return out, nil
}

func (l *Loader) runs(ctx context.Context, ids []string) ([]*Run, error) {
	pinned := l.Set.pin(ids)
	defer l.Set.unpin(pinned)
	var cold, out []*Run
	for _, r := range pinned {
		if !r.ready() {
			cold = append(cold, r)
		}
	}
	if len(cold) > 0 {
		if err := l.load(ctx, cold); err != nil {
			return nil, err
		}
	}
	for _, r := range pinned {
		if r.Exists() {
			out = append(out, r)
		}
	}
	return out, nil
}

// load completes pinned entries: snapshot first, ClickHouse second.
func (l *Loader) load(ctx context.Context, runs []*Run) error {
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
		if err := l.overlay(ctx, r); err != nil {
			return err
		}
	}
	docs, err := l.Source.Runs(ctx, ids)
	if err != nil {
		return fmt.Errorf("read documents of %d runs: %w", len(ids), err)
	}
	byExperiment := l.Set.join(docs, runs)
	for experiment, some := range byExperiment {
		if err := l.loadLatest(ctx, experiment, some); err != nil {
			return err
		}
	}
	return nil
}

// overlay joins the tail of a run.
func (l *Loader) overlay(ctx context.Context, r *Run) error {
	snapshot, err := l.Tail.Run(ctx, r.Number)
	if err != nil {
		return fmt.Errorf("tail of run %s: %w", r.ID, err)
	}
	for _, sec := range snapshot.Sections {
		// Run numbers are unique, but only ids are proof.
		if sec.RunID == r.ID {
			r.mergeSection(sec)
		}
	}
	return nil
}

// join sets documents and sorts the runs that have one by experiment.
func (s *Set) join(docs []Document, runs []*Run) map[uint32][]*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range docs {
		r := s.runs[d.Run.GetId()]
		if r == nil {
			continue
		}
		r.touched = true
		r.setDocument(d.Run, d.Revision)
		r.placeIn(d.Run)
	}
	byExperiment := make(map[uint32][]*Run)
	for _, r := range runs {
		if r.Exists() {
			byExperiment[r.experiment] = append(byExperiment[r.experiment], r)
		}
	}
	return byExperiment
}

func (l *Loader) loadLatest(ctx context.Context, experiment uint32, runs []*Run) error {
	numbers := make([]track.RunNumber, len(runs))
	byNumber := make(map[track.RunNumber]*Run, len(runs))
	for i, r := range runs {
		numbers[i] = r.Number
		byNumber[r.Number] = r
	}
	values, err := l.Source.Latest(ctx, experiment, numbers)
	if err != nil {
		return fmt.Errorf("read latest values of %d runs: %w", len(runs), err)
	}
	mergeByRun(byNumber, values)
	for _, r := range runs {
		r.setComplete()
	}
	return nil
}

// mergeByRun joins values that stand in order of runs.
func mergeByRun(byNumber map[track.RunNumber]*Run, values []Value) {
	for len(values) > 0 {
		n := 1
		for n < len(values) && values[n].Run == values[0].Run {
			n++
		}
		if r := byNumber[values[0].Run]; r != nil {
			r.mergeValues(values[:n])
		}
		values = values[n:]
	}
}
