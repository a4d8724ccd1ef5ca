// Package hold says how far lanes may be purged so that who reads them beside their owners misses nothing, as long as it is alive.
package hold

import (
	"math"
	"sync/atomic"
	"time"
)

// Lanes are held where a reader has saved that it has come. They may be asked by many.
type Lanes struct {
	lanes []lane
	age   time.Duration
}

// lane is where the reader's snapshot stands; atMS is when it was saved.
type lane struct {
	seq  atomic.Uint64
	atMS atomic.Int64
}

// New holds everything of n lanes until Set, or for an age.
func New(n int, age time.Duration) *Lanes {
	h := &Lanes{lanes: make([]lane, n), age: age}
	h.Set(func(int) uint64 { return 0 })
	return h
}

// Set says how far each lane has been read.
func (h *Lanes) Set(seq func(lane int) uint64) {
	for i := range h.lanes {
		h.lanes[i].seq.Store(seq(i))
		h.lanes[i].atMS.Store(time.Now().UnixMilli())
	}
}

// Free holds nothing: nobody reads.
func (h *Lanes) Free() { h.Set(func(int) uint64 { return math.MaxUint64 }) }

// At is the last frame of a lane that may be purged.
func (h *Lanes) At(n int) uint64 {
	l := &h.lanes[n]
	if time.Now().UnixMilli()-l.atMS.Load() > h.age.Milliseconds() {
		return math.MaxUint64
	}
	return l.seq.Load()
}
