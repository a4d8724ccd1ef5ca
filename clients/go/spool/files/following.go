package files

import "context"

// Following sends files beside a living run's frames, so that a large one does not hold up the points.
type Following struct {
	awake chan struct{}
	ended chan struct{}
	stop  context.CancelFunc
	sent  int
}

// Follow sends what waits in a run's spool each time it is woken, until it is stopped; see Deliver. A nil uploader sends
// nothing.
func (u *Uploader) Follow(ctx context.Context, spool, run string, trouble func(error)) *Following {
	ctx, cancel := context.WithCancel(ctx)
	s := &Following{awake: make(chan struct{}, 1), ended: make(chan struct{}), stop: cancel}
	go func() {
		defer close(s.ended)
		for u != nil {
			select {
			case <-s.awake:
			case <-ctx.Done():
				return
			}
			waiting, _ := Waiting(spool) // the pattern is well
			for _, about := range waiting {
				if err := u.Deliver(ctx, run, about, trouble, nil); err != nil {
					break // asked again at the next waking, and at the folder's end
				}
				s.sent++
			}
		}
	}()
	return s
}

// Wake has waiting files sent.
func (s *Following) Wake() {
	select {
	case s.awake <- struct{}{}:
	default:
	}
}

// Stop ends it, and gives how many files were sent. It may be called again.
func (s *Following) Stop() int {
	s.stop()
	<-s.ended
	return s.sent
}
