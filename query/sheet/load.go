package sheet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Source reads what is applied in ClickHouse, a part at a time. Methods are called concurrently.
type Source interface {
	// ExperimentRuns visits the newest documents of an experiment's runs.
	ExperimentRuns(ctx context.Context, experiment uint32, visit func([]hot.Document) error) error
	// ExperimentLatest visits the latest values of an experiment's runs, and may visit older ones too.
	ExperimentLatest(ctx context.Context, experiment uint32, visit func([]hot.Value) error) error
	// ExperimentSize is about how many runs an experiment has.
	ExperimentSize(ctx context.Context, experiment uint32) (runs int, err error)
}

// Loader brings experiments into a set. It is safe for concurrent use.
type Loader struct {
	Set    *Set
	Source Source
	Tail   feed.Tail
	// aside is held by the one experiment that is loaded beside its searches.
	aside sync.Mutex
}

const (
	// coldFor: an experiment that was too large is not tried again for so long.
	coldFor = 5 * time.Minute
	// waitedRunsMax: the search that finds an experiment of so many runs not loaded waits for it, some half a second;
	// a larger one is loaded beside its searches, which ask ClickHouse meanwhile.
	waitedRunsMax = 20_000
	// asideTimeout ends a load that nobody waits for. One that failed is not tried again for asidePause.
	asideTimeout = 5 * time.Minute
	asidePause   = time.Minute
)

// Sheet gives a whole experiment, which it reads if it must; nil if that is too large, or so large that it is still
// being read. The caller has awaited tail and documents.
func (l *Loader) Sheet(ctx context.Context, experiment uint32) (*Sheet, error) {
	for {
		sheet := l.Set.begin(experiment)
		if sheet == nil {
			return nil, nil
		}
		select {
		case <-sheet.large:
			return l.Set.Whole(experiment), nil
		case sheet.loading <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for experiment %d: %w", experiment, context.Cause(ctx))
		}
		whole, held, err := l.finish(ctx, experiment, sheet)
		switch {
		case err != nil:
			return nil, err
		case whole:
			return sheet, nil
		case held:
			return nil, nil
		}
		// Whoever held it before has dropped it: begin again.
	}
}

// finish loads a sheet, if the one who held it before has not, and lets go of it. held says that it was still there to
// be loaded.
func (l *Loader) finish(ctx context.Context, experiment uint32, sheet *Sheet) (whole, held bool, err error) {
	release := func() { <-sheet.loading }
	if whole, held = l.Set.state(experiment, sheet); whole || !held {
		release()
		return whole, held, nil
	}
	runs, err := l.Source.ExperimentSize(ctx, experiment)
	if err != nil {
		l.Set.end(experiment, sheet, false)
		release()
		return false, true, fmt.Errorf("size of experiment %d: %w", experiment, err)
	}
	// What is surely too large is not even begun: it would drop all others on its way.
	if int64(runs)*rowBytes > l.Set.opts.BytesMax {
		l.Set.tooLarge(experiment)
		l.Set.end(experiment, sheet, false)
		release()
		return false, true, nil
	}
	if runs > waitedRunsMax {
		close(sheet.large)
		go func() {
			defer release()
			l.loadAside(context.WithoutCancel(ctx), experiment, sheet)
		}()
		return false, true, nil
	}
	defer release()
	fits, err := l.load(ctx, experiment, sheet)
	return l.Set.end(experiment, sheet, fits && err == nil), true, err
}

// loadAside loads an experiment for later searches. Whatever fails here fails in a search's own statement too, which
// says so.
func (l *Loader) loadAside(ctx context.Context, experiment uint32, sheet *Sheet) {
	l.aside.Lock()
	defer l.aside.Unlock()
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	fits, err := l.load(ctx, experiment, sheet)
	if err != nil {
		l.Set.failed(experiment)
	}
	l.Set.end(experiment, sheet, fits && err == nil)
}

func (l *Loader) load(ctx context.Context, experiment uint32, sheet *Sheet) (fits bool, err error) {
	if err := l.tail(ctx, experiment, sheet); err != nil {
		return false, err
	}
	grown := func() error {
		if !l.Set.grown(experiment, sheet) {
			return errDropped
		}
		return nil
	}
	err = l.Source.ExperimentRuns(ctx, experiment, func(docs []hot.Document) error {
		for _, d := range docs {
			if number, ok := track.ParseRunID(d.Run.GetId()); ok {
				sheet.joinDocument(number, d.Run, d.Revision)
			}
		}
		return grown()
	})
	if err == nil {
		err = l.Source.ExperimentLatest(ctx, experiment, func(values []hot.Value) error {
			sheet.joinValues(values)
			return grown()
		})
	}
	if !l.Set.grown(experiment, sheet) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read experiment %d: %w", experiment, err)
	}
	return true, nil
}

// errDropped ends a reading whose sheet is no longer wanted.
var errDropped = fmt.Errorf("the sheet was dropped")

// tail joins what is not in ClickHouse yet.
func (l *Loader) tail(ctx context.Context, experiment uint32, sheet *Sheet) error {
	ids, err := l.Tail.Runs(ctx)
	if err != nil {
		return fmt.Errorf("runs of the tail: %w", err)
	}
	for _, id := range ids {
		number, ok := track.ParseRunID(id)
		if !ok {
			continue
		}
		snapshot, err := l.Tail.Run(ctx, number)
		if err != nil {
			return fmt.Errorf("tail of run %s: %w", id, err)
		}
		for _, sec := range snapshot.Sections {
			if sec.Experiment == experiment {
				sheet.joinValues(hot.Newest(sec))
			}
		}
	}
	return nil
}

// begin finds an experiment's sheet or makes one that observes from now on; nil if the experiment is known to be too
// large.
func (s *Set) begin(experiment uint32) *Sheet {
	s.mu.Lock()
	defer s.mu.Unlock()
	sheet := s.sheets[experiment]
	if sheet == nil {
		if until, ok := s.cold[experiment]; ok && s.opts.Now().Before(until) {
			return nil
		}
		delete(s.cold, experiment)
		sheet = newSheet()
		s.sheets[experiment] = sheet
		for number, u := range s.unapplied {
			if e, ok := u.experiment(); !ok || e == experiment {
				sheet.joinDocument(number, u.run, u.revision)
			}
		}
		s.account(sheet)
	}
	s.use(sheet)
	return sheet
}

// state says whether a sheet is whole, and whether it is still the experiment's.
func (s *Set) state(experiment uint32, sheet *Sheet) (whole, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held = s.sheets[experiment] == sheet
	return held && sheet.whole, held
}

// grown makes room for a sheet that is being loaded, and says whether it is still wanted: if it had to go for its own
// size, the experiment is too large.
func (s *Set) grown(experiment uint32, sheet *Sheet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sheets[experiment] != sheet {
		return false
	}
	s.account(sheet)
	alone := sheet.size > s.opts.BytesMax
	s.use(sheet)
	s.fit()
	if alone {
		s.believeCold(experiment)
	}
	return s.sheets[experiment] == sheet
}

func (s *Set) tooLarge(experiment uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.believeCold(experiment)
}

// failed lets searches ask ClickHouse for a while.
func (s *Set) failed(experiment uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cold[experiment] = s.opts.Now().Add(asidePause)
	s.counters.Failed++
}

func (s *Set) believeCold(experiment uint32) {
	s.cold[experiment] = s.opts.Now().Add(coldFor)
	s.counters.TooLarge++
}

// end makes a sheet whole, or drops it.
func (s *Set) end(experiment uint32, sheet *Sheet, ok bool) (whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sheets[experiment] != sheet {
		return false
	}
	if !ok {
		s.drop(experiment)
		return false
	}
	sheet.whole = true
	s.counters.Loaded++
	return true
}
