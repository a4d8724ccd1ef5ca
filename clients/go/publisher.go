package streamgauge

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// queueBytesMax is what waits in memory unless Options say otherwise: some seconds of a busy job, some minutes of a
// quiet one.
const queueBytesMax = 64 << 20

// ErrClosed: the publisher takes nothing any more.
var ErrClosed = errors.New("the publisher is closed")

// Options adjust a publisher. The zero value works.
type Options struct {
	// Run is the run's id; "" draws one.
	Run string
	// Rank is which process of a distributed training this is, Attempt the time of the launch in seconds since 1970,
	// agreed by its ranks; 0 if there is one process, or one launch.
	Rank, Attempt uint32
	// QueueBytesMax bounds the frames that wait, 0 is 64 MiB. When it is reached, methods wait.
	QueueBytesMax int
	// Refused is told of each frame that the server will never take, Trouble of each failed attempt. They must not
	// call the publisher.
	Refused func(frame []byte, reason error)
	Trouble func(err error)
	// PauseMin is for tests.
	PauseMin time.Duration
}

// Stats is what became of things.
type Stats struct {
	// Points were taken by Log. FramesDurable are on the server's disk, FramesRefused never will be. FramesWaiting
	// are neither yet.
	Points, FramesDurable, FramesRefused, FramesWaiting int
}

// Publisher sends what one process says about one run. Its methods may be called at once by many; they return when
// it is queued, and wait while the queue is full, as long as their context allows.
type Publisher struct {
	to      Transport
	options Options
	// ctx ends the attempts of a publisher that was abandoned.
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	mu sync.Mutex
	// changed is closed and made anew whenever the fields below changed in a way that someone may wait for.
	changed        chan struct{}
	open           *Section
	writer, number uint64
	// queue has the frames that are not durable; the first of them are at the transport.
	queue   [][]byte
	bytes   int
	stats   Stats
	closed  bool
	failure error
}

// NewPublisher starts a publisher; Close ends it.
func NewPublisher(to Transport, o Options) (*Publisher, error) {
	if o.Run == "" {
		o.Run = track.NewRunID()
	}
	if o.QueueBytesMax <= 0 {
		o.QueueBytesMax = queueBytesMax
	}
	section, err := NewSection(o.Run, o.Rank, o.Attempt)
	if err != nil {
		return nil, err
	}
	p := &Publisher{to: to, options: o, done: make(chan struct{}), changed: make(chan struct{}), open: section, writer: NewWriter()}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	go p.ship()
	return p, nil
}

// NewWriter draws a writer, which is never 0.
func NewWriter() uint64 {
	var b [8]byte
	for binary.LittleEndian.Uint64(b[:]) == 0 {
		_, _ = rand.Read(b[:]) // never fails
	}
	return binary.LittleEndian.Uint64(b[:])
}

// Run is the run's id.
func (p *Publisher) Run() string { return p.options.Run }

// Stats answers what became of things so far.
func (p *Publisher) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.FramesWaiting = len(p.queue)
	if !p.open.Empty() {
		s.FramesWaiting++
	}
	return s
}

// Start creates the run, or changes nothing if it is there.
func (p *Publisher) Start(ctx context.Context, s Start) error {
	return p.events(ctx, startEvent(s))
}

// Params adds params, which never change.
func (p *Publisher) Params(ctx context.Context, params map[string]string) error {
	return p.events(ctx, pairEvents(params, func(m map[string]string) *sgpb.RunEvent {
		return now(&sgpb.RunEvent{Event: &sgpb.RunEvent_Params{Params: &sgpb.Params{Params: m}}})
	})...)
}

// Tags sets tags.
func (p *Publisher) Tags(ctx context.Context, tags map[string]string) error {
	return p.events(ctx, pairEvents(tags, func(m map[string]string) *sgpb.RunEvent {
		return now(&sgpb.RunEvent{Event: &sgpb.RunEvent_Tags{Tags: &sgpb.Tags{Tags: m}}})
	})...)
}

// Heartbeat says that the run is alive.
func (p *Publisher) Heartbeat(ctx context.Context) error {
	return p.events(ctx, now(&sgpb.RunEvent{Event: &sgpb.RunEvent_Heartbeat{Heartbeat: &sgpb.Heartbeat{}}}))
}

// Finish ends the run with a status.
func (p *Publisher) Finish(ctx context.Context, s Status) error {
	return p.events(ctx, now(&sgpb.RunEvent{Event: &sgpb.RunEvent_State{State: &sgpb.RunState{Status: s, EndTimeMs: time.Now().UnixMilli()}}}))
}

// now gives an event its time.
func now(e *sgpb.RunEvent) *sgpb.RunEvent {
	e.TimeMs = time.Now().UnixMilli()
	return e
}

func (p *Publisher) events(ctx context.Context, events ...*sgpb.RunEvent) error {
	for _, e := range events {
		if err := p.put(ctx, func(s *Section) (bool, error) { return s.AddEvent(e) }); err != nil {
			return err
		}
	}
	return nil
}

// Log adds the values of some metrics at a step, now.
func (p *Publisher) Log(ctx context.Context, step int64, values map[string]float64) error {
	now := time.Now()
	for key, v := range values {
		if err := p.Point(ctx, Point{Key: key, Step: step, Time: now, Value: v}); err != nil {
			return err
		}
	}
	return nil
}

// Point adds one value of a metric.
func (p *Publisher) Point(ctx context.Context, point Point) error {
	return p.put(ctx, func(s *Section) (bool, error) {
		ok, err := s.AddPoint(point)
		if ok {
			p.stats.Points++
		}
		return ok, err
	})
}

// Value adds a text, a histogram, or a reference to an artifact.
func (p *Publisher) Value(ctx context.Context, v *sgpb.SmallValue) error {
	return p.put(ctx, func(s *Section) (bool, error) { return s.AddValue(v) })
}

// Console adds a line that the job printed.
func (p *Publisher) Console(ctx context.Context, l *sgpb.ConsoleLine) error {
	return p.put(ctx, func(s *Section) (bool, error) { return s.AddConsole(l) })
}

// put adds to the open section; a full one becomes a frame as soon as the queue has room.
func (p *Publisher) put(ctx context.Context, add func(*Section) (bool, error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.failure != nil:
			return p.failure
		case p.closed:
			return ErrClosed
		}
		wasEmpty := p.open.Empty()
		ok, err := add(p.open)
		if err != nil {
			return err
		}
		if ok {
			if wasEmpty {
				p.tell()
			}
			return nil
		}
		if p.bytes+p.open.Bytes() <= p.options.QueueBytesMax || len(p.queue) == 0 {
			if err := p.seal(false); err != nil {
				return err
			}
			continue
		}
		if err := p.wait(ctx); err != nil {
			return err
		}
	}
}

// seal makes a frame of the open section. The lock is held.
func (p *Publisher) seal(last bool) error {
	p.number++
	f, err := p.open.Frame(p.writer, p.number, last)
	if err != nil {
		p.number--
		return err
	}
	p.queue = append(p.queue, f)
	p.bytes += len(f)
	p.tell()
	return nil
}

// tell wakes who waits. The lock is held.
func (p *Publisher) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait lets others work until something changed. The lock is held before and after.
func (p *Publisher) wait(ctx context.Context) error {
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Flush returns when all that was added before is durable, or refused for good.
func (p *Publisher) Flush(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	goal := p.stats.FramesDurable + p.stats.FramesRefused + len(p.queue)
	if !p.open.Empty() {
		goal++
	}
	for p.stats.FramesDurable+p.stats.FramesRefused < goal {
		if p.failure != nil {
			return p.failure
		}
		if err := p.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close delivers what waits and ends. If the context ends first, what was not delivered is lost, and the error says so.
func (p *Publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		if p.number > 0 || !p.open.Empty() {
			p.failure = p.seal(true)
		}
		p.tell()
	}
	p.mu.Unlock()
	err := p.Flush(ctx)
	p.cancel()
	<-p.done
	return err
}
