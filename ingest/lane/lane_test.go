package lane_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/ingest/mem"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/track"
)

var runs = []track.RunFacts{
	{ID: "00000000000000010000000000000000", Number: 1, Lanes: []uint16{0}},
	{ID: "00000000000000020000000000000000", Number: 2, Lanes: []uint16{0}},
	{ID: "00000000000000030000000000000000", Number: 3, Lanes: []uint16{1}},
}

// series makes n points whose steps count from first.
func series(key string, first, n int) *columns.Columns {
	c := columns.Get()
	k := c.Define(key)
	for i := range n {
		c.Append(columns.Point{Key: k, Step: int64(first + i), TimeMS: 1, Value: float64(first + i)})
	}
	return c
}

// point names a point of a test: its steps are never used twice within a run.
type point struct {
	run  string
	step int64
}

// stored counts the points of a lane's frames, as consumers do: a frame's name counts once.
func stored(t *testing.T, frames [][]byte) map[point]int {
	t.Helper()
	out := make(map[point]int)
	seen := make(map[[2]uint64][]byte)
	for _, b := range frames {
		f, err := frame.Decode(b)
		if err != nil {
			t.Fatalf("a frame that consumers would quarantine: %v", err)
		}
		id := [2]uint64{f.GetWriter(), f.GetNumber()}
		if before, ok := seen[id]; ok {
			if !bytes.Equal(before, b) {
				t.Fatalf("frame %x stands for two contents", id)
			}
			continue
		}
		seen[id] = b
		for _, s := range f.GetSections() {
			p := frame.UnpackPoints(s.GetPoints())
			for i := range p.Step {
				if p.Value[i] != float64(p.Step[i]) {
					t.Fatalf("step %d has value %v", p.Step[i], p.Value[i])
				}
				out[point{s.GetRunId(), p.Step[i]}]++
			}
		}
	}
	return out
}

func TestPointsAreAcknowledgedInOrderOfTheLane(t *testing.T) {
	b, acks := new(mem.Bus), new(feed.Acks)
	lanes := lane.New(b, lane.Options{Acks: acks})
	for i := range 5 {
		if err := lanes.Commit(context.Background(), runs[0], series("k", i*10, 10)); err != nil {
			t.Fatal(err)
		}
		if got := acks.Lane(0); got != uint64(i)+1 {
			t.Fatalf("after frame %d the acknowledged sequence is %d", i+1, got)
		}
	}
	lanes.Close()
	if got := stored(t, b.Frames(0)); len(got) != 50 {
		t.Fatalf("%d points are stored, want 50", len(got))
	}
	frames := b.Frames(0)
	last, err := frame.Decode(frames[len(frames)-1])
	if err != nil || !last.GetClose() {
		t.Fatalf("the last frame does not close the writer: %v %v", last, err)
	}
	if err := lanes.Commit(context.Background(), runs[0], series("k", 0, 1)); track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Fatalf("after Close: %v", err)
	}
}

// gate lets appends through one by one.
type gate struct {
	mem.Bus
	entered chan struct{}
	leave   chan struct{}
}

func (g *gate) Append(ctx context.Context, laneNumber uint16, b []byte) (uint64, error) {
	g.entered <- struct{}{}
	select {
	case <-g.leave:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return g.Bus.Append(ctx, laneNumber, b)
}

// untilWaiting waits until n requests are queued.
func untilWaiting(lanes *lane.Lanes, n int) {
	for lanes.Waiting(0) != n {
		runtime.Gosched()
	}
}

func TestWhatWaitsGoesIntoTheNextFrameTogether(t *testing.T) {
	g := &gate{entered: make(chan struct{}, 10), leave: make(chan struct{})}
	lanes := lane.New(g, lane.Options{})
	const waiting = 30
	var wg sync.WaitGroup
	commit := func(i int) {
		wg.Go(func() {
			if err := lanes.Commit(context.Background(), runs[i%2], series(fmt.Sprint("k", i%3), i, 1)); err != nil {
				t.Errorf("commit %d: %v", i, err)
			}
		})
	}
	commit(0)
	<-g.entered // the first frame is in flight at once
	for i := 1; i <= waiting; i++ {
		commit(i)
	}
	untilWaiting(lanes, waiting)
	close(g.leave)
	wg.Wait()
	lanes.Close()
	frames := g.Frames(0)
	if got := len(stored(t, frames)); got != waiting+1 {
		t.Fatalf("%d points, want %d", got, waiting+1)
	}
	second, err := frame.Decode(frames[1])
	if err != nil || len(frames) != 3 {
		t.Fatalf("%d frames, want the first, the group and the closing one; %v", len(frames), err)
	}
	if got := len(second.GetSections()); got != 2 {
		t.Fatalf("%d sections in the group's frame, want one a run", got)
	}
}

func TestABeyondFullGroupIsSplitOverFrames(t *testing.T) {
	g := &gate{entered: make(chan struct{}, 10), leave: make(chan struct{})}
	lanes := lane.New(g, lane.Options{})
	const requests, each = 60, 1000
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() {
			if err := lanes.Commit(context.Background(), runs[0], series("k", i*each, each)); err != nil {
				t.Errorf("commit %d: %v", i, err)
			}
		})
	}
	<-g.entered
	untilWaiting(lanes, requests-1)
	close(g.leave)
	wg.Wait()
	lanes.Close()
	if got := len(stored(t, g.Frames(0))); got != requests*each {
		t.Fatalf("%d points, want %d", got, requests*each)
	}
	for _, b := range g.Frames(0) {
		if len(b) > bus.FrameBytesMax {
			t.Fatalf("a frame of %d bytes", len(b))
		}
	}
}

func TestAFullQueueSaysWhenToComeBack(t *testing.T) {
	for name, o := range map[string]lane.Options{"requests": {QueueRequestsMax: 2}, "bytes": {QueueBytesMax: 400}} {
		t.Run(name, func(t *testing.T) {
			g := &gate{entered: make(chan struct{}, 10), leave: make(chan struct{})}
			lanes := lane.New(g, o)
			var wg sync.WaitGroup
			for i := range 3 {
				wg.Go(func() {
					if err := lanes.Commit(context.Background(), runs[0], series("k", i, 1)); err != nil {
						t.Errorf("commit: %v", err)
					}
				})
				if i == 0 {
					<-g.entered
				}
			}
			untilWaiting(lanes, 2)
			err := lanes.Commit(context.Background(), runs[0], series("k", 9, 1))
			var e *track.Error
			if !errors.As(err, &e) || e.Code != track.ResourceExhausted || e.RetryAfterSeconds == 0 {
				t.Errorf("a full queue answers %#v", err)
			}
			close(g.leave)
			wg.Wait()
			lanes.Close()
			if got := len(stored(t, g.Frames(0))); got != 3 {
				t.Errorf("%d points, want 3", got)
			}
		})
	}
}

func TestACallerThatLeavesSpoilsNothing(t *testing.T) {
	g := &gate{entered: make(chan struct{}, 10), leave: make(chan struct{})}
	lanes := lane.New(g, lane.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error)
	go func() { left <- lanes.Commit(ctx, runs[0], series("k", 0, 1000)) }()
	<-g.entered
	cancel()
	if err := <-left; track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Fatalf("a caller that left is told %v", err)
	}
	other := make(chan error)
	go func() { other <- lanes.Commit(context.Background(), runs[0], series("k", 1000, 1000)) }()
	close(g.leave)
	if err := <-other; err != nil {
		t.Fatal(err)
	}
	lanes.Close()
	if got := len(stored(t, g.Frames(0))); got != 2000 {
		t.Fatalf("%d points, want 2000", got)
	}
}

func TestCloseGivesUpOnADeadBus(t *testing.T) {
	g := &gate{entered: make(chan struct{}, 10), leave: make(chan struct{})}
	lanes := lane.New(g, lane.Options{})
	told := make(chan error)
	go func() { told <- lanes.Commit(context.Background(), runs[0], series("k", 0, 1)) }()
	<-g.entered
	lanes.Close()
	if err := <-told; track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Fatalf("the caller is told %v", err)
	}
}

func TestMeterCounts(t *testing.T) {
	m := lane.NewMeter()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m.Collectors()...)
	lanes := lane.New(new(mem.Bus), lane.Options{Meter: m})
	for i := range 3 {
		if err := lanes.Commit(context.Background(), runs[0], series("k", i, 7)); err != nil {
			t.Fatal(err)
		}
	}
	lanes.Close()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		v := f.GetMetric()[0]
		got[f.GetName()] = v.GetCounter().GetValue() + float64(v.GetHistogram().GetSampleCount())
	}
	for name, want := range map[string]float64{"points_total": 21, "ack_seconds": 3, "writers_total": 1, "repeated_appends_total": 0} {
		if got["streamgauge_ingest_"+name] != want {
			t.Errorf("%s is %v, want %v", name, got["streamgauge_ingest_"+name], want)
		}
	}
}
