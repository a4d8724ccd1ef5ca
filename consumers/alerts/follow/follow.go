package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/alerts"
	"github.com/streamgauge/streamgauge/consumers/alerts/hold"
	"github.com/streamgauge/streamgauge/consumers/documents"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// fetchBytesMax is what one fetch brings.
	fetchBytesMax = 4 << 20
	// tickEvery is how often silences are looked for, saveEvery how often states are saved: a crash repeats that much.
	tickEvery, saveEvery = time.Second, 5 * time.Second
	// savedEventsMax is after how many events the states are saved at once. The store knows at least that many ids.
	savedEventsMax = 1000
	// idleAfter is how long a log that brings nothing has been waited for before that means that it has nothing.
	idleAfter = 2 * time.Second
	retryWait = time.Second
	// savePart is what part of the time goes into saving, as long as it is not later than saveLate.
	savePart, saveLate = 20, time.Minute
	// movedMin is how many states may change before a new snapshot is written, at least.
	movedMin = 2_000
	// eventsPerSecond is how many events are stored a second when they go on to come, after as many as aheadMax would take.
	eventsPerSecond = 500
	aheadMax        = 2 * time.Second
)

// Lane is a log of points, and who decides about its frames.
type Lane struct {
	Number uint16
	Source consumers.Source
	// Decided waits until the owner has decided about all frames up to a sequence; Reached is how far it has come.
	Decided func(ctx context.Context, seq uint64) error
	Reached func(ctx context.Context) (uint64, error)
}

// Past says what was known of a lane's writers at the end of the last batch before a sequence, and where that is.
type Past interface {
	Writers(ctx context.Context, lane uint16, seq uint64) (*consumers.Writers, uint64, error)
}

// Known says what is known of runs beside the logs.
type Known interface {
	// Run answers a run's document as it is now, or track.ResourceDoesNotExist.
	Run(ctx context.Context, runID string) (*sgpb.Run, error)
	// Running answers runs of experiments, and single ones, that say they are running, with a sign of theirs that is not before
	// sinceMS. It knows all that was acknowledged before it was asked.
	Running(ctx context.Context, experiments []uint32, runs []string, sinceMS int64) ([]alerts.Sign, error)
}

// States keeps a snapshot, and what changed since.
type States interface {
	// Load answers nil for what there is not.
	Load(ctx context.Context) (snapshot, changes []byte, err error)
	// Save replaces both by a snapshot; SaveChanges replaces what changed since that which was loaded or saved last.
	Save(ctx context.Context, snapshot []byte) error
	SaveChanges(ctx context.Context, changes []byte) error
	Remove(ctx context.Context) error
}

// Config is what a follower needs.
type Config struct {
	Lanes []Lane
	// Runs brings the documents of runs, Keys what is beside them.
	Runs consumers.Source
	Keys documents.Keys
	// Facts is the registry: which experiment a run is of.
	Facts  consumers.Runs
	Known  Known
	Past   Past
	States States
	// Rules answers all rules; Changed tells that there are others.
	Rules   func(ctx context.Context) ([]*alert.Rule, error)
	Changed <-chan struct{}
	// Store returns once the events are stored. Those whose ids it knows already change nothing.
	Store func(ctx context.Context, events []*sgpb.AlertEvent) error
	// HoldFor is how old a snapshot may be and still keep frames from being purged.
	HoldFor time.Duration
	Metrics *Metrics
	Log     *slog.Logger
}

// Follower judges. Make it with New.
type Follower struct {
	Config
	// mu makes judging and storing one step.
	mu    sync.Mutex
	judge *alerts.Evaluator
	// broken is why the judge is of no use any more.
	broken error
	// events since the states were saved; unsaved says that something must be saved before the next judgement.
	events  int
	unsaved bool
	// based says that changes can be saved; took is how long the last saving took.
	based bool
	took  time.Duration
	// refused is what the metric knows.
	refused uint64
	// due is when what was stored so far would be stored at eventsPerSecond.
	due  time.Time
	held *hold.Lanes
	// since is when the process could be told of signs.
	since time.Time
}

// New makes a follower that is not yet running.
func New(c Config) *Follower {
	return &Follower{Config: c, held: hold.New(len(c.Lanes), c.HoldFor), since: time.Now()}
}

// Hold is the last frame of a lane that may be purged.
func (f *Follower) Hold(lane int) uint64 { return f.held.At(lane) }

var errNoRules = errors.New("no rule is enabled")

// Run judges until ctx ends. What fails is told and tried again from the last snapshot.
func (f *Follower) Run(ctx context.Context) {
	told := ""
	for ctx.Err() == nil {
		err := f.once(ctx)
		if err == nil || ctx.Err() != nil {
			told = ""
			continue
		}
		if text := err.Error(); text != told { // what stays is told once, and counted
			f.Log.Warn("alerts are interrupted, trying again from the last snapshot", "error", err)
			told = text
		}
		f.Metrics.interrupted.Inc()
		select {
		case <-ctx.Done():
		case <-time.After(retryWait):
		}
	}
}

// once judges as long as there are rules, or waits for the first.
func (f *Follower) once(ctx context.Context) error {
	rules, err := f.Rules(ctx)
	if err != nil {
		return err
	}
	if enabled(rules) > 0 {
		if err := f.work(ctx, rules); !errors.Is(err, errNoRules) {
			return err
		}
		return nil
	}
	if err := f.States.Remove(ctx); err != nil {
		return err
	}
	f.held.Free()
	select {
	case <-f.Changed:
	case <-ctx.Done():
	}
	return nil
}

func enabled(rules []*alert.Rule) (n int) {
	for _, r := range rules {
		if r.Enabled {
			n++
		}
	}
	return n
}

// work starts at the snapshot, or here and now if there is none, and judges until something breaks.
func (f *Follower) work(ctx context.Context, rules []*alert.Rule) error {
	f.judge, f.broken, f.events, f.unsaved, f.refused = alerts.New(), nil, 0, false, 0
	if err := f.judge.Set(rules); err != nil {
		return err
	}
	saved, changes, err := f.States.Load(ctx)
	if err == nil && saved != nil {
		if bad := f.judge.Restore(saved, changes); bad != nil {
			err = fmt.Errorf("%w: %w", alerts.ErrDamaged, bad)
		}
	}
	if errors.Is(err, alerts.ErrDamaged) {
		f.Log.Error("what was remembered of alerts cannot be read: they begin here and now", "error", err)
		f.judge, saved = alerts.New(), nil
		err = f.judge.Set(rules)
	}
	if err != nil {
		return err
	}
	readers := make([]*reader, len(f.Lanes))
	for i := range f.Lanes {
		if readers[i], err = f.open(ctx, &f.Lanes[i], saved != nil); err != nil {
			return err
		}
	}
	runs, err := f.openRuns(ctx, saved != nil)
	if err != nil {
		return err
	}
	f.based = saved != nil
	if err := f.save(ctx); err != nil {
		return err
	}
	f.Log.Info("alerts are judged", "rules", enabled(rules), "goes_on", saved != nil)
	g, ctx := errgroup.WithContext(ctx)
	clocks := []*clock{&runs.clock}
	for _, r := range readers {
		clocks = append(clocks, &r.clock)
		g.Go(func() error { return r.run(ctx) })
	}
	g.Go(func() error { return runs.run(ctx) })
	g.Go(func() error { return f.introduce(ctx) })
	g.Go(func() error { return f.watch(ctx, clocks) })
	return g.Wait()
}

// watch looks at the clock, saves the states, and takes new rules.
func (f *Follower) watch(ctx context.Context, clocks []*clock) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	saved := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.Changed:
			if err := f.change(ctx); err != nil {
				return err
			}
			continue
		case <-tick.C:
		}
		now := time.Now()
		for _, c := range clocks {
			now = c.limit(now)
		}
		if err := f.judged(ctx, func(j *alerts.Evaluator) []alerts.Event { return j.Tick(now, f.since) }); err != nil {
			return err
		}
		if time.Since(saved) > min(max(saveEvery, savePart*f.took), saveLate) {
			saved = time.Now()
			f.mu.Lock()
			err := f.save(ctx)
			f.mu.Unlock()
			if err != nil {
				return err
			}
		}
	}
}

// change takes the rules as they are now. The states are saved before anything is judged by them, so that a new rule is not
// asked about points from before it.
func (f *Follower) change(ctx context.Context) error {
	rules, err := f.Rules(ctx)
	if track.CodeOf(err) == track.DataLoss { // it stays so until somebody mends it
		f.Log.Error("the rules of alerts cannot be read; those before are judged by", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if enabled(rules) == 0 {
		return errNoRules
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.judge.Set(rules); err != nil {
		f.Log.Error("the rules of alerts are as before", "error", err)
		return nil
	}
	return f.save(ctx)
}
