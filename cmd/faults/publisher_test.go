package faults

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	client "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	publisherSteps = 3000
	publisherKills = 3
	// publisherWait bounds what is delivered after the last kill.
	publisherWait = 60 * time.Second
)

// TestPublishersOfGo writes runs with the Go package, over HTTP and over NATS alone, while the server is killed.
func TestPublishersOfGo(t *testing.T) {
	s := startServer(t, t.TempDir(), "--lanes", "2")
	conn, err := nats.Connect(s.nats, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	overHTTP, err := client.NewHTTP(s.url, client.HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var publishers [4]*client.Publisher
	run := track.NewRunID() // of two ranks, one over each way
	for i := range publishers {
		var to client.Transport = overHTTP
		o := client.Options{Refused: func(_ []byte, reason error) { t.Errorf("publisher %d: %v", i, reason) }}
		if i%2 == 1 {
			if to, err = client.NewNATS(conn); err != nil {
				t.Fatal(err)
			}
		}
		if i >= 2 {
			o.Run, o.Rank = run, uint32(i-2)
		}
		if publishers[i], err = client.NewPublisher(to, o); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*publisherWait)
	defer cancel()
	var working sync.WaitGroup
	for i, p := range publishers {
		working.Go(func() {
			if err := publishRun(ctx, p); err != nil {
				t.Errorf("publisher %d: %v", i, err)
			}
		})
	}
	for range publisherKills {
		time.Sleep(700 * time.Millisecond)
		s.killGroup()
		s.start()
	}
	working.Wait()
	for i, p := range publishers {
		s.verifyPublished(i, p)
	}
	rows := s.sql("SELECT name, status, params['lr'], tags['half'] FROM runs FINAL WHERE run != 0 ORDER BY name")
	if got := fmt.Sprint(rows); got != "[[published FINISHED 0.1 true] [published FINISHED 0.1 true] [published FINISHED 0.1 true]]" {
		t.Errorf("runs: %s", got)
	}
	if bad := s.sql("SELECT reason FROM quarantine FINAL"); len(bad) > 0 {
		t.Errorf("in quarantine: %v", bad)
	}
}

// publishRun is a run from beginning to end.
func publishRun(ctx context.Context, p *client.Publisher) error {
	if err := p.Start(ctx, client.Start{Experiment: "go", Name: "published", Ranks: 2}); err != nil {
		return err
	}
	if err := p.Params(ctx, map[string]string{"lr": "0.1"}); err != nil {
		return err
	}
	for step := range int64(publisherSteps) {
		if err := p.Log(ctx, step, map[string]float64{"loss": float64(step), "acc": 1}); err != nil {
			return err
		}
		if step == publisherSteps/2 {
			if err := p.Tags(ctx, map[string]string{"half": "true"}); err != nil {
				return err
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := p.Finish(ctx, client.Finished); err != nil {
		return err
	}
	return p.Close(ctx)
}

// verifyPublished counts what is there of a publisher.
func (s *server) verifyPublished(i int, p *client.Publisher) {
	s.t.Helper()
	number, _ := track.ParseRunID(p.Run())
	rows := s.sql(fmt.Sprintf("SELECT rank, key, count(), uniqExact(step), sum(v) FROM points WHERE run = %d AND rank = %d GROUP BY rank, key ORDER BY key", number, max(i-2, 0)))
	const n = publisherSteps
	want := fmt.Sprintf("[[%[1]d acc %[2]d %[2]d %[2]d] [%[1]d loss %[2]d %[2]d %[3]d]]", max(i-2, 0), n, n*(n-1)/2)
	if got := fmt.Sprint(rows); got != want {
		s.t.Errorf("publisher %d:\n%s, want\n%s", i, got, want)
	}
	if stats := p.Stats(); stats.Points != 2*n || stats.FramesWaiting != 0 {
		s.t.Errorf("publisher %d: %+v", i, stats)
	}
}
