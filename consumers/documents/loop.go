package documents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// pendingBytesMax is what waits for an insert before the loop stops fetching.
	pendingBytesMax = 64 << 20
	fetchBytesMax   = 4 << 20
	// lotEntriesMax and lotBytesMax bound one insert.
	lotEntriesMax, lotBytesMax = 20_000, 32 << 20
	// lotEvery is the time between two inserts that nobody asked for; lotGapMin between any two.
	lotEvery, lotGapMin = time.Second, 200 * time.Millisecond
	// watermarkEvery is how long the watermark of a table without new rows may stay behind.
	watermarkEvery     = time.Minute
	retryMin, retryMax = 50 * time.Millisecond, 5 * time.Second
)

// ErrNewConnection: the connection to ClickHouse is not the one over which the watermark was read. The engine
// may have been started anew meanwhile and have lost what it had acknowledged, and a later watermark would hide
// that.
var ErrNewConnection = errors.New("the connection to ClickHouse is new")

// Sink is ClickHouse as the loop sees it.
type Sink interface {
	// Write inserts the tables of a lot that have rows. Repeating it changes nothing. It returns
	// ErrNewConnection until the watermark was read over the connection.
	Write(ctx context.Context, l *Lot) error
	// Watermark is the revision up to which all tables are complete.
	Watermark(ctx context.Context) (uint64, error)
}

// Config is what the loop needs. Metrics and Log may be nil.
type Config struct {
	Source   consumers.Source
	Keys     Keys
	Sink     Sink
	Observer feed.Observer
	Acks     *feed.Acks
	Metrics  *Metrics
	Log      *slog.Logger
}

// Loop reads the documents' stream. It implements feed.Documents.
type Loop struct {
	Config
	pending pending
	// observed is the last revision that the observer was told of.
	observed uint64
	full     time.Time
}

var _ feed.Documents = (*Loop)(nil)

// New makes a loop that is not yet running.
func New(c Config) *Loop {
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Loop{Config: c, pending: pending{kick: make(chan struct{}, 1)}}
}

// Run works until ctx ends. It never gives up: what fails is told and tried again.
func (l *Loop) Run(ctx context.Context) error {
	wait := retryMin
	for {
		opened := time.Now()
		err := l.work(ctx)
		l.pending.close(err)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrNewConnection) {
			l.Log.Info("documents are opened again", "reason", err)
			wait = retryMin
			continue
		}
		if time.Since(opened) > retryMax {
			wait = retryMin
		}
		l.Log.Error("documents loop stopped, opening it again", "error", err, "wait", wait)
		if sleep(ctx, wait) != nil {
			return nil
		}
		wait = min(2*wait, retryMax)
	}
}

func (l *Loop) work(ctx context.Context) error {
	watermark, err := l.Sink.Watermark(ctx)
	if err != nil {
		return fmt.Errorf("read the documents' watermark: %w", err)
	}
	state, err := l.Source.State(ctx)
	if err != nil {
		return fmt.Errorf("read the documents' stream: %w", err)
	}
	if state.Last < watermark {
		return fmt.Errorf("the documents' stream ends at %d, but ClickHouse has documents up to revision %d: the bus was lost or restored from an older copy; restore the matching copy of both", state.Last, watermark)
	}
	if state.Messages == 0 {
		state.Last = watermark
	}
	if err := l.Source.Seek(ctx, watermark+1); err != nil {
		return fmt.Errorf("seek to %d: %w", watermark+1, err)
	}
	l.pending.reset(watermark, state.Last)
	l.Log.Info("documents opened", "watermark", watermark, "end", state.Last)
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return l.fetch(ctx) })
	work.Go(func() error { return l.write(ctx) })
	return work.Wait()
}

func (l *Loop) fetch(ctx context.Context) error {
	for {
		if err := l.pending.await(ctx, func(p *pending) bool { return p.bytes < pendingBytesMax }); err != nil {
			return err
		}
		messages, err := l.Source.Fetch(ctx, fetchBytesMax)
		if err != nil {
			if err := l.retry(ctx, fmt.Errorf("fetch documents: %w", err)); err != nil {
				return err
			}
			continue
		}
		if err := l.take(ctx, messages); err != nil {
			return err
		}
	}
}

// take reads messages, tells the observer, and lets readers pass, in this order.
func (l *Loop) take(ctx context.Context, messages []consumers.Message) error {
	entries := make([]*entry, 0, len(messages))
	var docs []feed.Document
	for _, m := range messages {
		e, err := read(ctx, l.Keys, m)
		for err != nil {
			if err := l.retry(ctx, fmt.Errorf("read document at revision %d: %w", m.Seq, err)); err != nil {
				return err
			}
			e, err = read(ctx, l.Keys, m)
		}
		if e.refused != nil {
			l.Metrics.quarantined.Inc()
			l.Log.Warn("document sent to quarantine", "revision", m.Seq, "reason", e.refused.Reason)
		}
		if e.doc != nil && m.Seq > l.observed {
			docs = append(docs, *e.doc)
		}
		entries = append(entries, e)
	}
	if len(docs) > 0 {
		l.Observer.ObserveDocuments(docs)
	}
	if n := len(messages); n > 0 {
		l.observed = max(l.observed, messages[n-1].Seq)
	}
	l.pending.add(entries, time.Now())
	return nil
}

// write inserts lots, one after the other, until ctx ends.
func (l *Loop) write(ctx context.Context) error {
	for ctx.Err() == nil {
		entries, wait := l.pending.cut(time.Now())
		if entries == nil {
			l.pending.pause(ctx, wait)
			continue
		}
		if err := l.insert(ctx, entries); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (l *Loop) insert(ctx context.Context, entries []*entry) error {
	start := time.Now()
	lot := NewLot()
	for _, e := range entries {
		lot.add(e)
	}
	// Messages that leave no row, renewed leases above all, cost no insert: a start reads them once more.
	if lot.Rows() > 0 {
		all := start.Sub(l.full) > watermarkEvery
		if all {
			l.full = start
		}
		lot.Seal(all)
		if err := l.send(ctx, lot); err != nil {
			return err
		}
		l.Metrics.rows.Observe(float64(lot.Rows()))
		l.Metrics.seconds.Observe(time.Since(start).Seconds())
	}
	l.pending.apply(lot.Last)
	l.Observer.DocumentsApplied(lot.Last)
	n, bytes := l.pending.counts()
	l.Metrics.lag.Set(float64(n))
	l.Metrics.bytes.Set(float64(bytes))
	return nil
}

// send inserts a lot, however often that takes. After a new connection the loop starts again behind what the
// tables have.
func (l *Loop) send(ctx context.Context, lot *Lot) error {
	for {
		err := l.Sink.Write(ctx, lot)
		if errors.Is(err, ErrNewConnection) {
			var watermark uint64
			if watermark, err = l.Sink.Watermark(ctx); err == nil {
				return fmt.Errorf("%w; the tables are complete up to revision %d", ErrNewConnection, watermark)
			}
		}
		if err == nil {
			return nil
		}
		if err := l.retry(ctx, fmt.Errorf("insert documents: %w", err)); err != nil {
			return err
		}
	}
}

func (l *Loop) retry(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.Metrics.retries.Inc()
	wait := l.pending.trouble(err)
	l.Log.Warn("trying again", "error", err, "wait", wait)
	return sleep(ctx, wait)
}

// Ready returns nil when the loop has read what was on the stream when it was opened and has no trouble.
func (l *Loop) Ready() error { return l.pending.ready() }

// Await implements feed.Documents. It waits, besides, for what was on the stream before this process began.
func (l *Loop) Await(ctx context.Context) error {
	acked := l.Acks.Docs()
	if l.pending.passes(acked) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, consumers.AwaitMax, errTooLong)
	defer cancel()
	err := l.pending.await(ctx, func(p *pending) bool { return p.has(acked) })
	return tooLate(ctx, err, "Recent changes of documents are still on their way to readers")
}

// Flush implements feed.Documents.
func (l *Loop) Flush(ctx context.Context) error {
	if err := l.Await(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, consumers.FlushMax, errTooLong)
	defer cancel()
	target := l.pending.want()
	err := l.pending.await(ctx, func(p *pending) bool { return p.applied >= target })
	return tooLate(ctx, err, "ClickHouse does not take documents")
}

var errTooLong = errors.New("waited too long")

// tooLate tells our own limit from the caller's.
func tooLate(ctx context.Context, err error, message string) error {
	if err != nil && errors.Is(context.Cause(ctx), errTooLong) {
		return track.Unavailable(track.TemporarilyUnavailable, 1, "%s", message)
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
