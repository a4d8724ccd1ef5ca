package hot

import (
	"context"
	"fmt"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// Whole gives the runs of an experiment if all of them are in the set. The caller has awaited tail and
// documents.
func (s *Set) Whole(experiment uint32) (runs []*Run, whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[experiment]
	if g == nil || !g.whole {
		return nil, false
	}
	runs = make([]*Run, 0, len(g.runs))
	for r := range g.runs {
		s.use(r)
		runs = append(runs, r)
	}
	s.counters.Hits += uint64(len(runs))
	return runs, true
}

// Dirty lists the ids of an experiment's runs whose document is not applied.
func (s *Set) Dirty(experiment uint32) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for r := range s.dirty {
		if r.experiment == experiment {
			out = append(out, r.ID)
		}
	}
	return out
}

// DirtyRuns lists all runs whose document is not applied.
func (s *Set) DirtyRuns() []*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Run, 0, len(s.dirty))
	for r := range s.dirty {
		out = append(out, r)
	}
	return out
}

// Complete loads those of the runs that are not complete, and gives all of them: one that was evicted meanwhile
// is another entry now.
func (l *Loader) Complete(ctx context.Context, runs []*Run) ([]*Run, error) {
	out := make([]*Run, 0, len(runs))
	var ids []string
	for _, r := range runs {
		if r.ready() {
			out = append(out, r)
		} else {
			ids = append(ids, r.ID)
		}
	}
	loaded, err := l.Runs(ctx, ids)
	return append(out, loaded...), err
}

// Warm reads a whole experiment into the set. It answers false if that is too large or the set too full.
func (l *Loader) Warm(ctx context.Context, experiment uint32) (bool, error) {
	g, again := l.Set.warmable(experiment)
	if g == nil {
		return again, nil
	}
	select {
	case g.warming <- struct{}{}:
		defer func() { <-g.warming }()
	case <-ctx.Done():
		return false, fmt.Errorf("wait for experiment %d: %w", experiment, context.Cause(ctx))
	}
	// Whoever held it before may have done the work.
	if g, again = l.Set.warmable(experiment); g == nil {
		return again, nil
	}
	runs, values, err := l.Source.ExperimentSize(ctx, experiment)
	if err != nil {
		return false, fmt.Errorf("size of experiment %d: %w", experiment, err)
	}
	// A quarter of the keys, so that one experiment does not push out all others.
	if runs > min(WarmRunsMax, l.Set.opts.RunsMax/4) || values > l.Set.opts.KeysMax/4 {
		return l.Set.warmed(experiment, 0, false), nil
	}
	return l.warm(ctx, experiment)
}

func (l *Loader) warm(ctx context.Context, experiment uint32) (bool, error) {
	evictions := l.Set.evictionsOf(experiment)
	ids, err := l.Tail.Runs(ctx)
	if err != nil {
		return false, fmt.Errorf("runs of the tail: %w", err)
	}
	pinned := l.Set.pin(ids)
	defer l.Set.unpin(pinned)
	for _, r := range pinned {
		if r.ready() {
			continue
		}
		if err := l.overlay(ctx, r); err != nil {
			return false, err
		}
	}
	docs, err := l.Source.ExperimentRuns(ctx, experiment, WarmRunsMax+1)
	if err != nil {
		return false, fmt.Errorf("read documents of experiment %d: %w", experiment, err)
	}
	if len(docs) > WarmRunsMax {
		return l.Set.warmed(experiment, evictions, false), nil
	}
	values, err := l.Source.Latest(ctx, experiment, nil)
	if err != nil {
		return false, fmt.Errorf("read latest values of experiment %d: %w", experiment, err)
	}
	mergeByRun(l.Set.admit(docs), values)
	return l.Set.warmed(experiment, evictions, true), nil
}

// admit makes entries for documents and gives all runs of the set by number.
func (s *Set) admit(docs []Document) map[track.RunNumber]*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	byNumber := make(map[track.RunNumber]*Run, len(docs))
	for _, d := range docs {
		r := s.entry(d.Run.GetId())
		r.touched = true
		r.setDocument(d.Run, d.Revision)
		s.regroup(r)
	}
	for _, r := range s.runs {
		byNumber[r.Number] = r
	}
	return byNumber
}

// warmable gives the group to warm, or nil and whether it is whole already.
func (s *Set) warmable(experiment uint32) (*group, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(experiment)
	if g.whole || s.opts.Now().UnixMilli() < g.coldUntilMS {
		return nil, g.whole
	}
	return g, false
}

func (s *Set) evictionsOf(experiment uint32) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.group(experiment).evictions
}

// warmed ends a warming: the experiment is whole if ok, and if none of its runs went meanwhile.
func (s *Set) warmed(experiment uint32, evictions uint64, ok bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(experiment)
	for r := range g.runs {
		s.measure(r)
	}
	s.evict()
	if !ok || g.evictions != evictions {
		g.coldUntilMS = s.opts.Now().Add(warmAgainAfter).UnixMilli()
		return false
	}
	for r := range g.runs {
		r.setComplete()
	}
	g.whole = true
	s.counters.Warmed++
	return true
}

// warmAgainAfter: an experiment that could not be warmed is not tried again for so long.
const warmAgainAfter = 30 * time.Second
