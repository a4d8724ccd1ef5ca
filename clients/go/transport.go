package streamgauge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Transport brings encoded frames to a server.
type Transport interface {
	// Send makes frames durable, in their order as far as they are of one writer, and answers how many from the first
	// on certainly are, also beside an error. A *Refused is about the frame behind these, and so is every other error;
	// after one that is not a *Refused the frames are to be sent again, some of them perhaps as repeats. The frames
	// are not changed and not kept. One goroutine calls it at a time.
	Send(ctx context.Context, frames [][]byte) (accepted int, err error)
}

// Laned is a Transport that chooses a writer's lane by itself. The choice may change with the number of lanes, and the
// writer must stay: who may go on with it in another process keeps the lane.
type Laned interface {
	Transport
	// Lane is where a frame goes, which its writer is held to from then on; see Send for errors.
	Lane(ctx context.Context, frame []byte) (uint16, error)
	// Stay holds the writer of a frame to a lane that was chosen before.
	Stay(frame []byte, lane uint16)
}

// Refused says that a frame will never be taken as it is.
type Refused struct{ Reason error }

func (r *Refused) Error() string { return "the frame is refused: " + r.Reason.Error() }

// Unwrap gives the reason.
func (r *Refused) Unwrap() error { return r.Reason }

// Later says when to come back.
type Later struct {
	After  time.Duration
	Reason error
}

func (l *Later) Error() string { return fmt.Sprintf("come back in %v: %v", l.After, l.Reason) }

// Unwrap gives the reason.
func (l *Later) Unwrap() error { return l.Reason }

const (
	// pauseMin and pauseMax bound the pauses between attempts; what the server says is waited for up to laterMax.
	pauseMin = 50 * time.Millisecond
	pauseMax = 10 * time.Second
	laterMax = time.Minute
)

// Delivery says what becomes of frames that are not simply taken. The zero value tells nobody.
type Delivery struct {
	// Refused is told of each frame that will never be taken; nil drops it.
	Refused func(frame []byte, reason error)
	// Trouble is told of each failed attempt.
	Trouble func(err error)
	// Accepted is told how many more frames need not be kept any longer.
	Accepted func(frames int)
	// PauseMin is for tests.
	PauseMin time.Duration
}

// Deliver sends frames until each is durable or refused for good. It ends early only with the context.
func Deliver(ctx context.Context, to Transport, frames [][]byte, d Delivery) error {
	first := d.PauseMin
	if first == 0 {
		first = pauseMin
	}
	for pause := first; len(frames) > 0; {
		accepted, err := to.Send(ctx, frames)
		frames = frames[accepted:]
		d.accepted(accepted)
		if accepted > 0 {
			pause = first
		}
		var refused *Refused
		switch {
		case err == nil && accepted == 0:
			err = errors.New("the transport accepted nothing and said nothing")
		case err == nil || len(frames) == 0:
			continue
		case errors.As(err, &refused):
			if d.Refused != nil {
				d.Refused(frames[0], refused.Reason)
			}
			frames = frames[1:]
			d.accepted(1)
			continue
		}
		if d.Trouble != nil {
			d.Trouble(err)
		}
		if err := sleep(ctx, pauseFor(err, pause)); err != nil {
			return err
		}
		pause = min(2*pause, pauseMax)
	}
	return nil
}

func (d *Delivery) accepted(n int) {
	if n > 0 && d.Accepted != nil {
		d.Accepted(n)
	}
}

// pauseFor is what the server asks for, else about the pause: those who were refused together do not come back together.
func pauseFor(err error, pause time.Duration) time.Duration {
	var later *Later
	if errors.As(err, &later) && later.After > 0 {
		pause = min(later.After, laterMax)
	}
	return pause + rand.N(pause/4+1)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
