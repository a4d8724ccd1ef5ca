// Package heap bounds what the garbage collector lets a server's memory grow to.
package heap

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// soft is what this process takes of memory while it can: with the engine beside it, less than 1.5 GB in all.
	soft = 768 << 20
	// slack is what the heap may grow by beyond what lives, in parts of 100, where that is more than soft: with
	// less the garbage collector would run all the time.
	slack = 30
	// period is how often the limit follows what lives.
	period = time.Second
)

// limit is the limit for a heap of which live bytes were alive after the last collection.
func limit(live uint64) int64 {
	return max(soft, int64(live+live*slack/100))
}

// Bound keeps garbage from doubling the heap of a server under load, until the context ends. Whoever sets GOMEMLIMIT
// knows better.
func Bound(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		metrics.Read(live)
		debug.SetMemoryLimit(limit(live[0].Value.Uint64()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
