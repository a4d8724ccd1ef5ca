package consumers_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/sourcetest"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const laneRun = "0000000000000001000000000000000a"

// engine keeps markers, and takes nothing while stuck.
type engine struct {
	mu     sync.Mutex
	marker table.Marker
	stuck  chan struct{}
}

func (e *engine) Write(ctx context.Context, b *consumers.Batch, _ string) error {
	select {
	case <-e.stuck:
	case <-ctx.Done():
		return ctx.Err()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.marker = b.Marker
	return nil
}

func (e *engine) Fence(context.Context, uint16) error { return nil }

func (e *engine) Marker(context.Context, uint16) (table.Marker, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.marker, nil
}

func (e *engine) Ranges(context.Context, uint16, int64) ([]table.WriterRange, error) { return nil, nil }

type registry struct{}

func (registry) Lookup(_ context.Context, id string) (track.RunFacts, error) {
	n, _ := track.ParseRunID(id)
	return track.RunFacts{ID: id, Number: n, Experiment: 1}, nil
}
func (registry) Do(context.Context, track.Command) (*sgpb.Run, error) { return nil, nil }

// leases is a compare-and-set in memory.
type leases struct {
	mu    sync.Mutex
	lease consumers.Lease
}

func (l *leases) Load(context.Context, uint16) (consumers.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lease, nil
}

func (l *leases) Store(_ context.Context, _ uint16, n consumers.Lease) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.Revision != l.lease.Revision {
		return 0, consumers.ErrLeaseChanged
	}
	n.Revision++
	l.lease = n
	return n.Revision, nil
}

type observer struct {
	mu       sync.Mutex
	sections int
}

func (o *observer) ObserveSections(s []*feed.Section) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sections += len(s)
}
func (*observer) ObserveDocuments([]feed.Document) {}
func (*observer) DocumentsApplied(uint64)          {}

func points(t *testing.T, number uint64, n int) []byte {
	t.Helper()
	p := &track.Points{Keys: []string{"loss"}}
	for i := range n {
		p.Key, p.Step, p.TimeMS, p.Value = append(p.Key, 0), append(p.Step, int64(i)), append(p.TimeMS, 0), append(p.Value, 1)
	}
	b, err := frame.Encode(&sgpb.Frame{Writer: 1, Number: number, Sections: []*sgpb.Section{{RunId: laneRun, Points: frame.PackPoints(p)}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func runLane(t *testing.T, c consumers.LaneConfig) (*consumers.Lane, func()) {
	t.Helper()
	l := consumers.NewLane(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Run(ctx)
	}()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return l, stop
}

func TestReadersSeeWhatIsAcknowledgedBeforeTheEngineHasIt(t *testing.T) {
	var log sourcetest.Memory
	var acks feed.Acks
	var seen observer
	e := &engine{stuck: make(chan struct{})}
	c := consumers.LaneConfig{Source: &log, Sink: e, Runs: registry{}, Leases: new(leases), Owner: "a", Observer: &seen, TailBytesMax: 5000}
	log.Publish(1, "sg.points.0.edge", points(t, 1, 3)) // from an earlier life
	lane, _ := runLane(t, c)
	tail := consumers.NewTail(&acks, lane)
	ctx := context.Background()
	s, err := tail.Run(ctx, 1)
	if err != nil || len(s.Sections) != 1 || s.Sections[0].Points.Len() != 3 {
		t.Fatalf("got %v %v, want what was on the log before the start", s, err)
	}
	acks.AckLane(0, log.Publish(1, "sg.points.0.edge", points(t, 2, 2)))
	old := s
	if s, err = tail.Run(ctx, 1); err != nil || len(s.Sections) != 2 || len(old.Sections) != 1 {
		t.Fatalf("got %v %v, want the acknowledged points too, and the old snapshot as it was", s, err)
	}
	if seen.mu.Lock(); seen.sections != 2 {
		t.Errorf("the observer was told of %d sections", seen.sections)
	}
	seen.mu.Unlock()
	if runs, err := tail.Runs(ctx); err != nil || len(runs) != 1 || runs[0] != laneRun {
		t.Errorf("runs %v %v", runs, err)
	}
	close(e.stuck)
	if err := tail.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if s, err = tail.Run(ctx, 1); err != nil || len(s.Sections) != 0 || s.Watermarks[0] != 2 || len(old.Sections) != 1 {
		t.Errorf("after the flush: %v %v", s, err)
	}
	if err := lane.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}

func TestFullTailAnswersUnavailable(t *testing.T) {
	var log sourcetest.Memory
	var acks feed.Acks
	e := &engine{stuck: make(chan struct{})}
	lane, _ := runLane(t, consumers.LaneConfig{Source: &log, Sink: e, Runs: registry{}, Leases: new(leases), Owner: "a", TailBytesMax: 1000})
	tail := consumers.NewTail(&acks, lane)
	if err := tail.Await(context.Background()); err != nil {
		t.Fatal(err)
	}
	acks.AckLane(0, log.Publish(1, "x", points(t, 1, 100)))
	if err := tail.Await(context.Background()); err != nil {
		t.Fatal(err) // the fetch that fills the tail still gets in
	}
	acks.AckLane(0, log.Publish(1, "x", points(t, 2, 100)))
	err := tail.Await(context.Background())
	var refusal *track.Error
	if !errors.As(err, &refusal) || refusal.Code != track.TemporarilyUnavailable || refusal.RetryAfterSeconds == 0 {
		t.Fatalf("got %v, want a refusal that says when to come back", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := tail.Await(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the caller's own limit", err)
	}
	close(e.stuck)
	if err := tail.Await(context.Background()); err != nil {
		t.Errorf("after the engine took the batch: %v", err)
	}
}

func TestALaneHasOneOwner(t *testing.T) {
	var log sourcetest.Memory
	var acks feed.Acks
	open := make(chan struct{})
	close(open)
	e, l := &engine{stuck: open}, new(leases)
	config := func(owner string) consumers.LaneConfig {
		return consumers.LaneConfig{Source: &log, Sink: e, Runs: registry{}, Leases: l, Owner: owner, LeaseTime: 300 * time.Millisecond}
	}
	first, stop := runLane(t, config("a"))
	if err := consumers.NewTail(&acks, first).Await(context.Background()); err != nil {
		t.Fatal(err)
	}
	second, _ := runLane(t, config("b"))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // several lease times
	defer cancel()
	if err := consumers.NewTail(&acks, second).Await(ctx); err == nil {
		t.Fatal("two owners")
	}
	stop() // gives the lease up
	if err := consumers.NewTail(&acks, second).Await(context.Background()); err != nil {
		t.Fatal(err)
	}
	if l, _ := l.Load(context.Background(), 0); l.Owner != "b" || l.Epoch != 2 {
		t.Errorf("lease %+v, want b's with epoch 2", l)
	}
	// Somebody who is sure that b is dead takes over at once, and b stops.
	c := config("c")
	c.TakeOver = true
	third, _ := runLane(t, c)
	if err := consumers.NewTail(&acks, third).Await(context.Background()); err != nil {
		t.Fatal(err)
	}
	for second.Ready() == nil {
		time.Sleep(time.Millisecond) // until b's next renewal is refused
	}
}

func TestAnEmptyLogBehindTheWatermarkIsMovedOn(t *testing.T) {
	var log sourcetest.Memory
	var acks feed.Acks
	open := make(chan struct{})
	close(open)
	e := &engine{stuck: open, marker: table.Marker{First: 1, Last: 41}}
	lane, _ := runLane(t, consumers.LaneConfig{Source: &log, Sink: e, Runs: registry{}, Leases: new(leases), Owner: "a"})
	tail := consumers.NewTail(&acks, lane)
	if err := tail.Await(context.Background()); err != nil {
		t.Fatal(err)
	}
	seq := log.Publish(1, "x", points(t, 1, 1))
	acks.AckLane(0, seq)
	if s, err := tail.Run(context.Background(), 1); err != nil || seq != 42 || len(s.Sections) != 1 {
		t.Errorf("sequence %d: %v %v", seq, s, err)
	}
}

func TestAnEmptyLogAheadOfTheWatermarkIsAGap(t *testing.T) {
	var log sourcetest.Memory
	for range 3 {
		log.Publish(1, "x", points(t, 1, 1))
	}
	if err := log.Purge(context.Background(), 3); err != nil {
		t.Fatal(err)
	}
	e := &engine{stuck: make(chan struct{}), marker: table.Marker{First: 1, Last: 1}}
	metrics := prometheus.NewRegistry()
	lane, _ := runLane(t, consumers.LaneConfig{
		Source: &log, Sink: e, Runs: registry{}, Leases: new(leases), Owner: "a", Metrics: consumers.NewMetrics(metrics),
	})
	for lane.Ready() != nil {
		time.Sleep(time.Millisecond)
	}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := f.GetMetric()[0].GetCounter().GetValue(); f.GetName() == "streamgauge_lane_log_gaps_total" && n != 2 {
			t.Errorf("the lane tells of %v frames that are gone, want 2", n)
		}
	}
}

func TestALogWithFramesBehindTheWatermarkNeedsAPerson(t *testing.T) {
	var log sourcetest.Memory
	log.Publish(1, "x", points(t, 1, 1))
	e := &engine{stuck: make(chan struct{}), marker: table.Marker{First: 1, Last: 41}}
	lane, _ := runLane(t, consumers.LaneConfig{Source: &log, Sink: e, Runs: registry{}, Leases: new(leases), Owner: "a"})
	for lane.Ready().Error() == "lane 0 is not open yet" {
		time.Sleep(time.Millisecond) // until the first try
	}
	if state, _ := log.State(context.Background()); state.Messages != 1 || lane.Ready() == nil {
		t.Errorf("%d messages left, ready: %v", state.Messages, lane.Ready())
	}
}
