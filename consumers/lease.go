package consumers

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Lease says who owns a lane until when.
type Lease struct {
	Owner string
	// Epoch is raised by each new owner.
	Epoch uint64
	// UntilMS is 0 once the owner has given the lane up. Others judge by their own clock whether it is renewed.
	UntilMS int64
	// Revision of the stored lease, 0 if there is none.
	Revision uint64
}

// ErrLeaseChanged: the stored lease is not of the expected revision.
var ErrLeaseChanged = errors.New("the lease was changed by another")

// ErrLeaseLost: the lane is not ours any more.
var ErrLeaseLost = errors.New("the lease of the lane is lost")

// Leases keeps leases where all processes see them.
type Leases interface {
	// Load gives the zero Lease if there is none.
	Load(ctx context.Context, lane uint16) (Lease, error)
	// Store writes l if the stored lease still has l.Revision, and returns the new revision, else
	// ErrLeaseChanged.
	Store(ctx context.Context, lane uint16, l Lease) (uint64, error)
}

// LeaseTime is how long a lease holds without renewal, by default.
const LeaseTime = 15 * time.Second

const (
	// leaseRenewals per lease time: two may fail.
	leaseRenewals = 3
	// leaseRetry is the pause after a renewal that failed.
	leaseRetry = 200 * time.Millisecond
	// releaseMax bounds the farewell.
	releaseMax = time.Second
)

// holding is a lane that we own.
type holding struct {
	leases Leases
	lane   uint16
	time   time.Duration
	// epoch is ours as long as we hold the lane; lease changes with every renewal and belongs to who renews.
	epoch uint64
	lease Lease
	// until is when the lease ends by our clock, as nanoseconds since began; the clock is monotonic.
	began time.Time
	until atomic.Int64
	// sole: nobody else can own the lane, so it is not lost by a renewal that fails.
	sole bool
}

// acquire waits until the lane is free and takes it. takeOver says that any other owner is provably dead, and
// no other can come.
func acquire(ctx context.Context, leases Leases, lane uint16, owner string, leaseTime time.Duration, takeOver bool) (*holding, error) {
	h := &holding{leases: leases, lane: lane, time: leaseTime, began: time.Now(), sole: takeOver}
	var unchangedSince time.Time
	var watched uint64
	for {
		l, err := leases.Load(ctx, lane)
		if err != nil {
			return nil, fmt.Errorf("load lease of lane %d: %w", lane, err)
		}
		if unchangedSince.IsZero() || l.Revision != watched {
			unchangedSince, watched = time.Now(), l.Revision
		}
		free := l.Revision == 0 || l.UntilMS == 0 || l.Owner == owner || takeOver || time.Since(unchangedSince) > leaseTime
		if free {
			h.epoch = l.Epoch + 1
			h.lease = Lease{Owner: owner, Epoch: h.epoch, Revision: l.Revision}
			err := h.renew(ctx)
			if err == nil {
				return h, nil
			}
			if !errors.Is(err, ErrLeaseChanged) {
				return nil, fmt.Errorf("take lease of lane %d: %w", lane, err)
			}
		}
		if err := sleep(ctx, leaseTime/(2*leaseRenewals)); err != nil {
			return nil, err
		}
	}
}

// renew stores the lease for another term, counted from before the request.
func (h *holding) renew(ctx context.Context) error {
	start := time.Now()
	l := h.lease
	l.UntilMS = start.Add(h.time).UnixMilli()
	revision, err := h.leases.Store(ctx, h.lane, l)
	if err != nil {
		return err
	}
	l.Revision = revision
	h.lease = l
	h.until.Store(int64(start.Add(h.time).Sub(h.began)))
	return nil
}

// valid returns ErrLeaseLost when the lease has ended by our clock.
func (h *holding) valid() error {
	if !h.sole && int64(time.Since(h.began)) >= h.until.Load() {
		return fmt.Errorf("lane %d: %w", h.lane, ErrLeaseLost)
	}
	return nil
}

// adopt goes on with a renewal whose answer was lost: the lease is still ours, at a newer revision.
func (h *holding) adopt(ctx context.Context) bool {
	l, err := h.leases.Load(ctx, h.lane)
	if err != nil || l.Owner != h.lease.Owner || l.Epoch != h.lease.Epoch {
		return false
	}
	h.lease = l
	return true
}

// keep renews until ctx ends, which is no error, or the lease is lost.
func (h *holding) keep(ctx context.Context) error {
	wait := h.time / leaseRenewals
	for {
		if sleep(ctx, wait) != nil {
			return nil
		}
		wait = h.time / leaseRenewals
		err := h.renew(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, ErrLeaseChanged):
			if !h.adopt(ctx) {
				return fmt.Errorf("lane %d: %w: %w", h.lane, ErrLeaseLost, err)
			}
			wait = 0
		default:
			if lost := h.valid(); lost != nil {
				return fmt.Errorf("%w: %w", lost, err)
			}
			wait = min(wait, leaseRetry)
		}
	}
}

// release gives the lane up, so that the next owner need not wait. It may fail: then the next one waits.
func (h *holding) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseMax)
	defer cancel()
	l := h.lease
	l.UntilMS = 0
	_, _ = h.leases.Store(ctx, h.lane, l)
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
