package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

const (
	// readyTimeout: a library of 566 MB that is not in memory yet takes some seconds from a slow disk.
	readyTimeout = 60 * time.Second
	readyPeriod  = 20 * time.Millisecond
	// A dead engine is started again at once, then with growing pauses; one that served this long starts over.
	pauseFirst = 100 * time.Millisecond
	pauseMax   = 5 * time.Second
	servedLong = 30 * time.Second
	// stopWait is longer than the child itself takes to give up on an orderly end.
	stopWait    = stopTimeout + 500*time.Millisecond
	statusAge   = time.Second
	pingTimeout = 2 * time.Second
)

// Supervisor keeps an engine running. Its methods are safe for concurrent use.
type Supervisor struct {
	o     Options
	c     Credentials
	log   *slog.Logger
	probe prober
	quit  chan struct{}
	done  chan struct{}

	mu       sync.Mutex
	process  *os.Process
	stdin    io.Closer
	ready    bool
	restarts int
	err      error
}

// Start starts an engine and waits until it serves. An engine of another version than the one that wrote
// the data is refused.
func Start(ctx context.Context, o Options, log *slog.Logger) (*Supervisor, error) {
	c, err := LoadCredentials(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := checkWritten(o); err != nil {
		return nil, err
	}
	s := &Supervisor{o: o, c: c, log: log, probe: prober{o: o, c: c}, quit: make(chan struct{}), done: make(chan struct{})}
	first := make(chan error, 1)
	go s.run(first)
	select {
	case err = <-first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Credentials are those of the engine's users.
func (s *Supervisor) Credentials() Credentials { return s.c }

// PID is the engine's process, 0 while there is none.
func (s *Supervisor) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Pid
}

// Restarts counts how often the engine had to be started again.
func (s *Supervisor) Restarts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restarts
}

// Status is nil while the engine answers.
func (s *Supervisor) Status() error {
	s.mu.Lock()
	ready, err := s.ready, s.err
	s.mu.Unlock()
	if !ready {
		if err != nil {
			return fmt.Errorf("the ClickHouse engine is being started again: %w", err)
		}
		return errors.New("the ClickHouse engine is starting")
	}
	return s.probe.status()
}

// Stop ends the engine in order and waits for it.
func (s *Supervisor) Stop() {
	s.mu.Lock()
	select {
	case <-s.quit:
	default:
		close(s.quit)
	}
	if s.stdin != nil {
		_ = s.stdin.Close() // its end is the engine's sign to go; closed twice is closed
	}
	process := s.process
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-time.After(stopWait):
		if process != nil {
			_ = process.Kill() // it is stopped or stuck; what is acknowledged is in its files
		}
		<-s.done
	}
}

// run starts the engine as often as it ends, until Stop. The outcome of the first start goes to first.
func (s *Supervisor) run(first chan<- error) {
	defer close(s.done)
	pause := pauseFirst
	for {
		began := time.Now()
		err := s.once(first)
		first = nil
		if s.stopping() {
			return
		}
		if time.Since(began) > servedLong {
			pause = pauseFirst
		}
		s.log.Warn("the ClickHouse engine ended and is started again", "error", err, "pause", pause)
		s.mu.Lock()
		s.restarts++
		s.err = err
		s.mu.Unlock()
		select {
		case <-s.quit:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, pauseMax)
	}
}

func (s *Supervisor) stopping() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// once runs one engine process from start to end.
func (s *Supervisor) once(first chan<- error) error {
	cmd, tail, err := s.launch()
	if err != nil {
		if first != nil {
			first <- err
		}
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = s.awaitReady(ended, first != nil)
	if err == nil {
		s.setReady(true)
	}
	if first != nil {
		first <- withTail(err, tail)
	}
	if err == nil {
		err = <-ended
		s.setReady(false)
		if err == nil {
			err = errors.New("it ended without a word")
		}
	} else if !errors.Is(err, errEnded) {
		// The wrong version, or a first start that takes for ever: the caller is told and gives up.
		s.mu.Lock()
		_ = s.stdin.Close() // the engine's sign to go
		s.mu.Unlock()
		<-ended
	}
	s.mu.Lock()
	s.process, s.stdin = nil, nil
	s.mu.Unlock()
	return withTail(err, tail)
}

func (s *Supervisor) setReady(ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = ready
	if ready {
		s.err = nil
	}
}

var errEnded = errors.New("the ClickHouse engine ended at its start")

// awaitReady waits until the engine answers as app and has the right version. Only the first start gives up:
// later there is nobody to tell, and an engine that is slow to start must not be stopped for that.
func (s *Supervisor) awaitReady(ended chan error, first bool) error {
	tick := time.NewTicker(readyPeriod)
	defer tick.Stop()
	timeout := time.NewTimer(readyTimeout)
	defer timeout.Stop()
	for {
		if version, err := s.probe.ask(context.Background(), "SELECT version()"); err == nil {
			return recordVersion(s.o, version)
		}
		select {
		case err := <-ended:
			ended <- err
			return errEnded
		case <-timeout.C:
			if !first {
				s.log.Warn("the ClickHouse engine takes long to start", "pid", s.PID())
				timeout.Reset(readyTimeout)
				continue
			}
			return fmt.Errorf("the ClickHouse engine did not answer on %s within %v", s.o.Listen, readyTimeout)
		case <-tick.C:
		}
	}
}
