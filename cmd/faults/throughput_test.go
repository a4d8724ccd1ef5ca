package faults

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	fullJobs  = 4
	fullSteps = 4000 // a frame, of each key
	// fullFrames of each job are a round.
	fullFrames            = 100
	fullRounds, fullShare = 1, 0.03
)

// TestFault17Throughput publishes eight million points a round as fast as they are taken, reads a chart meanwhile, and
// counts every one. What it measures depends on the machine, so only the count and memory can fail it; `make bench` has
// the figures.
func TestFault17Throughput(t *testing.T) {
	s := startServer(t, t.TempDir())
	var all faulttest.Tally
	for range faulttest.Rounds(t, fullRounds, fullShare) {
		all.Add(s.fullRound())
	}
	s.verifyCounts()
	s.checkMemory()
	all.Check(t)
}

// fullRound writes runs of its own, and reads one of them while it grows.
func (s *server) fullRound() (all faulttest.Tally) {
	s.t.Helper()
	stream := s.jetStream()
	var jobs []*job
	var writing, reading sync.WaitGroup
	begin := time.Now()
	for i := range fullJobs {
		id, err := (&writer{url: s.url, out: discard}).createRun()
		if err != nil {
			s.t.Fatal(err)
		}
		j := &job{run: id, writer: uint64(time.Now().UnixNano()) + uint64(i)}
		jobs = append(jobs, j)
		writing.Go(func() { s.publishFull(stream, j) })
	}
	ctx, stop := context.WithCancel(context.Background())
	var charts []time.Duration
	reading.Go(func() { charts = s.readChart(ctx, jobs[0].run) })
	writing.Wait()
	sent := time.Since(begin)
	stop()
	reading.Wait()
	for _, j := range jobs {
		all.Add(s.countRun(j.run, j.frames*fullSteps*keysPerRun)) // the first flushes
	}
	slices.Sort(charts)
	if len(charts) == 0 {
		s.t.Fatal("no chart was read meanwhile")
	}
	s.t.Logf("%d points in %v, %.2f million a second; %d charts meanwhile, half within %v, 95 %% within %v", all.Acknowledged, sent.Round(time.Millisecond),
		float64(all.Acknowledged)/sent.Seconds()/1e6, len(charts), charts[len(charts)/2].Round(time.Millisecond), charts[len(charts)*95/100].Round(time.Millisecond))
	return all
}

// publishFull sends a job's frames, each until it is acknowledged.
func (s *server) publishFull(stream jetstream.JetStream, j *job) {
	for j.frames < fullFrames && !s.t.Failed() {
		data := j.frameOf(j.frames+1, fullSteps)
		for !s.t.Failed() {
			ctx, cancel := context.WithTimeout(context.Background(), jobAckMax)
			_, err := stream.Publish(ctx, bus.RunSubject(0, j.run), data)
			cancel()
			if err == nil {
				break
			}
			time.Sleep(jobPause)
		}
		j.frames++
	}
}

// readChart draws a series of a thousand buckets, again and again, and gives how long each took.
func (s *server) readChart(ctx context.Context, run string) (took []time.Duration) {
	path := fmt.Sprintf("/v1/series?key=k0&buckets=1000&run_id=%s", run)
	for ctx.Err() == nil {
		begin := time.Now()
		status, b, err := get(context.Background(), s.url, path)
		if err != nil || status != http.StatusOK {
			s.t.Errorf("%s: %d %s %v", path, status, b, err)
			return took
		}
		took = append(took, time.Since(begin))
		time.Sleep(jobPause)
	}
	return took
}
