package topic_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/kafkatest"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

func TestFramesAreSentInBatchesThatFit(t *testing.T) {
	b := kafkatest.Start(t)
	name := kafkatest.Topic()
	b.Create(t, name, 1, "max.message.bytes=1048576")
	lanes := topic.Open([]string{b.Addr}, name)
	t.Cleanup(lanes.Close)
	ctx := context.Background()
	if err := lanes.AwaitLeaders(ctx, 1); err != nil {
		t.Fatal(err)
	}
	frames := [][]byte{{1}, bytes.Repeat([]byte{2}, bus.FrameBytesMax), bytes.Repeat([]byte{3}, 600<<10), bytes.Repeat([]byte{4}, 600<<10), {5}}
	if n, err := lanes.Publish(ctx, 0, "0123456789abcdef0123456789abcdef", frames); err != nil || n != len(frames) {
		t.Fatalf("%d frames, %v", n, err)
	}
	if first, end, err := lanes.Offsets(ctx, 0); err != nil || first != 0 || end != int64(len(frames)) {
		t.Errorf("offsets %d to %d, %v", first, end, err)
	}
	if size, err := lanes.Bytes(ctx, 0); err != nil || size < 2<<20 {
		t.Errorf("%d bytes, %v", size, err)
	}
	// What cannot be stored is told, with what was stored before it.
	if n, err := lanes.Publish(ctx, 0, "", [][]byte{{6}, bytes.Repeat([]byte{7}, 2<<20), {8}}); err == nil || n != 1 {
		t.Errorf("%d frames, %v", n, err)
	}
	if n, err := lanes.Publish(ctx, 7, "", [][]byte{{9}}); err == nil || n != 0 {
		t.Errorf("%d frames on a partition that is not there, %v", n, err)
	}
	if err := lanes.Delete(ctx, 0, 3); err != nil {
		t.Fatal(err)
	}
	if first, _, err := lanes.Offsets(ctx, 0); err != nil || first != 3 {
		t.Errorf("the first offset is %d, %v", first, err)
	}
	if err := lanes.Delete(ctx, 0, 99); err == nil {
		t.Error("records behind the end are deleted")
	}
}
