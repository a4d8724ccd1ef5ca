package spool

import (
	"context"
	"errors"
	"fmt"
	"time"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/clients/go/spool/files"
	"github.com/streamgauge/streamgauge/clients/go/spool/lock"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
)

// ErrFilesStay: all frames of a folder are sent, and files for the run's artifacts are left, which travel over HTTP only.
var ErrFilesStay = errors.New("files for the run's artifacts stay in the folder: they travel over HTTP only; send them with `streamgauge sync --url http://... DIR`")

// Way is where a folder goes.
type Way struct {
	// Open gives a transport for one folder, and what ends it.
	Open func() (streamgauge.Transport, func(), error)
	// Files sends artifacts; nil where there is no HTTP.
	Files *files.Uploader
}

// Drain ships a folder that nobody writes any more, and deletes it when the server has all of it. ErrBusy if its process
// lives or somebody else ships it; ErrFilesStay, ErrUnreadable, or the context's end otherwise.
func Drain(ctx context.Context, f Folder, way Way, told Told) (Counts, error) {
	owner, err := f.Owner()
	if err != nil {
		return Counts{}, err
	}
	defer owner.Release()
	shipper, err := f.Shipper()
	if err != nil {
		return Counts{}, err
	}
	defer shipper.Release()
	return finish(ctx, f, way, told)
}

// finish does what Drain says; the folder's locks are held.
func finish(ctx context.Context, f Folder, way Way, told Told) (Counts, error) {
	waiting, err := files.Waiting(f.Path)
	if err != nil {
		return Counts{}, err
	}
	if !f.segments() && len(waiting) == 0 {
		return Counts{}, f.remove()
	}
	c, done, err := openCourier(f, way, told)
	if err != nil {
		return Counts{}, err
	}
	defer done()
	return c.end(ctx, way, told)
}

// openCourier makes a courier, and says how to end it.
func openCourier(f Folder, way Way, told Told) (*courier, func(), error) {
	to, end, err := way.Open()
	if err != nil {
		return nil, nil, err
	}
	c, err := newCourier(f, to, told)
	if err != nil {
		end()
		return nil, nil, err
	}
	return c, func() { c.close(); end() }, nil
}

// end sends what is left of a folder whose writer is gone, and deletes it.
func (c *courier) end(ctx context.Context, way Way, told Told) (Counts, error) {
	c.committed = nil
	if err := c.drain(ctx, true); err != nil {
		return c.counts, err
	}
	for {
		waiting, err := files.Waiting(c.folder.Path)
		switch {
		case err != nil:
			return c.counts, err
		case len(waiting) == 0:
			return c.counts, c.folder.remove()
		case way.Files == nil:
			return c.counts, errors.Join(c.shed(), fmt.Errorf("%d %w", len(waiting), ErrFilesStay))
		}
		before := c.counts // another goroutine tells
		going := func() { told.progress(before) }
		if err := way.Files.Deliver(ctx, c.folder.About.Run, waiting[0], told.Trouble, going); err != nil {
			return c.counts, err
		}
		c.counts.Files++
		told.progress(c.counts)
	}
}

// How often a living folder is looked at: what was logged waits that long for company.
const (
	busyPause, idlePause = 50 * time.Millisecond, 200 * time.Millisecond
	idleAfter            = 5 * time.Second
)

// ErrGone: the process that wrote a folder is gone. Drain sends what is left, and its end.
var ErrGone = errors.New("the process that wrote it is gone")

// Follow ships a folder while its process writes it; ErrGone when the process is gone, also while the server takes nothing.
// When stop is closed it sends what is there and returns nil. ErrBusy if somebody else ships it.
func Follow(ctx context.Context, f Folder, way Way, told Told, stop <-chan struct{}) (Counts, error) {
	shipper, err := f.Shipper()
	if err != nil {
		return Counts{}, err
	}
	defer shipper.Release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	trouble := told.trouble
	told.Trouble = func(err error) { // the server may take nothing for long, and the process die meanwhile
		if errors.Is(f.alive(), ErrGone) {
			cancel(ErrGone)
		}
		trouble(err)
	}
	c, done, err := openCourier(f, way, told)
	if err != nil {
		return Counts{}, err
	}
	defer done()
	sending := way.Files.Follow(ctx, f.Path, f.About.Run, told.Trouble)
	err = c.follow(ctx, sending.Wake, stop)
	c.counts.Files += sending.Stop()
	return c.counts, err
}

// alive returns nil while the folder's process lives, ErrGone, or an error of the file system.
func (f Folder) alive() error {
	owner, err := f.Owner()
	switch {
	case err == nil:
		owner.Release()
		return ErrGone
	case errors.Is(err, lock.ErrBusy):
		return nil
	}
	return err
}

// follow does what Follow says, and wakes who sends files.
func (c *courier) follow(ctx context.Context, wake func(), stop <-chan struct{}) error {
	var known segment.Committed
	c.committed = func() segment.Committed { return known }
	lately := time.Now()
	for {
		if err := c.folder.alive(); err != nil {
			return err
		}
		if now, ok := c.folder.committed(); ok {
			known = now
		}
		sent, err := c.ship(ctx, false)
		if err != nil {
			return err
		}
		if c.started() {
			wake()
		}
		wait := busyPause
		switch {
		case sent >= sendBytesMax/2:
			continue // there is more
		case sent > 0:
			lately = time.Now()
		case ended(stop):
			return nil
		case time.Since(lately) > idleAfter:
			wait = idlePause
		}
		if err := pause(ctx, wait, stop); err != nil {
			return err
		}
	}
}

func ended(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// pause waits, no longer than until stop is closed.
func pause(ctx context.Context, d time.Duration, stop <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-stop:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
