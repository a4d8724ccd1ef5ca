package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/cmd/top/watch"
)

// server answers as ours does, with one metric whose last value may change, and a stream that can be cut.
type server struct {
	mu     sync.Mutex
	last   float64
	down   bool
	stream *io.PipeWriter
	// opened has a value for each stream that was opened.
	opened chan struct{}
	// subscribed are the bodies of subscriptions.
	subscribed []string
}

func (s *server) Send(_ context.Context, method, path, _ string, body io.Reader) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errors.New("no server answers")
	}
	text := `{}`
	switch {
	case strings.HasPrefix(path, "/api/2.0/mlflow/runs/get"):
		text = `{"run": {"info": {"run_id": "r", "run_name": "a run", "status": "RUNNING", "start_time": 1000}}}`
	case strings.HasPrefix(path, "/v1/runs/r/metrics"):
		text = `{"metrics": [{"key": "loss", "value": "NaN", "step": 3}]}`
	case path == "/v1/series":
		text = fmt.Sprintf(`{"series": [{"key": "loss", "raw": true, "bucket_width": 0, "start_time": 1000, "step": [1, 2], "time": [1500, 2500], "value": ["Infinity", %g]}]}`, s.last)
	case method == http.MethodGet && path == "/v1/live":
		in, out := io.Pipe()
		s.stream = out
		s.opened <- struct{}{}
		go fmt.Fprint(out, "event: hello\ndata: {\"id\": \"x\"}\n\n")
		return in, nil
	case path == "/v1/live/x":
		b, _ := io.ReadAll(body) // from memory
		s.subscribed = append(s.subscribed, string(b))
	default:
		return nil, fmt.Errorf("unexpected %s %s", method, path)
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// say changes the last value and has the stream tell that there are points.
func (s *server) say(v float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = v
	fmt.Fprint(s.stream, "event: points\ndata: {\"lines\": [{\"key\": \"loss\"}]}\n\n")
}

// cut ends the stream and lets nobody in, or in again.
func (s *server) cut(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	if down {
		s.stream.CloseWithError(errors.New("cut"))
	}
}

// patience is how long anything is waited for.
const patience = 20 * time.Second

func until(t *testing.T, told <-chan any, what string, is func(any) bool) {
	t.Helper()
	end := time.After(patience)
	for {
		select {
		case m := <-told:
			if is(m) {
				return
			}
		case <-end:
			t.Fatalf("%s was not told", what)
		}
	}
}

func lastIs(v float64) func(any) bool {
	return func(m any) bool {
		l, ok := m.(watch.Lines)
		marks := l.Lines["loss"].Marks
		return ok && len(marks) == 2 && marks[1].Value == v
	}
}

func TestARunIsFollowedOverALostConnection(t *testing.T) {
	s := &server{last: 0.5, opened: make(chan struct{}, 10)}
	told := make(chan any, 1000)
	w := watch.New(s, "r", func(m any) { told <- m })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	w.Want(watch.Want{Axis: watch.AxisStep, Buckets: 100})
	until(t, told, "the names", func(m any) bool {
		n, ok := m.(watch.Names)
		return ok && len(n.Metrics) == 1 && n.Metrics[0].Key == "loss"
	})
	w.Want(watch.Want{Axis: watch.AxisStep, Buckets: 100, Keys: []string{"loss"}})
	until(t, told, "the line", func(m any) bool {
		l, ok := m.(watch.Lines)
		return ok && l.Lines["loss"].Odd == 1 && l.Lines["loss"].Raw()
	})
	<-s.opened
	s.say(0.25)
	until(t, told, "a new point", lastIs(0.25))
	s.cut(true)
	until(t, told, "the lost connection", func(m any) bool { x, ok := m.(watch.Trouble); return ok && x.Err != nil })
	s.mu.Lock()
	s.last = 0.125 // while nobody listens
	s.mu.Unlock()
	s.cut(false)
	until(t, told, "that it is back", func(m any) bool { x, ok := m.(watch.Trouble); return ok && x.Err == nil })
	until(t, told, "what came between", lastIs(0.125))
	w.Want(watch.Want{Axis: watch.AxisRelative, Buckets: 100, Keys: []string{"loss"}})
	until(t, told, "the other axis", func(m any) bool {
		l, ok := m.(watch.Lines)
		return ok && l.Axis == watch.AxisRelative && l.Lines["loss"].Marks[0].X == 0.5
	})
	cancel()
	<-done
	var last struct {
		Subscriptions []struct {
			RunID string   `json:"run_id"`
			Keys  []string `json:"keys"`
			Axis  string   `json:"axis"`
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.Unmarshal([]byte(s.subscribed[len(s.subscribed)-1]), &last); err != nil || len(last.Subscriptions) != 1 || last.Subscriptions[0].Axis != watch.AxisRelative || last.Subscriptions[0].Keys[0] != "loss" {
		t.Errorf("subscribed to %s: %v", s.subscribed[len(s.subscribed)-1], err)
	}
}
