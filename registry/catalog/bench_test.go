package catalog_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/registry/busserver"
	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/nats"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// BenchmarkCreateVersions makes versions of one model from 8 goroutines, everything synced to disk.
func BenchmarkCreateVersions(b *testing.B) {
	m, appends := onBus(b)
	if _, err := m.Do(context.Background(), decide.By(catalog.CreateModel{Name: "wine"})); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	const clients = 8
	for client := range clients {
		wg.Go(func() {
			for i := client; i < b.N; i += clients {
				if _, err := createVersion(m, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "versions/s")
	b.ReportMetric(float64(b.N)/float64(appends.Load()), "versions/batch")
}

// counted counts the batches.
type counted struct {
	journal.Journal
	appends atomic.Int64
}

func (c *counted) Append(ctx context.Context, ws []journal.Write) ([]uint64, error) {
	c.appends.Add(1)
	return c.Journal.Append(ctx, ws)
}

func onBus(t testing.TB) (*commit.Committer, *atomic.Int64) {
	t.Helper()
	j, err := nats.Open(context.Background(), busserver.Start(t, t.TempDir()).JS, nats.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{Journal: j}
	m := commit.New(c, commit.NewCache(10_000, 64<<20), commit.Options{Now: time.Now, NewID: track.NewRunID, Lanes: 1, ArtifactRoot: "mlflow-artifacts:/"})
	t.Cleanup(m.Close)
	return m, &c.appends
}

func createVersion(m *commit.Committer, i int) (*sgpb.ModelVersion, error) {
	doc, err := m.Do(context.Background(), decide.By(catalog.CreateVersion{Name: "wine", Source: fmt.Sprintf("s3://bucket/%d", i)}))
	return doc.GetModelVersion(), err
}

// Versions made at once, from two processes, on the real bus.
func TestVersionsMadeAtOnceHaveNoHoles(t *testing.T) {
	const clients, each = 8, 25
	server := busserver.Start(t, t.TempDir())
	var members [2]*commit.Committer
	for i := range members {
		j, err := nats.Open(t.Context(), server.JS, nats.Options{})
		if err != nil {
			t.Fatal(err)
		}
		members[i] = commit.New(j, commit.NewCache(10_000, 64<<20), commit.Options{Now: time.Now, NewID: track.NewRunID, Lanes: 1})
		defer members[i].Close()
	}
	if _, err := members[0].Do(t.Context(), decide.By(catalog.CreateModel{Name: "wine"})); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := make(map[uint64]bool)
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for i := range each {
				v, err := createVersion(members[client%2], i)
				for track.CodeOf(err) == track.Aborted && err != nil { // the other process was faster too often
					v, err = createVersion(members[client%2], i)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[v.GetVersion()] {
					t.Errorf("version %d was given twice", v.GetVersion())
				}
				seen[v.GetVersion()] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for n := uint64(1); n <= clients*each; n++ {
		if !seen[n] {
			t.Errorf("version %d is missing", n)
		}
	}
}
