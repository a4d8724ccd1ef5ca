package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	readerCount            = 8
	readRounds, readsShare = 2, 0.05
	// betweenReadKills leaves time for readers, who have nothing to read while a server starts.
	betweenReadKills = 3 * time.Second
)

// TestFault11ReadYourWrites reads with many readers what a few jobs write, each at least what was acknowledged before
// its question, while the engine, the server or both are killed.
func TestFault11ReadYourWrites(t *testing.T) {
	s := startServer(t, t.TempDir())
	ps := startPosters(s, posterCount, talk)
	var reads, missed, none atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for i := range readerCount {
		readers.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				w := ps.all[n/3%len(ps.all)]
				want := w.acknowledged.Load()
				got, err := s.lastStep(w.run, want, n%3)
				switch {
				case err != nil:
					none.Add(1)
					time.Sleep(jobPause)
				case got < want-1:
					missed.Add(1)
					t.Errorf("run %s: an answer ends at step %d, %d were acknowledged before the question", w.run, got, want)
				}
				reads.Add(1)
			}
		})
	}
	for n := range faulttest.Rounds(t, readRounds*len(killings), readsShare) {
		time.Sleep(betweenReadKills)
		killings[n%len(killings)].kill(s)
	}
	s.waitHealthy(startTimeout)
	time.Sleep(betweenReadKills)
	ps.halt()
	stop()
	readers.Wait()
	t.Logf("%d reads, of which %d had no answer and %d missed an acknowledged write", reads.Load(), none.Load(), missed.Load())
	if reads.Load() <= none.Load() {
		t.Error("no read was answered")
	}
	all := ps.count()
	s.verifyTables(nil)
	all.Check(t)
}

// lastStep asks in one of three ways how far k0 of a run is, which has so many steps at least.
func (s *server) lastStep(run string, steps int64, way int) (int64, error) {
	path := []string{
		"/api/2.0/mlflow/runs/get?run_id=" + run,
		"/v1/series?key=k0&buckets=10&run_id=" + run,
		fmt.Sprintf("/v1/series?key=k0&buckets=raw&from=%d&run_id=%s", max(0, steps-1), run),
	}[way]
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	status, b, err := get(ctx, s.url, path)
	if err != nil {
		return 0, err
	}
	if status != http.StatusOK {
		return 0, fmt.Errorf("%s: %d %s", path, status, b)
	}
	var answer struct {
		Run struct {
			Data struct {
				Metrics []struct {
					Key  string
					Step int64
				}
			}
		}
		Series []struct {
			Step []int64
			Last []int64 `json:"step_last"`
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	last := int64(-1)
	for _, m := range answer.Run.Data.Metrics {
		if m.Key == "k0" {
			last = max(last, m.Step)
		}
	}
	for _, l := range answer.Series {
		for _, step := range append(l.Step, l.Last...) {
			last = max(last, step)
		}
	}
	return last, nil
}
