package streamgauge

import (
	"context"
	"errors"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/kafkatest"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/topic"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestKafkaSendsEachRunToItsLane(t *testing.T) {
	b := kafkatest.Fresh(t)
	b.Create(t, topic.NameDefault, 2)
	k := NewKafka([]string{b.Addr}, "", 2)
	t.Cleanup(k.Close)
	if err := k.topic.AwaitLeaders(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	encode := func(f *sgpb.Frame) []byte {
		out, err := frame.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var frames [][]byte
	want := [2]int64{}
	for w := range uint64(8) {
		run := track.NewRunID()
		for n := range uint64(3) {
			f := &sgpb.Frame{Writer: w + 1, Number: n + 1, Close: n == 2}
			if n < 2 { // the last frame has no section, and stays on the lane
				f.Sections = []*sgpb.Section{{RunId: run}}
			}
			frames = append(frames, encode(f))
			want[track.LaneOf(run, 2)]++
		}
	}
	if n, err := k.Send(t.Context(), frames); err != nil || n != len(frames) {
		t.Fatalf("%d of %d frames, %v", n, len(frames), err)
	}
	for lane, frames := range want {
		if _, end, err := k.topic.Offsets(context.Background(), uint16(lane)); err != nil || end != frames {
			t.Errorf("lane %d has %d frames, want %d, %v", lane, end, frames, err)
		}
	}
	var refused *Refused
	if n, err := k.Send(t.Context(), [][]byte{frames[0], []byte("garbage")}); n != 1 || !errors.As(err, &refused) {
		t.Errorf("garbage: %d, %v", n, err)
	}
	if n, err := k.Send(t.Context(), [][]byte{encode(&sgpb.Frame{Writer: 99, Number: 1})}); n != 0 || !errors.As(err, &refused) {
		t.Errorf("a frame without a lane: %d, %v", n, err)
	}
}
