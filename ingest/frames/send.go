package frames

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// windowFramesMax is how many frames of a request are on their way to the bus at once, and so what it holds in
// memory: at most 8 MiB.
const windowFramesMax = 8

// errBehind is of a frame that was not sent because one that it builds on was not acknowledged.
var errBehind = errors.New("a frame of the writer before it is not durable")

// parcel is a frame on its way.
type parcel struct {
	lane   uint16
	writer uint64
	frame  []byte
	offset int64
	points int
	// ordered: the frame says what a run does, or is its writer's last, which means something only in its place.
	ordered bool

	behind []*parcel
	done   chan struct{}
	err    error
}

// sending passes the frames of one request on, several at once. Points may overtake points of their writer, for
// frames have numbers; nothing overtakes an ordered frame, and it overtakes nothing.
type sending struct {
	pass   func(ctx context.Context, p *parcel) error
	window chan struct{}
	failed atomic.Bool
	all    []*parcel
	// since are each writer's frames from the last ordered one on.
	since map[uint64][]*parcel
	wg    sync.WaitGroup
}

func newSending(pass func(context.Context, *parcel) error) *sending {
	return &sending{pass: pass, window: make(chan struct{}, windowFramesMax), since: make(map[uint64][]*parcel)}
}

// send waits for room in the window and lets the frame go.
func (s *sending) send(ctx context.Context, p *parcel) {
	p.done = make(chan struct{})
	s.order(p)
	s.all = append(s.all, p)
	s.window <- struct{}{}
	s.wg.Go(func() {
		defer func() { <-s.window }()
		defer close(p.done)
		for _, before := range p.behind {
			<-before.done // it has its place in the window, so it goes on
			if before.err != nil {
				p.err = errBehind
			}
		}
		if p.err == nil {
			p.err = s.pass(ctx, p)
		}
		p.frame, p.behind = nil, nil
		if p.err != nil {
			s.failed.Store(true)
		}
	})
}

// order says what a frame must wait for.
func (s *sending) order(p *parcel) {
	since := s.since[p.writer]
	if p.ordered {
		p.behind = since
		s.since[p.writer] = []*parcel{p}
		return
	}
	if len(since) > 0 && since[0].ordered {
		p.behind = since[:1:1]
	}
	s.since[p.writer] = append(since, p)
}

// wait answers how many frames from the first on are durable, and the one that is not, if any.
func (s *sending) wait() (accepted int, failed *parcel) {
	s.wg.Wait()
	for i, p := range s.all {
		if p.err != nil {
			return i, p
		}
	}
	return len(s.all), nil
}
