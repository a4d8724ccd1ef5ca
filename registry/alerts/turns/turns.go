// Package turns shares out attempts among receivers so that none waits for others that hang.
//
// A receiver has few attempts under way. Those that have hung lately have half of all turns at most, together: the others are for
// receivers that answer.
package turns

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// AtOnce bounds the attempts under way, HangingAtOnce those to receivers that hang, ReceiverAtOnce those to one.
	AtOnce         = 256
	HangingAtOnce  = AtOnce / 2
	ReceiverAtOnce = 4
	// SlowAfter is how long an attempt takes that makes its receiver one that hangs, until one is faster.
	SlowAfter = 3 * time.Second
)

// Turns are given one after the other. Make them with New.
type Turns struct {
	all, hanging chan struct{}
	// now is the clock.
	now func() time.Time

	mu        sync.Mutex
	receivers map[string]*receiver
}

// receiver is there while somebody uses it, or it hangs.
type receiver struct {
	turns chan struct{}
	users int
	hangs bool
}

// New gives turns by a clock.
func New(now func() time.Time) *Turns {
	return &Turns{
		all: make(chan struct{}, AtOnce), hanging: make(chan struct{}, HangingAtOnce), now: now, receivers: make(map[string]*receiver),
	}
}

// Take waits for a turn with a receiver. The function that it answers gives it back; call it once.
func (t *Turns) Take(ctx context.Context, name string) (end func(), err error) {
	r, hangs := t.enter(name)
	wait := []chan struct{}{r.turns, t.all}
	if hangs {
		wait = []chan struct{}{r.turns, t.hanging, t.all}
	}
	for i, c := range wait {
		select {
		case c <- struct{}{}:
		case <-ctx.Done():
			give(wait[:i])
			t.leave(name, r, hangs)
			return nil, fmt.Errorf("wait for a turn: %w", ctx.Err())
		}
	}
	began := t.now()
	return func() {
		give(wait)
		t.leave(name, r, t.now().Sub(began) >= SlowAfter)
	}, nil
}

func give(back []chan struct{}) {
	for _, c := range back {
		<-c
	}
}

func (t *Turns) enter(name string) (r *receiver, hangs bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r = t.receivers[name]; r == nil {
		r = &receiver{turns: make(chan struct{}, ReceiverAtOnce)}
		t.receivers[name] = r
	}
	r.users++
	return r, r.hangs
}

func (t *Turns) leave(name string, r *receiver, hangs bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.users--
	r.hangs = hangs
	if r.users > 0 || hangs && len(t.receivers) <= receiversMax {
		return
	}
	delete(t.receivers, name)
}

// receiversMax bounds the receivers that are remembered though nobody uses them.
const receiversMax = 10_000
