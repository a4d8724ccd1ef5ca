package lane

import (
	"context"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// request is the points of one caller, who waits for the answer.
type request struct {
	runID  string
	points *columns.Columns
	bytes  int
	began  time.Time
	answer chan error
}

// publisher owns a lane's frames.
type publisher struct {
	lane     uint16
	appender Appender
	options  *Options
	done     chan struct{}
	// writer and number name the next frame; the goroutine of run owns them.
	writer, number uint64

	mu      sync.Mutex
	more    sync.Cond
	waiting []*request
	bytes   int
	closed  bool
}

func newPublisher(lane uint16, a Appender, o *Options) *publisher {
	p := &publisher{lane: lane, appender: a, options: o, done: make(chan struct{})}
	p.more.L = &p.mu
	p.renew()
	return p
}

// renew makes the publisher a new writer.
func (p *publisher) renew() {
	p.writer, p.number = p.options.NewWriter(), 1
	p.options.Meter.writers.Inc()
}

func (p *publisher) enqueue(r *request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return errClosed()
	case len(p.waiting) >= p.options.QueueRequestsMax || p.bytes+r.bytes > p.options.QueueBytesMax:
		p.options.Meter.refused.WithLabelValues(refusedQueue).Inc()
		return track.Unavailable(track.ResourceExhausted, retryAfterSeconds, "lane %d has %d requests waiting; come back in a moment", p.lane, len(p.waiting))
	}
	p.waiting = append(p.waiting, r)
	p.bytes += r.bytes
	p.more.Signal()
	return nil
}

func (p *publisher) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.more.Signal()
}

// run publishes until the publisher is closed and nothing waits.
func (p *publisher) run(ctx context.Context) {
	defer close(p.done)
	for {
		group := p.take()
		if group == nil {
			p.sayClosed(ctx)
			return
		}
		err := p.publish(ctx, group)
		for _, r := range group {
			if err == nil {
				p.options.Meter.ack.Observe(time.Since(r.began).Seconds())
			}
			r.answer <- err
		}
	}
}

// take waits for requests and takes as many as fit a frame, in their order; nil when there will be none.
func (p *publisher) take() []*request {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.refuseLate(); len(p.waiting) == 0; p.refuseLate() {
		if p.closed {
			return nil
		}
		p.more.Wait()
	}
	n, bytes := 0, frameBytesMin
	for n < len(p.waiting) && (n == 0 || bytes+p.waiting[n].bytes <= frameBytesMax) {
		bytes += p.waiting[n].bytes
		p.bytes -= p.waiting[n].bytes
		n++
	}
	group := p.waiting[:n:n]
	p.waiting = p.waiting[n:]
	if len(p.waiting) == 0 {
		p.waiting = nil
	}
	return group
}

// refuseLate answers those who have waited too long. The lock is held.
func (p *publisher) refuseLate() {
	n := 0
	for n < len(p.waiting) && time.Since(p.waiting[n].began) > p.options.WaitMax {
		r := p.waiting[n]
		p.bytes -= r.bytes
		r.points.Release()
		p.options.Meter.refused.WithLabelValues(refusedQueue).Inc()
		r.answer <- track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "the message bus is too slow: the points waited %v and were not taken; come back in a moment", p.options.WaitMax)
		n++
	}
	p.waiting = p.waiting[n:]
}

// publish appends the points of a group as one frame.
func (p *publisher) publish(ctx context.Context, group []*request) error {
	points := 0
	for _, r := range group {
		points += r.points.Len()
	}
	encoded, err := frame.Encode(&sgpb.Frame{Writer: p.writer, Number: p.number, Sections: merge(group)})
	for _, r := range group {
		r.points.Release() // the frame has them
		r.points = nil
	}
	if err != nil {
		return err
	}
	refused, err := p.append(ctx, encoded)
	if err != nil {
		p.options.Meter.refused.WithLabelValues(refused).Add(float64(len(group)))
		return err
	}
	p.options.Meter.points.Add(float64(points))
	p.options.Meter.frameBytes.Observe(float64(len(encoded)))
	return nil
}

// append appends the frame under the next number. A number in doubt is given up with its writer.
func (p *publisher) append(ctx context.Context, encoded []byte) (refused string, err error) {
	refused, err = deliver(ctx, p.appender, p.options, parcel{p.lane, encoded})
	switch refused {
	case "":
		p.number++
	case refusedFate:
		p.renew()
	}
	return refused, err
}

// sayClosed tells consumers that they may forget the writer. If that is lost they forget it by its age.
func (p *publisher) sayClosed(ctx context.Context) {
	if p.number == 1 {
		return
	}
	encoded, err := frame.Encode(&sgpb.Frame{Writer: p.writer, Number: p.number, Close: true})
	if err != nil {
		return
	}
	if seq, err := attempt(ctx, p.appender, p.options, parcel{p.lane, encoded}); err == nil {
		p.options.Acks.AckLane(p.lane, seq)
	}
}
