package lane

import (
	"context"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Lanes are the publishers of all lanes; each starts with its first points. Methods may be called at once.
type Lanes struct {
	appender Appender
	options  Options
	// choice picks one of a run's lanes.
	choice uint64
	ctx    context.Context
	cancel context.CancelFunc

	mu         sync.RWMutex
	publishers map[uint16]*publisher
	closed     bool
}

// New makes lanes. Close ends them.
func New(a Appender, o Options) *Lanes {
	ctx, cancel := context.WithCancel(context.Background())
	return &Lanes{appender: a, options: o.withDefaults(), choice: newWriter(), ctx: ctx, cancel: cancel, publishers: make(map[uint16]*publisher)}
}

// Commit makes a run's points durable on one of its lanes and returns once they are. It takes the points over in
// any case. If ctx ends first the points may be committed or not.
func (l *Lanes) Commit(ctx context.Context, run track.RunFacts, points *columns.Columns) error {
	if len(run.Lanes) == 0 {
		points.Release()
		return track.Errorf(track.InternalError, "run %s has no lane", run.ID)
	}
	p, err := l.publisher(run.Lanes[l.choice%uint64(len(run.Lanes))])
	if err != nil {
		points.Release()
		return err
	}
	r := &request{runID: run.ID, points: points, bytes: points.Bytes() + sectionBytesMax, began: time.Now(), answer: make(chan error, 1)}
	if err := p.enqueue(r); err != nil {
		points.Release()
		return err
	}
	select {
	case err := <-r.answer:
		return err
	case <-ctx.Done():
		return track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "the points were not acknowledged in time: %v", context.Cause(ctx))
	}
}

func (l *Lanes) publisher(lane uint16) (*publisher, error) {
	l.mu.RLock()
	p, closed := l.publishers[lane], l.closed
	l.mu.RUnlock()
	if p != nil && !closed {
		return p, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed()
	}
	if p = l.publishers[lane]; p == nil {
		p = newPublisher(lane, l.appender, &l.options)
		l.publishers[lane] = p
		go p.run(l.ctx)
	}
	return p, nil
}

func errClosed() error {
	return track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "the server is stopping")
}

// Close refuses new points, commits what waits, and ends. What the bus does not take within a moment is
// answered 503.
func (l *Lanes) Close() {
	l.mu.Lock()
	l.closed = true
	publishers := l.publishers
	l.mu.Unlock()
	for _, p := range publishers {
		p.close()
	}
	grace := time.AfterFunc(closeGrace, l.cancel)
	defer grace.Stop()
	for _, p := range publishers {
		<-p.done
	}
	l.cancel()
}
