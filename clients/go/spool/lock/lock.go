// Package lock has locks of files that end with their process.
package lock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrBusy: somebody else has the lock.
var ErrBusy = errors.New("somebody else has the lock")

// Lock is held until it is released, or the process ends.
type Lock struct{ file *os.File }

// Take takes the lock of a file, which is made if it is not there; ErrBusy if somebody has it.
func Take(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return &Lock{f}, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrBusy
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// Release gives the lock up.
func (l *Lock) Release() { l.file.Close() }
