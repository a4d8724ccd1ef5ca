package agent

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/clients/go/spool"
	"github.com/streamgauge/streamgauge/clients/go/spool/lock"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
)

// ship ships one spool, to its end or to the agent's.
func (a *Agent) ship(ctx context.Context, e *entry, dead bool, ending <-chan struct{}) {
	told, settled := a.told(e.folder)
	var counts spool.Counts
	var err error
	if dead {
		counts, err = a.drain(ctx, e.folder, told)
	} else {
		counts, err = spool.Follow(ctx, e.folder, a.to.Way(), told, ending)
		if errors.Is(err, spool.ErrGone) {
			var rest spool.Counts
			rest, err = a.drain(ctx, e.folder, told)
			counts.Add(rest)
		}
	}
	settled(err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sum.Add(counts)
	e.busy = false
	e.next = time.Now().Add(againAfter)
	if dead {
		a.drained--
	} else {
		a.followed--
	}
	switch {
	case err == nil || errors.Is(err, lock.ErrBusy) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errPatience) || ctx.Err() != nil:
	case errors.Is(err, segment.ErrUnreadable), errors.Is(err, spool.ErrFilesStay):
		e.over = true
		a.log.Warn("a spool stays", "spool", e.folder.Path, "error", err)
	default:
		a.log.Warn("ship a spool", "spool", e.folder.Path, "error", err)
	}
}

var errPatience = errors.New("the server takes nothing of it; others are tried meanwhile")

// drain ships a dead spool as long as the server takes something of it.
func (a *Agent) drain(ctx context.Context, f spool.Folder, told spool.Told) (spool.Counts, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(drainPatience, func() { cancel(errPatience) })
	defer patience.Stop()
	say := told.Progress
	told.Progress = func(c spool.Counts) {
		patience.Reset(drainPatience)
		say(c)
	}
	return spool.Drain(ctx, f, a.to.Way(), told)
}

// told logs when trouble with a spool begins and ends, and leaves word of it in the spool.
func (a *Agent) told(f spool.Folder) (spool.Told, func(error)) {
	var mu sync.Mutex
	trouble := false
	say := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil && !trouble:
			a.log.Warn("a spool is held up", "spool", f.Name(), "error", err)
			_ = f.Tell(err.Error()) // the log has it
		case err == nil && trouble:
			a.log.Info("a spool goes on", "spool", f.Name())
			_ = f.Tell("") // its process shows an old trouble at worst
		}
		trouble = err != nil
	}
	_ = f.Tell("") // of an agent before
	return spool.Told{
			News:     func(text string) { a.log.Warn(text, "spool", f.Name()) },
			Trouble:  say,
			Progress: func(spool.Counts) { say(nil) },
		}, func(err error) {
			if err != nil && !errors.Is(err, lock.ErrBusy) && !errors.Is(err, context.Canceled) && !errors.Is(err, errPatience) {
				say(err)
			}
		}
}
