package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// heapSoft is what this process takes of memory while it can: with the engine beside it, less than 1.5 GB in all.
	heapSoft = 768 << 20
	// heapSlack is what the heap may grow by beyond what lives, in parts of 100, where that is more than heapSoft: with
	// less the garbage collector would run all the time.
	heapSlack = 30
	// heapPeriod is how often the limit follows what lives.
	heapPeriod = time.Second
)

// memoryLimit is the limit for a heap of which live bytes were alive after the last collection.
func memoryLimit(live uint64) int64 {
	return max(heapSoft, int64(live+live*heapSlack/100))
}

// boundHeap keeps garbage from doubling the heap of a server under load, until the context ends. Whoever sets GOMEMLIMIT
// knows better.
func boundHeap(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(heapPeriod)
	defer tick.Stop()
	for {
		metrics.Read(live)
		debug.SetMemoryLimit(memoryLimit(live[0].Value.Uint64()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
