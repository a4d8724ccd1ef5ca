package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The engine of a parent that was killed needs up to five seconds to notice and go.
const (
	previousTimeout = 8 * time.Second
	previousPeriod  = 20 * time.Millisecond
)

// AwaitPrevious waits until no engine runs on the data folder any more; one whose parent was killed goes by
// itself within seconds.
func AwaitPrevious(dir string) error {
	lock, err := lockFolder(Options{Dir: dir})
	if err != nil {
		return err
	}
	return lock.Close()
}

// stillThere names the engine that does not go: one that was stopped does not notice that its parent died.
func stillThere(o Options, lock io.Reader) error {
	b, err := io.ReadAll(lock)
	pid := strings.TrimSpace(string(b))
	if err != nil || pid == "" {
		return fmt.Errorf("another engine still runs on %s; end that process", o.Folder())
	}
	return fmt.Errorf("another engine still runs on %s; end it with `kill -9 %s`, its data is safe", o.Folder(), pid)
}

// sign writes who holds the lock.
func sign(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return fmt.Errorf("sign the engine's lock: %w", err)
	}
	if _, err := fmt.Fprintln(lock, os.Getpid()); err != nil {
		return fmt.Errorf("sign the engine's lock: %w", err)
	}
	return nil
}

// lockFolder takes the folder for one engine alone. The lock ends with the process or when it is closed.
func lockFolder(o Options) (*os.File, error) {
	if err := os.MkdirAll(o.Folder(), 0o700); err != nil {
		return nil, fmt.Errorf("make the engine's folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(o.Folder(), "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the engine's lock: %w", err)
	}
	for end := time.Now().Add(previousTimeout); ; time.Sleep(previousPeriod) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", o.Folder(), err)
		}
		if time.Now().After(end) {
			defer f.Close()
			return nil, stillThere(o, f)
		}
	}
}
