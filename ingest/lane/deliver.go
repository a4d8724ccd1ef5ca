package lane

import (
	"context"
	"errors"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// parcel is an encoded frame and the lane that it goes to.
type parcel struct {
	lane  uint16
	frame []byte
}

// deliver appends a frame until its fate is known or has been unknown for too long. Without an error the reason is
// empty.
func deliver(ctx context.Context, a Appender, o *Options, p parcel) (refused string, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.GiveUpAfter)
	defer cancel()
	for pause, sure := o.PauseMin, true; ; pause = min(2*pause, pauseMax) {
		seq, err := attempt(ctx, a, o, p)
		if err == nil {
			o.Acks.AckLane(p.lane, seq)
			return "", nil
		}
		var refusal *Refused
		if errors.As(err, &refusal) && sure {
			return refusedLane, refusal.Reason
		}
		// Once an attempt's fate is unknown, a later refusal says nothing about it.
		sure = false
		select {
		case <-time.After(pause):
			o.Meter.repeated.Inc()
		case <-ctx.Done():
			return refusedFate, track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "the message bus did not acknowledge in time: %v", err)
		}
	}
}

func attempt(ctx context.Context, a Appender, o *Options, p parcel) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, o.AttemptTimeout)
	defer cancel()
	return a.Append(ctx, p.lane, p.frame)
}

// Pass makes a frame of another writer durable on a lane, as it is, and returns once it is. After an error it may be
// stored or not; its writer sends it again under the same name.
func (l *Lanes) Pass(ctx context.Context, laneNumber uint16, frame []byte) error {
	l.mu.RLock()
	closed := l.closed
	l.mu.RUnlock()
	if closed {
		return errClosed()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	began := time.Now()
	refused, err := deliver(ctx, l.appender, &l.options, parcel{laneNumber, frame})
	if err != nil {
		l.options.Meter.refused.WithLabelValues(refused).Inc()
		return err
	}
	l.options.Meter.ack.Observe(time.Since(began).Seconds())
	l.options.Meter.frameBytes.Observe(float64(len(frame)))
	return nil
}

// RefuseRate counts a request that came too fast.
func (m *Meter) RefuseRate() { m.refused.WithLabelValues(refusedRate).Inc() }

// Count adds acknowledged points of a passed frame to the meter.
func (m *Meter) Count(points int) { m.points.Add(float64(points)) }
