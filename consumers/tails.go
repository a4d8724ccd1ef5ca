package consumers

import (
	"context"
	"errors"
	"time"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// AwaitMax is how long a reader waits for the tail before it is told to come back: the tail is full while
	// ClickHouse takes nothing, or the lane has no owner.
	AwaitMax = 5 * time.Second
	// FlushMax is how long a reader waits for an insert.
	FlushMax = 30 * time.Second
)

// Tail is the tail over all lanes of this process.
type Tail struct {
	acks  *feed.Acks
	lanes []*Lane
}

var _ feed.Tail = (*Tail)(nil)

// NewTail reads lanes that this process owns; acks is what it had acknowledged on them.
func NewTail(acks *feed.Acks, lanes ...*Lane) *Tail { return &Tail{acks: acks, lanes: lanes} }

// Await implements feed.Tail. It waits, besides, for what was on the log before this process began.
func (t *Tail) Await(ctx context.Context) error {
	for _, l := range t.lanes {
		if !l.tail.passes(t.acks.Lane(l.Lane), nil) {
			return t.await(ctx)
		}
	}
	return nil
}

func (t *Tail) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, AwaitMax, errTooLong)
	defer cancel()
	for _, l := range t.lanes {
		acked := t.acks.Lane(l.Lane)
		err := l.tail.await(ctx, func(t *tail) bool { return t.has(acked) })
		if err != nil {
			return tooLate(ctx, err, "Recent points are still on their way to the readers of lane %d", l.Lane)
		}
	}
	return nil
}

// Run implements feed.Tail. What a reader must see is asked for again with the snapshot: a lane that was opened
// anew in between has forgotten its frames.
func (t *Tail) Run(ctx context.Context, run track.RunNumber) (feed.Snapshot, error) {
	s := feed.Snapshot{Watermarks: make(map[uint16]uint64, len(t.lanes)), Seen: make(map[uint16]uint64, len(t.lanes))}
	for _, l := range t.lanes {
		reached := uint64(0)
		sections, applied, err := seen(ctx, t, l, func(t *tail) []*feed.Section {
			reached = t.seen
			return t.run(run)
		})
		if err != nil {
			return feed.Snapshot{}, err
		}
		s.Watermarks[l.Lane], s.Seen[l.Lane] = applied, reached
		if s.Sections == nil {
			s.Sections = sections
		} else {
			s.Sections = append(s.Sections, sections...) // the first lane's slice has no room: this copies
		}
	}
	return s, nil
}

// seen takes from a lane's tail, at a moment when it has all that was acknowledged before.
func seen[T any](ctx context.Context, t *Tail, l *Lane, take func(*tail) T) (out T, applied uint64, err error) {
	acked := t.acks.Lane(l.Lane)
	for {
		if l.tail.passes(acked, func(t *tail) { out, applied = take(t), t.applied }) {
			return out, applied, nil
		}
		if err := t.await(ctx); err != nil {
			return out, 0, err
		}
	}
}

// Runs implements feed.Tail.
func (t *Tail) Runs(ctx context.Context) ([]string, error) {
	var out []string
	for _, l := range t.lanes {
		ids, _, err := seen(ctx, t, l, (*tail).runIDs)
		if err != nil {
			return nil, err
		}
		out = append(out, ids...)
	}
	return out, nil
}

// Flush implements feed.Tail.
func (t *Tail) Flush(ctx context.Context) error {
	if err := t.Await(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, FlushMax, errTooLong)
	defer cancel()
	targets := make([]uint64, len(t.lanes))
	for i, l := range t.lanes {
		targets[i] = l.tail.want()
	}
	for i, l := range t.lanes {
		if err := l.tail.await(ctx, func(t *tail) bool { return t.applied >= targets[i] }); err != nil {
			return tooLate(ctx, err, "ClickHouse does not take the points of lane %d", l.Lane)
		}
	}
	return nil
}

var errTooLong = errors.New("waited too long")

// tooLate tells our own limit from the caller's.
func tooLate(ctx context.Context, err error, format string, lane uint16) error {
	if errors.Is(context.Cause(ctx), errTooLong) {
		return track.Unavailable(track.TemporarilyUnavailable, 1, format, lane)
	}
	return err
}
