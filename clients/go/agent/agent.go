// Package agent ships the spools of all processes of a host, beside them.
//
//	root/  spool of a living process that leaves it to an agent -> Follow --+
//	       spool of a dead process                              -> Drain  --+-> one server
//	       everything else: looked at again
//
// Locks decide, never guesses: a spool is touched by who holds its shipper.lock, and its end is sent by who holds its
// owner.lock as well, which a living process never gives away. So an agent may be killed and started again at any
// time, beside shippers within processes, and beside `streamgauge sync`.
package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/clients/go/dial"
	"github.com/streamgauge/streamgauge/clients/go/spool"
	"github.com/streamgauge/streamgauge/clients/go/spool/lock"
)

const (
	// lookEvery is how soon a new spool is found.
	lookEvery = 200 * time.Millisecond
	// againAfter is when a spool is looked at again that somebody else has, or that cannot be read now.
	againAfter = 2 * time.Second
	// followedMax living spools are shipped at once, each with some MiB of frames in memory at most; further ones wait
	// on their disk.
	followedMax = 128
	// drainedMax dead ones are, and one of them that nothing is taken of for drainPatience lets others have its place.
	drainedMax    = 2
	drainPatience = 30 * time.Second
	// lockTries and lockPause: a process that looks whether an agent is there holds its lock for a moment.
	lockTries, lockPause = 20, 50 * time.Millisecond
	// Any stands for all servers in Options.For.
	Any = "any"
)

// Options adjust an agent. The zero value works.
type Options struct {
	// For is the server that spools must be meant for, as they name it; "" is the one that they are sent to, Any all.
	For string
	// Idle ends the agent when there was nothing to ship for so long, Limit in any case; 0: never.
	Idle, Limit time.Duration
	// Flush is how long the end waits for what is there to be sent.
	Flush time.Duration
}

// Agent ships what lies in a root.
type Agent struct {
	root    string
	to      *dial.Server
	log     *slog.Logger
	options Options

	running sync.WaitGroup
	// mu guards the fields below.
	mu       sync.Mutex
	known    map[string]*entry
	followed int
	drained  int
	sum      spool.Counts
}

// entry is a spool that was seen.
type entry struct {
	folder spool.Folder
	busy   bool
	// over: nothing more can be done for it.
	over bool
	// next is when it is looked at again.
	next time.Time
}

// New makes an agent for a root, which is made if it is not there.
func New(root string, to *dial.Server, log *slog.Logger, o Options) (*Agent, error) {
	if o.For == "" {
		o.For = to.Address
	}
	if o.For != Any {
		o.For = dial.Plain(o.For)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the spools: %w", err)
	}
	return &Agent{root: root, to: to, log: log, options: o, known: make(map[string]*entry)}, nil
}

// LockName is the lock in a root that the agent for a server holds as long as it lives.
func LockName(server string) string {
	sum := sha256.Sum256([]byte(server))
	return "agent-" + hex.EncodeToString(sum[:6]) + ".lock"
}

// ErrRunning: another agent does the same already.
var ErrRunning = errors.New("another agent ships these spools already")

// Run ships until the context ends, which leaves what is under way to the next agent; or until stop is closed or a limit
// is reached, which sends what is there before.
func (a *Agent) Run(ctx context.Context, stop <-chan struct{}) error {
	held, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer held.Release()
	a.log.Info("agent ships", "spools", a.root, "server", a.to.Address, "for", a.options.For)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ending := make(chan struct{})
	began, lately := time.Now(), time.Now()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for more := true; more; {
		if a.look(ctx, ending) {
			lately = time.Now()
		}
		switch {
		case a.options.Limit > 0 && time.Since(began) > a.options.Limit, a.options.Idle > 0 && time.Since(lately) > a.options.Idle:
			more = false
			continue
		}
		select {
		case <-tick.C:
		case <-stop:
			more = false
		case <-ctx.Done():
			more = false
		}
	}
	close(ending)
	a.await(cancel)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.Info("agent ends", "frames", a.sum.Frames, "points", a.sum.Points, "files", a.sum.Files, "refused", a.sum.Rejected)
	return nil
}

// await lets what is under way come to its end, for so long.
func (a *Agent) await(cancel context.CancelFunc) {
	t := time.AfterFunc(a.options.Flush, cancel)
	defer t.Stop()
	a.running.Wait()
}

func (a *Agent) lock(ctx context.Context) (*lock.Lock, error) {
	path := filepath.Join(a.root, LockName(a.options.For))
	for try := 1; ; try++ {
		held, err := lock.Take(path)
		if !errors.Is(err, lock.ErrBusy) {
			return held, err
		}
		if try == lockTries {
			return nil, fmt.Errorf("%w: %s", ErrRunning, path)
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// look starts what can be done for the spools of the root; whether anything is to be done.
func (a *Agent) look(ctx context.Context, ending <-chan struct{}) bool {
	entries, err := os.ReadDir(a.root)
	if err != nil {
		a.log.Warn("look at the spools", "error", err)
		return false
	}
	there := make(map[string]bool, len(entries))
	for _, e := range entries {
		if e.IsDir() {
			there[e.Name()] = true
			a.meet(e.Name())
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, e := range a.known {
		if !there[name] && !e.busy {
			delete(a.known, name)
			continue
		}
		a.begin(ctx, e, ending)
	}
	return a.followed+a.drained > 0
}

// meet remembers a spool that is new.
func (a *Agent) meet(name string) {
	a.mu.Lock()
	known := a.known[name]
	a.mu.Unlock()
	if known != nil {
		return
	}
	f, err := spool.Open(filepath.Join(a.root, name))
	if errors.Is(err, fs.ErrNotExist) {
		return // not a spool, or not yet
	}
	e := &entry{folder: f}
	if err != nil {
		a.log.Warn("a spool cannot be read, and is left alone", "error", err)
		e.over = true
	}
	if f.About.Mode != spool.ModeOnline || a.options.For != Any && dial.Plain(f.About.URL) != a.options.For {
		e.over = true // somebody else's, or for `sync`
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[name] = e
}

// begin starts to ship a spool if it is the agent's to ship. The lock is held.
func (a *Agent) begin(ctx context.Context, e *entry, ending <-chan struct{}) {
	if e.busy || e.over || time.Now().Before(e.next) || a.followed+a.drained > followedMax {
		return
	}
	owner, err := e.folder.Owner()
	dead := err == nil
	if dead {
		owner.Release()
	}
	switch {
	case dead && a.drained < drainedMax:
		a.drained++
	case !dead && errors.Is(err, lock.ErrBusy) && e.folder.About.Shipper == spool.ShipperAgent && a.followed < followedMax:
		a.followed++
	default:
		if !dead {
			e.next = time.Now().Add(againAfter)
		}
		return
	}
	e.busy = true
	a.running.Go(func() { a.ship(ctx, e, dead, ending) })
}
