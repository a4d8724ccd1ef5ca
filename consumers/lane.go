package consumers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/table"
)

const (
	// TailBytesMax is what the tail of a lane takes in memory before the lane stops fetching.
	TailBytesMax = 128 << 20
	// fetchBytesMax is what one fetch brings; readers wait for all of it to be decided.
	fetchBytesMax = 4 << 20
	// columnsKept: one batch is being inserted while the next is merged.
	columnsKept = 2
	// retryMin and retryMax are the pauses between tries.
	retryMin, retryMax = 50 * time.Millisecond, 5 * time.Second
	// housekeepingEvery is how often an idle lane looks for frames to purge and tells its metrics.
	housekeepingEvery = 10 * time.Second
	// purgeEvery is the least time between two purges, unless a good part of the window is to go.
	purgeEvery = time.Second
)

// LaneConfig is what a lane needs. Fields from Pace on may be zero and then have defaults.
type LaneConfig struct {
	Lane   uint16
	Source Source
	Sink   Sink
	Runs   Runs
	Leases Leases
	// Owner names this process among all; two processes never have the same.
	Owner string
	// TakeOver: no other process can be at work on this lane, whatever the lease says.
	TakeOver bool
	// Observer is told of every section once in a process, in order; nil tells nobody.
	Observer feed.Observer
	// Hold is the last frame that may be purged because everybody else has read it; nil: there is nobody else.
	Hold func() uint64

	Pace         Pace
	Retention    Retention
	TailBytesMax int
	LeaseTime    time.Duration
	Metrics      *Metrics
	Log          *slog.Logger
}

// Lane is the loop of one lane.
type Lane struct {
	LaneConfig
	tail    *tail
	metrics laneMetrics
	// observed is the last sequence that the observer was told of; a lane that is opened again does not
	// tell it twice.
	observed uint64
	// What troubles each part of the loop, nil while it works.
	opening, fetching, inserting atomic.Pointer[string]
}

// NewLane makes a lane that is not yet running.
func NewLane(c LaneConfig) *Lane {
	if c.Pace == (Pace{}) {
		c.Pace = DefaultPace
	}
	if c.Retention.AgeMax == 0 {
		c.Retention = DefaultRetention
	}
	if c.TailBytesMax == 0 {
		c.TailBytesMax = TailBytesMax
	}
	if c.LeaseTime == 0 {
		c.LeaseTime = LeaseTime
	}
	if c.Hold == nil {
		c.Hold = func() uint64 { return math.MaxUint64 }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("lane", c.Lane)
	return &Lane{LaneConfig: c, tail: newTail(c.Pace), metrics: c.Metrics.lane(c.Lane)}
}

// Run works until ctx ends. It never gives up: what fails is told and tried again.
func (l *Lane) Run(ctx context.Context) error {
	wait := retryMin
	for {
		opened := time.Now()
		err := l.own(ctx)
		l.tail.close()
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(opened) > retryMax {
			wait = retryMin
		}
		l.say(&l.opening, err)
		l.Log.Error("lane stopped, opening it again", "error", err, "wait", wait)
		if sleep(ctx, wait) != nil {
			return nil
		}
		wait = min(2*wait, retryMax)
	}
}

// Ready returns nil when the lane has read what was on the log when it was opened and has no trouble.
func (l *Lane) Ready() error {
	for _, part := range []*atomic.Pointer[string]{&l.opening, &l.fetching, &l.inserting} {
		if t := part.Load(); t != nil {
			return errors.New(*t)
		}
	}
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	if !l.tail.open {
		return fmt.Errorf("lane %d is not open yet", l.Lane)
	}
	if l.tail.seen < l.tail.start {
		return fmt.Errorf("lane %d has read up to %d of %d", l.Lane, l.tail.seen, l.tail.start)
	}
	return nil
}

func (l *Lane) say(part *atomic.Pointer[string], err error) {
	text := fmt.Sprintf("lane %d: %v", l.Lane, err)
	part.Store(&text)
}

// own takes the lane and works it until something breaks. The table says where to start.
func (l *Lane) own(ctx context.Context) error {
	h, err := acquire(ctx, l.Leases, l.Lane, l.Owner, l.LeaseTime, l.TakeOver)
	if err != nil {
		return err
	}
	defer h.release(ctx)
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return h.keep(ctx) })
	work.Go(func() error {
		o, err := l.open(ctx, h)
		if err != nil {
			return err
		}
		work.Go(func() error { return o.fetch(ctx) })
		work.Go(func() error { return o.build(ctx) })
		return o.write(ctx)
	})
	return work.Wait()
}

// opened is a lane while this process owns it. Three goroutines work on it: fetch owns intake, build owns seen
// and mergedTo, write owns the rest.
type opened struct {
	*Lane
	intake *Intake
	// seen has seen the frames up to mergedTo, and no further: its ranges go into the batches.
	seen     *Writers
	mergedTo uint64
	// merged hands batches over; columns takes those of inserted batches back, emptied.
	merged  chan *Batch
	columns chan table.Points

	apply     applier
	marker    table.Marker
	epoch     uint64
	retention Retention
	// purged, verified and measured are when that was last done; unfetched is what was measured.
	purged, verified, measured time.Time
	unfetched                  uint64
}

func (l *Lane) open(ctx context.Context, h *holding) (*opened, error) {
	if err := l.Sink.Fence(ctx, l.Lane); err != nil {
		return nil, fmt.Errorf("end inserts of an earlier owner: %w", err)
	}
	marker, err := l.Sink.Marker(ctx, l.Lane)
	if err != nil {
		return nil, fmt.Errorf("read marker: %w", err)
	}
	seen, err := l.Sink.Ranges(ctx, l.Lane, marker.TimeMS-WriterIdleMax.Milliseconds())
	if err != nil {
		return nil, fmt.Errorf("read the writers' ranges: %w", err)
	}
	state, err := l.line(ctx, marker)
	if err != nil {
		return nil, err
	}
	if err := l.Source.Seek(ctx, marker.Last+1); err != nil {
		return nil, fmt.Errorf("seek to %d: %w", marker.Last+1, err)
	}
	o := &opened{
		Lane: l, seen: NewWriters(seen), mergedTo: marker.Last, merged: make(chan *Batch), columns: make(chan table.Points, columnsKept),
		marker: marker, epoch: h.epoch, retention: l.Retention, purged: time.Now(), verified: time.Now(),
	}
	o.intake = NewIntake(l.Lane, l.Runs, NewWriters(seen), l.retrying(&l.fetching))
	o.apply = applier{sink: l.Sink, allowed: h.valid, retry: l.retrying(&l.inserting), burnt: l.burnt}
	o.retention.Limit(state.BytesMax)
	if state.First <= marker.Last && state.Last > 0 && state.Messages > 0 {
		// The applied frames that an earlier owner left, as one piece: their sizes are not known one by one.
		share := float64(marker.Last-state.First+1) / float64(state.Last-state.First+1)
		o.retention.Applied(marker.Last, time.Now().UnixMilli(), uint64(float64(state.Bytes)*share))
	}
	l.tail.reset(marker.Last, state.Last)
	for _, part := range []*atomic.Pointer[string]{&l.opening, &l.fetching, &l.inserting} {
		part.Store(nil)
	}
	l.Log.Info("lane opened", "watermark", marker.Last, "end", state.Last, "epoch", o.epoch)
	return o, nil
}

// retrying gives a retry function that waits longer every time within one stretch of trouble, and says what
// troubles that part.
func (l *Lane) retrying(part *atomic.Pointer[string]) func(context.Context, error) error {
	wait, last := retryMin, time.Time{}
	return func(ctx context.Context, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(last) > 2*retryMax {
			wait = retryMin
		}
		l.metrics.retries.Inc()
		l.say(part, err)
		l.Log.Warn("trying again", "error", err, "wait", wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait, last = min(2*wait, retryMax), time.Now()
		return nil
	}
}

func (l *Lane) burnt(token string) {
	l.metrics.burnt.Inc()
	l.Log.Warn("the engine answered an insert well and did not keep it, trying another token", "token", token)
}
