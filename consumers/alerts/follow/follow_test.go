package follow

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/alerts"
	"github.com/streamgauge/streamgauge/consumers/documents"
	"github.com/streamgauge/streamgauge/consumers/sourcetest"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const waitMax = 30 * time.Second

// world is what a follower is among: logs and runs in memory.
type world struct {
	t          *testing.T
	lane, docs sourcetest.Memory
	frames     uint64
	changed    chan struct{}
	metrics    *Metrics
	registry   *prometheus.Registry

	mu              sync.Mutex
	rules           []*alert.Rule
	asked           int
	broken          error
	runs            map[string]*sgpb.Run
	events          []*sgpb.AlertEvent
	states, changes []byte
	saves           int
}

func (w *world) Lookup(_ context.Context, id string) (track.RunFacts, error) {
	n, _ := track.ParseRunID(id)
	return track.RunFacts{ID: id, Number: n, Experiment: 1, Lanes: []uint16{0}}, nil
}
func (w *world) Do(context.Context, track.Command) (*sgpb.Run, error) { return nil, nil }
func (w *world) Last(context.Context, string) ([]byte, uint64, error) {
	return nil, 0, documents.ErrNoKey
}
func (w *world) Writers(context.Context, uint16, uint64) (*consumers.Writers, uint64, error) {
	return consumers.NewWriters(nil), 0, nil
}

func (w *world) Run(_ context.Context, id string) (*sgpb.Run, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.runs[id]; r != nil {
		return r, nil
	}
	return nil, track.Errorf(track.ResourceDoesNotExist, "no run %s", id)
}

func (w *world) Running(_ context.Context, experiments []uint32, _ []string, sinceMS int64) (out []alerts.Sign, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, r := range w.runs {
		if slices.Contains(experiments, 1) && r.GetStatus() == sgpb.RunStatus_RUN_STATUS_RUNNING && r.GetUpdatedMs() >= sinceMS {
			out = append(out, alerts.Sign{RunID: id, Experiment: 1})
		}
	}
	return out, nil
}

func (w *world) Load(context.Context) (snapshot, changes []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states, w.changes, nil
}

func (w *world) SaveChanges(_ context.Context, changes []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes, w.saves = changes, w.saves+1
	return nil
}

func (w *world) Save(_ context.Context, states []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states, w.changes, w.saves = states, nil, w.saves+1
	return nil
}

func (w *world) Remove(ctx context.Context) error { return w.Save(ctx, nil) }

func (w *world) store(_ context.Context, events []*sgpb.AlertEvent) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		if !slices.ContainsFunc(w.events, func(x *sgpb.AlertEvent) bool { return x.GetId() == e.GetId() }) {
			w.events = append(w.events, e)
		}
	}
	return nil
}

func newWorld(t *testing.T, rules ...*alert.Rule) *world {
	r := prometheus.NewRegistry()
	return &world{t: t, rules: rules, runs: make(map[string]*sgpb.Run), changed: make(chan struct{}, 1), metrics: NewMetrics(r), registry: r}
}

// count answers a counter.
func (w *world) count(name string) (n float64) {
	w.t.Helper()
	all, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, family := range all {
		if family.GetName() == name {
			n = family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return n
}

// follow runs a follower until the test ends.
func (w *world) follow() {
	f := New(Config{
		Lanes: []Lane{{Source: &w.lane, Decided: func(context.Context, uint64) error { return nil }, Reached: func(ctx context.Context) (uint64, error) {
			s, err := w.lane.State(ctx)
			return s.Last, err
		}}},
		Runs: &w.docs, Keys: w, Facts: w, Known: w, Past: w, States: w, Changed: w.changed, Store: w.store, HoldFor: time.Hour, Metrics: w.metrics,
		Rules: func(context.Context) ([]*alert.Rule, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.asked++
			return w.rules, w.broken
		},
		Log: slogTo(w.t),
	})
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); <-done })
}

func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(waitMax); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		w.mu.Lock()
		yes := ok()
		w.mu.Unlock()
		if yes {
			return
		}
	}
	w.t.Fatalf("waited too long for %s; events: %v", what, w.events)
}

// run makes a run and its document.
func (w *world) run(n int, status sgpb.RunStatus, updated time.Time) string {
	w.t.Helper()
	id := strings.Repeat(fmt.Sprint(n), 32)
	r := &sgpb.Run{Id: id, ExperimentId: "1", Status: status, UpdatedMs: updated.UnixMilli()}
	b, err := proto.Marshal(&sgpb.Document{Body: &sgpb.Document_Run{Run: r}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.runs[id] = r
	w.mu.Unlock()
	w.docs.Publish(time.Now().UnixMilli(), bus.DocSubject(document.RunKey(id)), b)
	return id
}

func (w *world) log(run string, value float64) {
	w.t.Helper()
	w.frames++
	p := &track.Points{Keys: []string{"loss"}, Key: []uint32{0}, Step: []int64{int64(w.frames)}, TimeMS: []int64{0}, Value: []float64{value}}
	b, err := frame.Encode(&sgpb.Frame{Writer: 1, Number: w.frames, Sections: []*sgpb.Section{{RunId: run, Points: frame.PackPoints(p)}}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.lane.Publish(time.Now().UnixMilli(), bus.EdgeSubject(0), b)
}

func (w *world) heard(rule, run string) bool {
	return slices.ContainsFunc(w.events, func(e *sgpb.AlertEvent) bool { return e.GetRuleId() == rule && e.GetRunId() == run })
}

func silence(updated time.Time) *alert.Rule {
	return &alert.Rule{ID: "silent", Revision: 1, Name: "silent", Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.NoHeartbeat,
		NoHeartbeat: &alert.NoHeartbeatSettings{AfterMS: 5000}, UpdatedMS: updated.UnixMilli()}
}

// TestRunsFromBeforeTheRule: of a run that hung before is told, of one that had ended is not, though both are logged to.
func TestRunsFromBeforeTheRule(t *testing.T) {
	now := time.Now()
	w := newWorld(t, silence(now))
	hung := w.run(1, sgpb.RunStatus_RUN_STATUS_RUNNING, now.Add(-time.Hour))
	ended := w.run(2, sgpb.RunStatus_RUN_STATUS_FINISHED, now.Add(-time.Hour))
	late := w.run(3, sgpb.RunStatus_RUN_STATUS_RUNNING, now.Add(-72*time.Hour))
	w.follow()
	w.await("the first snapshot", func() bool { return w.saves > 0 })
	w.log(ended, 1)
	w.await("the run that hung", func() bool { return w.heard("silent", hung) })
	w.log(late, 1) // is a sign of what had been silent for too long
	w.await("the run that went on", func() bool { return w.heard("silent", late) })
	if w.heard("silent", ended) || len(w.events) != 2 {
		t.Errorf("got %v", w.events)
	}
}

// TestRulesThatCannotBeRead: they are judged by as they were before.
func TestRulesThatCannotBeRead(t *testing.T) {
	rule := &alert.Rule{ID: "nan", Revision: 1, Name: "nan", Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.NaN}
	w := newWorld(t, rule)
	id := w.run(1, sgpb.RunStatus_RUN_STATUS_RUNNING, time.Now())
	w.follow()
	w.await("the first snapshot", func() bool { return w.saves > 0 })
	w.mu.Lock()
	w.rules, w.broken = nil, track.Errorf(track.DataLoss, "the document cannot be read")
	before := w.asked
	w.mu.Unlock()
	w.changed <- struct{}{}
	w.await("a look at the rules", func() bool { return w.asked > before })
	w.log(id, math.NaN())
	w.await("an event", func() bool { return w.heard("nan", id) })
	if n := w.count("streamgauge_alerts_interrupted_total"); n != 0 {
		t.Errorf("alerts were interrupted %v times", n)
	}
}

// TestPurgedWhileItRuns: what is purged before it is judged is counted.
func TestPurgedWhileItRuns(t *testing.T) {
	rule := &alert.Rule{ID: "high", Revision: 1, Name: "high", Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.Threshold, Metric: "loss",
		Threshold: &alert.ThresholdSettings{Op: ">", Value: 10}}
	w := newWorld(t, rule)
	id := w.run(1, sgpb.RunStatus_RUN_STATUS_RUNNING, time.Now())
	w.follow()
	w.await("the first snapshot", func() bool { return w.saves > 0 })
	w.log(id, 20)
	w.await("an event", func() bool { return len(w.events) == 1 })
	// The log jumps: three frames came and went.
	if err := w.lane.Purge(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	w.log(id, 1)
	w.await("the event behind the gap", func() bool { return len(w.events) == 2 })
	if n := w.count("streamgauge_alerts_gap_frames_total"); n != 3 {
		t.Errorf("%v frames are counted as purged, 3 were", n)
	}
}

// toTest writes a log into the test's.
type toTest struct{ t *testing.T }

func (w toTest) Write(b []byte) (int, error) {
	w.t.Helper()
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func slogTo(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(toTest{t}, nil)) }
