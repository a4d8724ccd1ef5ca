// Package appendertest says what every lane.Appender does.
package appendertest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// LaneBytesMax is the limit that a Bus under test must put on its lanes.
const LaneBytesMax = 64 << 10

// Bus is what the suite needs beside the appender: lanes 0 and 1, empty at first, limited to LaneBytesMax.
type Bus struct {
	lane.Appender
	// Frames are a lane's frames, oldest first.
	Frames func(lane uint16) [][]byte
	// Purge removes all frames of a lane.
	Purge func(lane uint16)
}

// wait is long enough for a busy machine.
const wait = 30 * time.Second

// Run runs the suite; each test gets a bus of its own.
func Run(t *testing.T, open func(t *testing.T) Bus) {
	for name, test := range map[string]func(t *testing.T, b Bus){
		"frames are stored in order, and their sequences grow":  ordered,
		"a frame appended twice is stored once":                 once,
		"lanes are apart":                                       apart,
		"a full lane refuses and the number stays free":         full,
		"a frame without a name is an error":                    nameless,
		"a context that has ended is no refusal":                ended,
		"appends at once all get sequences of their own":        atOnce,
		"a frame nearly as large as the lane fits":              largest,
		"a frame named after a purge is still not stored again": purged,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Frame makes a frame of about a size.
func Frame(t testing.TB, writer, number uint64, size int) []byte {
	t.Helper()
	points := &sgpb.Points{}
	if size > 0 {
		points.Value = make([]float64, size/8)
	}
	b, err := frame.Encode(&sgpb.Frame{Writer: writer, Number: number, Sections: []*sgpb.Section{{Points: points}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func add(t *testing.T, b Bus, laneNumber uint16, encoded []byte) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	seq, err := b.Append(ctx, laneNumber, encoded)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return seq
}

func want(t *testing.T, b Bus, laneNumber uint16, frames ...[]byte) {
	t.Helper()
	got := b.Frames(laneNumber)
	if len(got) != len(frames) {
		t.Fatalf("lane %d holds %d frames, want %d", laneNumber, len(got), len(frames))
	}
	for i := range got {
		if !bytes.Equal(got[i], frames[i]) {
			t.Fatalf("frame %d of lane %d is another", i, laneNumber)
		}
	}
}

func ordered(t *testing.T, b Bus) {
	var frames [][]byte
	last := uint64(0)
	for n := range uint64(20) {
		f := Frame(t, 7, n+1, int(n)*8)
		frames = append(frames, f)
		seq := add(t, b, 0, f)
		if seq <= last {
			t.Fatalf("sequence %d after %d", seq, last)
		}
		last = seq
	}
	want(t, b, 0, frames...)
}

func once(t *testing.T, b Bus) {
	first, second := Frame(t, 7, 1, 80), Frame(t, 7, 2, 80)
	seq := add(t, b, 0, first)
	add(t, b, 0, second)
	if again := add(t, b, 0, first); again != seq {
		t.Fatalf("the repeat has sequence %d, the frame %d", again, seq)
	}
	want(t, b, 0, first, second)
}

func apart(t *testing.T, b Bus) {
	f := Frame(t, 7, 1, 80)
	add(t, b, 0, f)
	want(t, b, 1)
	add(t, b, 1, f)
	want(t, b, 0, f)
	want(t, b, 1, f)
}

func full(t *testing.T, b Bus) {
	n := uint64(0)
	var err error
	for n < 100 && err == nil {
		n++
		_, err = b.Append(context.Background(), 0, Frame(t, 7, n, 8<<10))
	}
	var refused *lane.Refused
	if !errors.As(err, &refused) {
		t.Fatalf("a full lane answers %v, want a *lane.Refused", err)
	}
	var reason *track.Error
	if !errors.As(refused.Reason, &reason) || reason.Code != track.ResourceExhausted || reason.RetryAfterSeconds == 0 {
		t.Fatalf("the reason is %#v, want RESOURCE_EXHAUSTED and when to come back", refused.Reason)
	}
	if got := len(b.Frames(0)); got != int(n)-1 {
		t.Fatalf("%d frames are stored, %d were acknowledged", got, n-1)
	}
	b.Purge(0)
	other := Frame(t, 7, n, 16)
	add(t, b, 0, other)
	want(t, b, 0, other)
}

func nameless(t *testing.T, b Bus) {
	for _, f := range [][]byte{nil, {0xff}, Frame(t, 0, 1, 8), Frame(t, 1, 0, 8)} {
		if _, err := b.Append(context.Background(), 0, f); err == nil {
			t.Fatalf("%x is stored", f)
		}
	}
	want(t, b, 0)
}

func ended(t *testing.T, b Bus) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := b.Append(ctx, 0, Frame(t, 7, 1, 8))
	var refused *lane.Refused
	if err == nil || errors.As(err, &refused) {
		t.Fatalf("got %v, want an error that leaves the fate open", err)
	}
}

func atOnce(t *testing.T, b Bus) {
	const writers, frames = 8, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := make(map[uint64]bool)
	for w := range uint64(writers) {
		wg.Go(func() {
			for n := range uint64(frames) {
				seq, err := b.Append(context.Background(), 0, Frame(t, w+1, n+1, 8))
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				if seen[seq] {
					t.Errorf("sequence %d was given twice", seq)
				}
				seen[seq] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got := len(b.Frames(0)); got != writers*frames {
		t.Fatalf("%d frames, want %d", got, writers*frames)
	}
}

func largest(t *testing.T, b Bus) {
	f := Frame(t, 7, 1, LaneBytesMax-2048)
	add(t, b, 0, f)
	want(t, b, 0, f)
}

func purged(t *testing.T, b Bus) {
	f, next := Frame(t, 7, 1, 8), Frame(t, 7, 2, 8)
	seq := add(t, b, 0, f)
	b.Purge(0)
	add(t, b, 0, f)
	if got := add(t, b, 0, next); got <= seq {
		t.Fatalf("sequence %d after a purge, %d before", got, seq)
	}
	want(t, b, 0, next)
}
