package registry_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/busserver"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// counted counts the batches.
type counted struct {
	registry.Journal
	appends atomic.Int64
}

func (c *counted) Append(ctx context.Context, ws []journal.Write) ([]uint64, error) {
	c.appends.Add(1)
	return c.Journal.Append(ctx, ws)
}

// BenchmarkCreateRuns creates runs and logs 10 params to each from 16 goroutines, everything synced to disk.
// A run is two commands.
func BenchmarkCreateRuns(b *testing.B) {
	j := &counted{Journal: onBus(b, busserver.Start(b, b.TempDir()))}
	r := open(b, j, registry.Options{})
	params := make([]*track.KeyValue, 10)
	for i := range params {
		params[i] = &track.KeyValue{Key: fmt.Sprintf("param_%d", i), Value: "0.001"}
	}
	var wg sync.WaitGroup
	const clients = 16
	b.ResetTimer()
	for client := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := client; i < b.N; i += clients {
				run, err := r.Do(ctx, track.CreateRun{StartMS: 1, User: "ada"})
				if err == nil {
					_, err = r.Do(ctx, track.LogBatch{RunID: run.GetId(), Params: params, Batch: true})
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "commands/s")
	b.ReportMetric(2*float64(b.N)/float64(j.appends.Load()), "commands/batch")
}

func BenchmarkLookup(b *testing.B) {
	r := open(b, new(mem.Journal), registry.Options{})
	id := do(b, r, track.CreateRun{}).GetId()
	b.ReportAllocs()
	for range b.N {
		if _, err := r.Lookup(ctx, id); err != nil {
			b.Fatal(err)
		}
	}
}
