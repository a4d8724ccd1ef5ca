package nats_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/ingest/appendertest"
	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/ingest/lane"
	ingestnats "github.com/streamgauge/streamgauge/ingest/nats"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestAppenderOverJetStream(t *testing.T) {
	appendertest.Run(t, func(t *testing.T) appendertest.Bus {
		b := startBus(t, appendertest.LaneBytesMax)
		return appendertest.Bus{
			Appender: ingestnats.New(b.js),
			Frames:   func(l uint16) [][]byte { return b.frames(t, l) },
			Purge:    func(l uint16) { b.purge(t, l) },
		}
	})
}

func TestLanesAreMadeOnceAndAdjusted(t *testing.T) {
	b := startBus(t, 1<<20)
	if err := ingestnats.EnsureLane(context.Background(), b.js, 0, ingestnats.Options{MaxBytes: 2 << 20}); err != nil {
		t.Fatal(err)
	}
	c := b.stream(t, 0).CachedInfo().Config
	if c.MaxBytes != 2<<20 || c.Discard != jetstream.DiscardNew || c.MaxAge != 0 || c.Storage != jetstream.FileStorage {
		t.Errorf("the lane's stream is %+v", c)
	}
}

var run = track.RunFacts{ID: "00000000000000010000000000000000", Number: 1, Lanes: []uint16{0}}

func points(first, n int) *columns.Columns {
	c := columns.Get()
	k := c.Define("loss")
	for i := range n {
		c.Append(columns.Point{Key: k, Step: int64(first + i), TimeMS: 1, Value: 1})
	}
	return c
}

// steps counts each step that the frames hold, and checks that names have no gap and no repeat.
func steps(t *testing.T, frames [][]byte) map[int64]int {
	t.Helper()
	out := make(map[int64]int)
	numbers := make(map[uint64]uint64)
	for _, b := range frames {
		f, err := frame.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if f.GetNumber() != numbers[f.GetWriter()]+1 {
			t.Fatalf("frame %d of a writer follows frame %d", f.GetNumber(), numbers[f.GetWriter()])
		}
		numbers[f.GetWriter()]++
		for _, s := range f.GetSections() {
			for _, step := range frame.UnpackPoints(s.GetPoints()).Step {
				out[step]++
			}
		}
	}
	return out
}

func TestConcurrentRequestsShareFrames(t *testing.T) {
	b := startBus(t, 0)
	lanes := lane.New(ingestnats.New(b.js), lane.Options{})
	const callers, each = 16, 25
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				if err := lanes.Commit(context.Background(), run, points(caller*each+i, 1)); err != nil {
					t.Errorf("commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	lanes.Close()
	frames := b.frames(t, 0)
	got := steps(t, frames)
	for step := range int64(callers * each) {
		if got[step] != 1 {
			t.Fatalf("step %d is stored %d times", step, got[step])
		}
	}
	if len(frames) >= callers*each {
		t.Errorf("%d frames for %d requests: nothing was shared", len(frames), callers*each)
	}
	t.Logf("%d requests in %d frames", callers*each, len(frames))
}

func TestARestartLosesNothingAcknowledged(t *testing.T) {
	b := startBus(t, 0)
	lanes := lane.New(ingestnats.New(b.js), lane.Options{AttemptTimeout: 500 * time.Millisecond})
	var mu sync.Mutex
	acknowledged := make(map[int64]bool)
	failed := 0
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for caller := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				step := caller*1_000_000 + i
				err := lanes.Commit(context.Background(), run, points(step, 1))
				mu.Lock()
				if err == nil {
					acknowledged[int64(step)] = true
				} else {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	for range 3 {
		for before := count(); count() < before+50; {
			time.Sleep(time.Millisecond) // let the load go on between restarts
		}
		b.stop()
		b.start(t)
	}
	for before := count(); count() < before+50; {
		time.Sleep(time.Millisecond)
	}
	close(stop)
	wg.Wait()
	lanes.Close()
	got := steps(t, b.frames(t, 0))
	for step := range acknowledged {
		if got[step] != 1 {
			t.Fatalf("step %d was acknowledged and is stored %d times", step, got[step])
		}
	}
	t.Logf("%d acknowledged, %d failed over 3 restarts", len(acknowledged), failed)
}

func TestAFullLaneAsksToComeBackAndThenTakesMore(t *testing.T) {
	b := startBus(t, 64<<10)
	lanes := lane.New(ingestnats.New(b.js), lane.Options{})
	var err error
	acknowledged := 0
	for i := 0; i < 100 && err == nil; i++ {
		if err = lanes.Commit(context.Background(), run, points(i*1000, 1000)); err == nil {
			acknowledged++
		}
	}
	var refusal *track.Error
	if !errors.As(err, &refusal) || refusal.Code != track.ResourceExhausted || refusal.RetryAfterSeconds == 0 {
		t.Fatalf("a full lane answers %#v", err)
	}
	before := b.frames(t, 0)
	if got := len(steps(t, before)); got != acknowledged*1000 {
		t.Fatalf("%d points are stored, %d acknowledged", got, acknowledged*1000)
	}
	b.purge(t, 0)
	if err := lanes.Commit(context.Background(), run, points(0, 10)); err != nil {
		t.Fatalf("after the lane was emptied: %v", err)
	}
	lanes.Close()
	if got := steps(t, append(before, b.frames(t, 0)...)); got[5] != 2 {
		t.Fatalf("step 5 is stored %d times, want before and after", got[5])
	}
}

// BenchmarkCommit is one durable acknowledgement, alone and among others.
func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{1, 8} {
		b.Run(strconv.Itoa(callers)+" callers", func(b *testing.B) {
			lanes := lane.New(ingestnats.New(startBus(b, 0).js), lane.Options{})
			defer lanes.Close()
			b.ResetTimer()
			var wg sync.WaitGroup
			for caller := range callers {
				wg.Go(func() {
					for i := caller; i < b.N; i += callers {
						if err := lanes.Commit(context.Background(), run, points(i, 1)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
