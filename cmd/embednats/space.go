package embednats

import (
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// ReserveBytes of the data folder's file system are left alone: enough for what is in flight when writers
	// are refused, and for ClickHouse to finish its merges.
	ReserveBytes = 256 << 20
	// spaceAge is how old the answer of the file system may be; at 1 GB/s the disk fills by as much as the
	// reserve in that time.
	spaceAge = 250 * time.Millisecond
	// retryAfterSeconds: a full disk needs a person.
	retryAfterSeconds = 5
)

// Space watches the free bytes of one file system. It is safe for concurrent use.
type Space struct {
	dir string

	mu    sync.Mutex
	asked time.Time
	err   error
}

// NewSpace watches the file system that holds dir.
func NewSpace(dir string) *Space { return &Space{dir: dir} }

// Check is an error while less than the reserve is free: for clients a 503 that names the remedy.
func (s *Space) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.asked) < spaceAge {
		return s.err
	}
	free, err := FreeBytes(s.dir)
	if err == nil && free < ReserveBytes {
		err = track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "the disk of %s is full: %d MiB are free and %d MiB are kept in reserve; free some space, nothing needs a restart", s.dir, free>>20, ReserveBytes>>20)
	}
	s.asked, s.err = time.Now(), err
	return err
}

// FreeBytes is what an ordinary user may still write to the file system of dir.
func FreeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
