package faults

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	webhookKills = 3
	// webhookQuiet is how long versions are made before a kill.
	webhookQuiet = 700 * time.Millisecond
	// webhookWait is how long the rest may take; nothing waits behind it.
	webhookWait = 60 * time.Second
)

// receiver gets the events of versions.
type receiver struct {
	*httptest.Server
	t *testing.T
	// away lets it answer that it cannot take anything now.
	away atomic.Bool
	mu   sync.Mutex
	// taken are the versions in the order in which they were taken first, repeats are those that came again.
	taken   []int
	repeats int
	refused int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // the server was killed while it sent
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away.Load() {
		r.refused++
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var event struct {
		Data struct {
			Version string `json:"version"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		r.t.Errorf("%s: %v", body, err)
	}
	n, err := strconv.Atoi(event.Data.Version)
	if err != nil {
		r.t.Errorf("%s: %v", body, err)
	}
	if slices.Contains(r.taken, n) {
		r.repeats++
		return
	}
	r.taken = append(r.taken, n)
}

func (r *receiver) look(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// TestFault01KillsBetweenEventAndDelivery makes versions while the receiver is away, kills the server, and looks whether
// the next ones deliver all that was acknowledged, in order, once the receiver is back.
func TestFault01KillsBetweenEventAndDelivery(t *testing.T) {
	t.Setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http")
	t.Setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
	to := newReceiver(t)
	s := startServer(t, t.TempDir())
	must := func(path string, body any) {
		t.Helper()
		if status, answer, err := post(t.Context(), s.url, "/api/2.0/mlflow/"+path, body); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s %v", path, status, answer, err)
		}
	}
	must("registered-models/create", map[string]any{"name": "m"})
	must("webhooks", map[string]any{
		"name": "all", "url": to.URL, "secret": "s",
		"events": []map[string]string{{"entity": "MODEL_VERSION", "action": "CREATED"}},
	})
	var acknowledged []int
	for range webhookKills {
		to.away.Store(true)
		r := &registration{s: s, acknowledged: make(map[int]bool)}
		r.name.Store("m")
		var wg sync.WaitGroup
		for range registrars {
			wg.Go(r.create)
		}
		time.Sleep(webhookQuiet)
		s.killGroup()
		r.stop.Store(true)
		wg.Wait()
		for n := range r.acknowledged {
			acknowledged = append(acknowledged, n)
		}
		s.start()
		to.away.Store(false)
	}
	to.await(acknowledged)
	to.look(func() {
		if !slices.IsSorted(to.taken) {
			t.Errorf("taken out of order: %v", to.taken)
		}
		if to.refused == 0 {
			t.Error("the receiver was never away when something came")
		}
		t.Logf("%d acknowledged, %d taken, %d repeats, %d refused", len(acknowledged), len(to.taken), to.repeats, to.refused)
		different := len(slices.Compact(slices.Clone(to.taken)))
		faulttest.Tally{Acknowledged: int64(len(acknowledged)), Doubled: int64(len(to.taken) - different)}.Check(t) // of versions; await counts lost ones
	})
}

// await waits until all versions were taken.
func (r *receiver) await(versions []int) {
	r.t.Helper()
	var missing []int
	for end := time.Now().Add(webhookWait); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		missing = nil
		r.look(func() {
			for _, n := range versions {
				if !slices.Contains(r.taken, n) {
					missing = append(missing, n)
				}
			}
		})
		if len(versions) > 0 && len(missing) == 0 {
			return
		}
	}
	r.t.Fatalf("%d of %d acknowledged versions were not delivered: %v", len(missing), len(versions), missing[:min(len(missing), 20)])
}
