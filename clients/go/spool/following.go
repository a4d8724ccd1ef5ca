package spool

import (
	"context"

	"github.com/streamgauge/streamgauge/clients/go/spool/files"
)

// following sends files beside the frames, so that a large one does not hold up the points.
type following struct {
	awake chan struct{}
	ended chan struct{}
	stop  func()
	sent  int
}

// startFiles sends what waits each time it is woken, until it is stopped.
func startFiles(ctx context.Context, f Folder, way Way, told Told) *following {
	ctx, cancel := context.WithCancel(ctx)
	s := &following{awake: make(chan struct{}, 1), ended: make(chan struct{})}
	s.stop = func() { cancel(); <-s.ended }
	go func() {
		defer close(s.ended)
		for way.Files != nil {
			select {
			case <-s.awake:
			case <-ctx.Done():
				return
			}
			waiting, _ := files.Waiting(f.Path) // the pattern is well
			for _, about := range waiting {
				if err := way.Files.Deliver(ctx, f.About.Run, about, told.Trouble); err != nil {
					break // asked again at the next waking, and at the folder's end
				}
				s.sent++
			}
		}
	}()
	return s
}

func (s *following) wake() {
	select {
	case s.awake <- struct{}{}:
	default:
	}
}
