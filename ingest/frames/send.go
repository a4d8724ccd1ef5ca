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

// errBehind is of a frame that was not sent because one of its writer before it was not acknowledged.
var errBehind = errors.New("a frame of the writer before it is not durable")

// parcel is a frame on its way.
type parcel struct {
	lane   uint16
	writer uint64
	frame  []byte
	offset int64
	points int

	done chan struct{}
	err  error
}

// sending passes the frames of one request on: those of one writer one after the other, those of several at once.
type sending struct {
	pass   func(ctx context.Context, p *parcel) error
	window chan struct{}
	failed atomic.Bool
	all    []*parcel
	last   map[uint64]*parcel
	wg     sync.WaitGroup
}

func newSending(pass func(context.Context, *parcel) error) *sending {
	return &sending{pass: pass, window: make(chan struct{}, windowFramesMax), last: make(map[uint64]*parcel)}
}

// send waits for room in the window and lets the frame go.
func (s *sending) send(ctx context.Context, p *parcel) {
	p.done = make(chan struct{})
	before := s.last[p.writer]
	s.last[p.writer] = p
	s.all = append(s.all, p)
	s.window <- struct{}{}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		defer func() { <-s.window }()
		defer close(p.done)
		if before != nil {
			<-before.done // it has its place in the window, so it goes on
			if before.err != nil {
				p.err = errBehind
			}
		}
		if p.err == nil {
			p.err = s.pass(ctx, p)
		}
		p.frame = nil
		if p.err != nil {
			s.failed.Store(true)
		}
	}()
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
