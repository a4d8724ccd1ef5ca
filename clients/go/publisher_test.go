package streamgauge

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

var errAway = errors.New("the server is away")

// faulty is a transport to a server that drops repeats, and between them a network that loses frames and answers.
type faulty struct {
	mu     sync.Mutex
	random *rand.Rand
	// frames by number, in the order of their first arrival.
	frames  map[uint64]*sgpb.Frame
	order   []uint64
	refuses func(*sgpb.Frame) bool
}

func newFaulty(seed uint64) *faulty {
	return &faulty{random: rand.New(rand.NewPCG(seed, 7)), frames: make(map[uint64]*sgpb.Frame)}
}

func (f *faulty) Send(_ context.Context, frames [][]byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, b := range frames {
		fault := f.random.IntN(10)
		if fault == 0 {
			return i, &Later{After: time.Microsecond, Reason: errors.New("the lane is full")}
		}
		decoded, err := frame.Decode(b)
		if err != nil || f.refuses != nil && f.refuses(decoded) {
			return i, &Refused{Reason: errors.New("no")}
		}
		if f.frames[decoded.GetNumber()] == nil {
			f.order = append(f.order, decoded.GetNumber())
		}
		f.frames[decoded.GetNumber()] = decoded
		if fault == 1 {
			return f.random.IntN(i + 1), errAway // and what was taken is not known
		}
	}
	return len(frames), nil
}

func TestWhatWasLoggedArrivesOnceAndInOrder(t *testing.T) {
	for seed := range uint64(20) {
		ctx, to := t.Context(), newFaulty(seed)
		p, err := NewPublisher(to, Options{Run: runID, PauseMin: time.Microsecond})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(ctx, Start{Experiment: "e", Ranks: 1}); err != nil {
			t.Fatal(err)
		}
		const steps = 300
		for step := range int64(steps) {
			if err := p.Log(ctx, step, map[string]float64{"loss": 1, "acc": 2}); err != nil {
				t.Fatal(err)
			}
			if step%50 == 0 {
				if err := p.Flush(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := p.Finish(ctx, Finished); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(ctx); err != nil {
			t.Fatal(err)
		}
		points, last := 0, uint64(0)
		for i, n := range to.order {
			if n != uint64(i+1) {
				t.Fatalf("seed %d: frames arrive as %v", seed, to.order)
			}
			for _, s := range to.frames[n].GetSections() {
				points += len(s.GetPoints().GetKey())
			}
			last = n
		}
		if points != 2*steps || !to.frames[last].GetClose() || to.frames[1].GetSections()[0].GetEvents()[0].GetStarted() == nil {
			t.Errorf("seed %d: %d points of %d", seed, points, 2*steps)
		}
		if s := p.Stats(); s.Points != points || s.FramesDurable != len(to.order) || s.FramesWaiting != 0 || s.FramesRefused != 0 {
			t.Errorf("seed %d: %+v, %d frames", seed, s, len(to.order))
		}
		if err := p.Log(ctx, 1, map[string]float64{"a": 1}); !errors.Is(err, ErrClosed) {
			t.Errorf("logged after the end: %v", err)
		}
	}
}

func TestARefusedFrameStopsNothing(t *testing.T) {
	ctx, to := t.Context(), newFaulty(1)
	to.refuses = func(f *sgpb.Frame) bool { return len(f.GetSections()[0].GetConsole()) > 0 }
	var refused []string
	p, err := NewPublisher(to, Options{Run: runID, PauseMin: time.Microsecond, Refused: func(f []byte, err error) {
		decoded, _ := frame.Decode(f)
		refused = append(refused, decoded.GetSections()[0].GetConsole()[0].GetText()+": "+err.Error())
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a", "b"} {
		if err := errors.Join(p.Log(ctx, 1, map[string]float64{"x": 1}), p.Flush(ctx), p.Console(ctx, &sgpb.ConsoleLine{Text: text}), p.Flush(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); strings.Join(refused, ", ") != "a: no, b: no" || s.FramesRefused != 2 || s.FramesDurable != 3 {
		t.Errorf("%v, %+v", refused, s)
	}
}

// stuck is a transport whose server is away until it is let go.
type stuck struct {
	free chan struct{}
}

func (s *stuck) Send(ctx context.Context, frames [][]byte) (int, error) {
	select {
	case <-s.free:
		return len(frames), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func TestAFullQueueMakesLogWait(t *testing.T) {
	to := &stuck{free: make(chan struct{})}
	p, err := NewPublisher(to, Options{QueueBytesMax: 1}) // one frame under way, one that is open
	if err != nil {
		t.Fatal(err)
	}
	full, cancel := context.WithCancelCause(t.Context())
	waited := errors.New("waited")
	logged := make(chan error)
	go func() {
		for {
			if err := p.Point(full, Point{Key: "k", Value: 1}); err != nil {
				logged <- err
				return
			}
		}
	}()
	// It waits once nothing changes any more.
	for before := -1; ; time.Sleep(50 * time.Millisecond) {
		n := p.Stats().Points
		if n == before {
			break
		}
		before = n
	}
	cancel(waited)
	if err := <-logged; !errors.Is(err, waited) {
		t.Errorf("Point: %v", err)
	}
	taken := p.Stats().Points
	if s := p.Stats(); s.FramesWaiting > 3 {
		t.Errorf("%+v", s)
	}
	close(to.free)
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := p.Stats(); s.Points != taken || s.FramesWaiting != 0 {
		t.Errorf("%+v", s)
	}
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	p, err := NewPublisher(&stuck{free: make(chan struct{})}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Log(t.Context(), 1, map[string]float64{"a": 1}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	if s := p.Stats(); s.FramesDurable != 0 || s.FramesWaiting == 0 {
		t.Errorf("%+v", s)
	}
}

func TestAnUnusedPublisherSendsNothing(t *testing.T) {
	to := newFaulty(1)
	p, err := NewPublisher(to, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(t.Context()); err != nil || len(to.order) > 0 {
		t.Errorf("%v, %v", err, to.order)
	}
}
