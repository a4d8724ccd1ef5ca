package documents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// pending holds the messages that readers have seen and that are not known to be in ClickHouse. All methods
// are safe for concurrent use.
type pending struct {
	mu sync.Mutex
	// changed is closed at the next change; nil while nobody waits.
	changed chan struct{}
	// kick wakes who cuts lots.
	kick chan struct{}

	open                         bool
	applied, seen, start, wanted uint64
	entries                      []*entry
	bytes                        int
	since, lastCut               time.Time
	// err is what troubles the loop, and wait the next pause.
	err  error
	wait time.Duration
}

func (p *pending) reset(applied, start uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open, p.applied, p.seen, p.start = true, applied, applied, start
	p.entries, p.bytes, p.err, p.wait = nil, 0, nil, 0
	p.notify()
}

// close makes readers wait until the loop is opened again.
func (p *pending) close(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open, p.err = false, err
	p.notify()
}

// notify wakes all who wait. The lock is held.
func (p *pending) notify() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

func (p *pending) wake() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// add puts entries behind those that wait and lets readers pass.
func (p *pending) add(entries []*entry, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.entries) == 0 {
		p.since = now
	}
	before := len(p.entries)
	for _, e := range entries {
		p.entries = append(p.entries, e)
		p.bytes += e.bytes
		p.seen = max(p.seen, e.seq)
	}
	p.err, p.wait = nil, 0
	if before == 0 || len(p.entries) >= lotEntriesMax || p.bytes >= lotBytesMax {
		p.wake()
	}
	p.notify()
}

// cut takes the entries of the next lot if it is due, else it says how long to wait unless kicked.
func (p *pending) cut(now time.Time) ([]*entry, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.entries) == 0 {
		return nil, time.Minute
	}
	wait := lotEvery - now.Sub(p.since)
	if p.wanted > p.applied {
		wait = 0
	}
	wait = max(wait, lotGapMin-now.Sub(p.lastCut))
	if wait > 0 && len(p.entries) < lotEntriesMax && p.bytes < lotBytesMax {
		return nil, wait
	}
	p.lastCut = now
	n, bytes := 0, 0
	for n < len(p.entries) && n < lotEntriesMax {
		if bytes += p.entries[n].bytes; n > 0 && bytes > lotBytesMax {
			break
		}
		n++
	}
	return slices.Clone(p.entries[:n]), 0
}

// apply drops what the tables have.
func (p *pending) apply(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.entries) && p.entries[n].seq <= seq {
		p.bytes -= p.entries[n].bytes
		n++
	}
	p.entries = slices.Clone(p.entries[n:])
	p.applied, p.since, p.err, p.wait = seq, time.Now(), nil, 0
	p.notify()
}

// want asks for all that was seen to be inserted and returns how far that is.
func (p *pending) want() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = max(p.wanted, p.seen)
	p.wake()
	return p.seen
}

// trouble remembers an error and gives the pause before the next try.
func (p *pending) trouble(err error) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	p.wait = min(max(2*p.wait, retryMin), retryMax)
	return p.wait
}

func (p *pending) ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return fmt.Errorf("documents: %w", p.err)
	case !p.open:
		return errors.New("documents are not open yet")
	case p.seen < p.start:
		return fmt.Errorf("documents are read up to %d of %d", p.seen, p.start)
	}
	return nil
}

func (p *pending) counts() (entries, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.entries), p.bytes
}

// has says whether a reader may pass who was acknowledged acked. The lock is held.
func (p *pending) has(acked uint64) bool { return p.open && p.seen >= max(acked, p.start) }

func (p *pending) passes(acked uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.has(acked)
}

// await waits until done, asked under the lock, is true, or ctx ends.
func (p *pending) await(ctx context.Context, done func(*pending) bool) error {
	for {
		p.mu.Lock()
		if done(p) {
			p.mu.Unlock()
			return nil
		}
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pause waits until kicked, a while, or the end of ctx.
func (p *pending) pause(ctx context.Context, wait time.Duration) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-p.kick:
	case <-t.C:
	case <-ctx.Done():
	}
}
