package faults

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
	"github.com/streamgauge/streamgauge/schemas/kafkatest"
)

const (
	alertKills = 5
	alertShare = 0.02
	// alertQuiet is how long points are logged before a kill.
	alertQuiet = 1200 * time.Millisecond
	alertWait  = 60 * time.Second
	// alertPace is the time between two points: of a rule a thousand events may wait, no more.
	alertPace = 5 * time.Millisecond
)

// alertEvent is what the server says of an event.
type alertEvent struct {
	ID, Type string
	Step     int64
	TimeMS   int64 `json:"time_ms"`
	FoundMS  int64 `json:"found_ms"`
}

// pager is who is told: events by id, and how often, when first.
type pager struct {
	*httptest.Server
	mu    sync.Mutex
	times map[string]int
	first map[string]time.Time
}

func newPager(t *testing.T) *pager {
	t.Helper()
	p := &pager{times: make(map[string]int), first: make(map[string]time.Time)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var told struct{ Data alertEvent }
		if err != nil || json.Unmarshal(body, &told) != nil {
			return // the server was killed while it sent
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.times[told.Data.ID]++; p.times[told.Data.ID] == 1 {
			p.first[told.Data.ID] = time.Now()
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pager) knows(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.times[id] > 0
}

// TestFault01KillsBetweenPointAndAlert logs points of which every second one fires and the others resolve, kills the server or
// its engine again and again, and looks whether each alert was found once and told.
func TestFault01KillsBetweenPointAndAlert(t *testing.T) {
	t.Run("NATS", func(t *testing.T) { killAlerts(t, alertKills) })
	t.Run("Kafka", func(t *testing.T) { killAlerts(t, 2, "--kafka", kafkatest.Fresh(t).Addr) })
}

func killAlerts(t *testing.T, kills int, extra ...string) {
	t.Setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http")
	t.Setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
	to := newPager(t)
	s := startServer(t, t.TempDir(), extra...)
	run := s.runWithAlert(to.URL)
	var last int64
	killed := make(map[int64]bool) // steps around a kill, whose delay says nothing
	for n := range faulttest.Rounds(t, kills, alertShare) {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { last = s.logUntil(run, last, stop) })
		time.Sleep(alertQuiet)
		if n%3 == 1 {
			_ = syscall.Kill(s.engine(), syscall.SIGKILL)
			time.Sleep(alertQuiet)
			close(stop)
			wg.Wait()
			continue
		}
		s.killGroup()
		close(stop)
		wg.Wait()
		killed[last+1] = true
		s.start()
		// The point under way may have arrived or not; it is sent again, as clients do.
	}
	s.logStep(run, last+1)
	last++
	fired := s.awaitFired(to, last)
	doubled := int64(0)
	var delays []time.Duration
	told, again := 0, 0
	for step, events := range fired {
		doubled += int64(len(events) - 1)
		e := events[0]
		to.mu.Lock()
		told++
		again += to.times[e.ID] - 1
		if !killed[step] {
			delays = append(delays, to.first[e.ID].Sub(time.UnixMilli(e.TimeMS)))
		}
		to.mu.Unlock()
	}
	slices.Sort(delays)
	t.Logf("%d alerts fired and were told, %d told again; from the point to the receiver p50 %v, p99 %v, kills between included", told, again,
		delays[len(delays)/2], delays[len(delays)*99/100])
	tally := faulttest.Tally{Acknowledged: (last + 1) / 2, Doubled: doubled}
	tally.Lost = tally.Acknowledged - int64(len(fired))
	tally.Check(t) // of alerts
	rows := s.sql("SELECT uniqExact(event_id), count() FROM sg.alerts WHERE NOT resolved")
	if want := strconv.FormatInt(tally.Acknowledged, 10); rows[0][0] != want || rows[0][1] != want {
		t.Errorf("sg.alerts has %v different and all fired events, want %s", rows[0], want)
	}
}

// runWithAlert makes a run, and an alert that fires above 10.
func (s *server) runWithAlert(to string) string {
	s.t.Helper()
	status, answer, err := post(s.t.Context(), s.url, "/api/2.0/mlflow/runs/create", map[string]any{"experiment_id": "0"})
	var made struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			}
		}
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(answer, &made) != nil {
		s.t.Fatalf("%d %s %v", status, answer, err)
	}
	status, answer, err = post(s.t.Context(), s.url, "/v1/alerts", map[string]any{
		"name": "high", "experiment_ids": []string{"0"}, "kind": "threshold", "metric": "loss", "threshold": map[string]any{"op": ">", "value": 10},
		"channels": []map[string]any{{"type": "webhook", "url": to, "secret": "s"}},
	})
	if err != nil || status != http.StatusOK {
		s.t.Fatalf("%d %s %v", status, answer, err)
	}
	time.Sleep(alertQuiet) // rules are for points from now on, and now is when the reader has them
	return made.Run.Info.RunID
}

// logUntil logs steps behind last, odd ones above the limit, and answers the last that was acknowledged.
func (s *server) logUntil(run string, last int64, stop chan struct{}) int64 {
	for {
		select {
		case <-stop:
			return last
		default:
		}
		if !s.tryStep(run, last+1) {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		last++
		time.Sleep(alertPace)
	}
}

func (s *server) tryStep(run string, step int64) bool {
	status, _, err := post(s.t.Context(), s.url, "/api/2.0/mlflow/runs/log-metric", map[string]any{
		"run_id": run, "key": "loss", "value": float64(step%2) * 20, "step": step, "timestamp": time.Now().UnixMilli(),
	})
	return err == nil && status == http.StatusOK
}

func (s *server) logStep(run string, step int64) {
	s.t.Helper()
	for end := time.Now().Add(alertWait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s.tryStep(run, step) {
			return
		}
	}
	s.t.Fatalf("step %d is not taken", step)
}

// awaitFired waits until all odd steps have fired and were told, and answers the events by step.
func (s *server) awaitFired(to *pager, last int64) (fired map[int64][]alertEvent) {
	s.t.Helper()
	missing := 0
	for end := time.Now().Add(alertWait); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		fired, missing = s.fired(), 0
		for step := int64(1); step <= last; step += 2 {
			if len(fired[step]) == 0 || !to.knows(fired[step][0].ID) {
				missing++
			}
		}
		if missing == 0 {
			return fired
		}
	}
	s.t.Errorf("%d of %d alerts were not found or not told", missing, (last+1)/2)
	return fired
}

func (s *server) fired() map[int64][]alertEvent {
	s.t.Helper()
	out := make(map[int64][]alertEvent)
	for token := ""; ; {
		status, answer, err := get(s.t.Context(), s.url, "/v1/alerts/history?page_token="+token)
		var page struct {
			Events []alertEvent
			Token  string `json:"next_page_token"`
		}
		if err != nil || status != http.StatusOK || json.Unmarshal(answer, &page) != nil {
			s.t.Fatalf("%d %s %v", status, answer, err)
		}
		for _, e := range page.Events {
			if e.Type == "fired" {
				out[e.Step] = append(out[e.Step], e)
			}
		}
		if token = page.Token; token == "" {
			return out
		}
	}
}
