// Package mem is a journal in memory, for tests.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/streamgauge/streamgauge/registry/journal"
)

type cell struct {
	value    []byte
	revision uint64
}

// Journal keeps everything in a map. The zero value is ready.
type Journal struct {
	mu    sync.Mutex
	last  uint64
	cells map[string]cell
}

// Load reads a key.
func (j *Journal) Load(ctx context.Context, key string) ([]byte, uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, fmt.Errorf("load %s: %w", key, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.cells[key]
	return bytes.Clone(c.value), c.revision, nil
}

// List answers keys by prefix.
func (j *Journal) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for key := range j.cells {
		if strings.HasPrefix(key, prefix) {
			out = append(out, key)
		}
	}
	return out, nil
}

// Append writes all or nothing.
func (j *Journal) Append(ctx context.Context, writes []journal.Write) ([]uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	if len(writes) == 0 || len(writes) > journal.WritesMax {
		return nil, fmt.Errorf("append %d writes: 1 to %d are allowed", len(writes), journal.WritesMax)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	seen := make(map[string]bool, len(writes))
	for _, w := range writes {
		if seen[w.Key] {
			return nil, fmt.Errorf("append: key %s stands twice", w.Key)
		}
		seen[w.Key] = true
		if at := j.cells[w.Key].revision; at != w.Expected && w.Expected != journal.AnyRevision {
			return nil, fmt.Errorf("append %s, expected at %d, is at %d: %w", w.Key, w.Expected, at, journal.ErrConflict)
		}
	}
	if j.cells == nil {
		j.cells = make(map[string]cell)
	}
	revisions := make([]uint64, len(writes))
	for i, w := range writes {
		j.last++
		j.cells[w.Key] = cell{value: bytes.Clone(w.Value), revision: j.last}
		revisions[i] = j.last
	}
	return revisions, nil
}

// Keys lists all keys, in no order.
func (j *Journal) Keys() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	keys := make([]string, 0, len(j.cells))
	for k := range j.cells {
		keys = append(keys, k)
	}
	return keys
}
