// Package shipping has the commands that bring spools of the Python library to a server: sync once, agent for ever.
package shipping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/clients/go/dial"
	"github.com/streamgauge/streamgauge/clients/go/spool"
	"github.com/streamgauge/streamgauge/clients/go/spool/lock"
)

// ErrLeft: not everything was sent, and what is left is printed already.
var ErrLeft = errors.New("something is left")

const (
	syncWait = time.Minute
	// progressEvery is how often a long sync says how far it is.
	progressEvery = 5 * time.Second
)

// Sync is the command `sync`.
func Sync() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "sync [DIR]",
		Short: "Send what trainings have logged offline, or left when they were killed",
		Long: `Send what trainings have logged offline, or left when they were killed.

DIR is a spool, or a folder with spools (default: STREAMGAUGE_DIR, else that of the Python library). What
the server has is deleted; sync may be stopped at any time and repeated, and nothing is counted twice.
The status is 0 when everything was sent, and 1 when something is left.`,
		Example: `  streamgauge sync
  streamgauge sync ./offline --url http://tracker:5000
  streamgauge sync ./offline --nats tracker:4222`,
		Args: cobra.MaximumNArgs(1),
	}
	to := addTarget(cmd, os.Getenv)
	cmd.Flags().DurationVar(&wait, "wait", syncWait, "how long to try when the server takes nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root, err := spoolHome(os.Getenv)
		if len(args) > 0 {
			root, err = args[0], nil
		}
		if err != nil {
			return err
		}
		if _, err := os.Stat(root); len(args) > 0 && err != nil {
			return fmt.Errorf("the folder of the spools: %w", err)
		}
		s := &syncing{root: root, wait: wait, out: cmd.OutOrStdout(), errOut: cmd.ErrOrStderr()}
		if s.to, err = to.dial(s.news); err != nil {
			return err
		}
		defer s.to.Close()
		ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer cancel()
		return s.all(ctx)
	}
	return cmd
}

// syncing is one call of the command.
type syncing struct {
	to   *dial.Server
	root string
	wait time.Duration
	out  io.Writer

	// mu guards the fields below: news come from several goroutines.
	mu     sync.Mutex
	errOut io.Writer
}

func (s *syncing) news(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.errOut, text)
}

// all ships every spool of the root, the oldest first.
func (s *syncing) all(ctx context.Context) error {
	folders, err := spool.List(s.root)
	if err != nil {
		s.news(err.Error())
	}
	if len(folders) == 0 && err == nil {
		fmt.Fprintln(s.out, "nothing to send in "+s.root)
		return nil
	}
	var sum spool.Counts
	runs, left := make(map[string]bool), 0
	for _, f := range folders {
		counts, why := s.one(ctx, f)
		sum.Add(counts)
		if counts.Frames > 0 {
			runs[f.About.Run] = true
		}
		if why != nil {
			left++
			s.news(f.Name() + ": " + why.Error())
		} else {
			fmt.Fprintf(s.out, "%s: %s\n", f.Name(), describe(counts))
		}
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Fprintf(s.out, "%d of %d spools sent to %s: %s, %s\n", len(folders)-left, len(folders), s.to.Address, count(len(runs), "run"), describe(sum))
	if left > 0 || err != nil {
		return ErrLeft
	}
	return nil
}

// one ships a spool, and gives up when the server has taken nothing of it for long.
func (s *syncing) one(parent context.Context, f spool.Folder) (spool.Counts, error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	trouble := errors.New("no answer")
	patience := time.AfterFunc(s.wait, func() { cancel(errPatience) })
	defer patience.Stop()
	var mu sync.Mutex // trouble and progress come from several goroutines
	said := time.Now()
	counts, err := spool.Drain(ctx, f, s.to.Way(), spool.Told{
		News: s.news,
		Trouble: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			trouble = err
		},
		Progress: func(c spool.Counts) {
			patience.Reset(s.wait)
			mu.Lock()
			defer mu.Unlock()
			if time.Since(said) > progressEvery {
				said = time.Now()
				s.news(f.Name() + ": " + describe(c) + " so far")
			}
		},
	})
	mu.Lock()
	defer mu.Unlock()
	switch {
	case errors.Is(err, lock.ErrBusy):
		return counts, errors.New("its process is alive, or somebody else is sending it")
	case errors.Is(context.Cause(ctx), errPatience):
		return counts, fmt.Errorf("%s takes nothing for %v: %w", s.to.Address, s.wait, trouble)
	}
	return counts, err
}

var errPatience = errors.New("the server takes nothing")

func describe(c spool.Counts) string {
	return fmt.Sprintf("%s, %s, %s, %d refused", count(c.Frames, "frame"), count(c.Points, "point"), count(c.Files, "file"), c.Rejected)
}

// count is a number of things.
func count[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	digits := strconv.FormatUint(uint64(n), 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits + " " + thing + "s"
}
