package clickhouse_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	benchFrames = 600
	benchKeys   = 100
	benchSteps  = 41 // 4,100 points a frame
)

// benchFrame is what a training sends: every step all keys.
func benchFrame(b *testing.B, n int) []byte {
	b.Helper()
	data, err := frame.Encode(&sgpb.Frame{Writer: 1, Number: uint64(n) + 1, Sections: []*sgpb.Section{series(runID(1+n%10), benchKeys, benchSteps, int64(n/10*benchSteps))}})
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// BenchmarkDrain empties a lane that was filled before: M points a second, beside the bare insert of the same
// rows, which are sorted and in columns already.
func BenchmarkDrain(b *testing.B) {
	frames := make([][]byte, benchFrames)
	for i := range frames {
		frames[i] = benchFrame(b, i)
	}
	const rows = benchFrames * benchKeys * benchSteps
	for b.Loop() {
		b.StopTimer()
		r := newRig(b)
		for _, f := range frames {
			if _, err := r.js.PublishAsync(bus.EdgeSubject(0), f); err != nil {
				b.Fatal(err)
			}
		}
		<-r.js.PublishAsyncComplete()
		r.acks.AckLane(0, benchFrames)
		bare := bareInsert(b, r, frames)
		b.StartTimer()
		start := time.Now()
		_, tail, stop := r.start(nil)
		r.flush(tail)
		drain := time.Since(start)
		b.StopTimer()
		stop()
		r.query("2460000", "SELECT count() FROM streamgauge.points WHERE run != 0 AND lane = 0")
		b.ReportMetric(rows/drain.Seconds()/1e6, "Mpoints/s")
		b.ReportMetric(rows/bare.Seconds()/1e6, "bare-Mpoints/s")
		b.ReportMetric(bare.Seconds()/drain.Seconds(), "of-bare")
		b.StartTimer()
	}
}

// bareInsert times the inserts alone, into a lane of their own.
func bareInsert(b *testing.B, r *rig, frames [][]byte) time.Duration {
	b.Helper()
	sink := clickhouse.NewLane(r.config())
	defer sink.Close()
	if _, err := sink.Marker(r.ctx, 1); err != nil {
		b.Fatal(err)
	}
	intake := consumers.NewIntake(1, r, consumers.NewWriters(nil), func(_ context.Context, err error) error { return err })
	seen := consumers.NewWriters(nil)
	var total time.Duration
	const batch = 120 // frames: 492,000 rows
	for from := 0; from < len(frames); from += batch {
		x := consumers.NewBatch(1, uint64(from)+1, 1)
		for i := from; i < from+batch; i++ {
			f, err := intake.Take(r.ctx, consumers.Message{Seq: uint64(i) + 1, TimeMS: nowMS(r), Data: frames[i]})
			if err != nil {
				b.Fatal(err)
			}
			seen.Add(f.Writer, f.Number, f.TimeMS, false)
			x.Add(f)
		}
		x.Seal(seen)
		start := time.Now()
		if err := sink.Write(r.ctx, x, fmt.Sprint("bare:", from)); err != nil {
			b.Fatal(err)
		}
		total += time.Since(start)
	}
	return total
}

// BenchmarkIntakeAndBatch is the part of the drain that is ours: decode and merge.
func BenchmarkIntakeAndBatch(b *testing.B) {
	frames := make([]consumers.Message, 120)
	for i := range frames {
		frames[i] = consumers.Message{Seq: uint64(i) + 1, TimeMS: 1_760_000_000_000, Data: benchFrame(b, i)}
	}
	r := &rig{TB: b}
	for b.Loop() {
		intake := consumers.NewIntake(0, r, consumers.NewWriters(nil), func(_ context.Context, err error) error { return err })
		x, seen := consumers.NewBatch(0, 1, 1), consumers.NewWriters(nil)
		for _, m := range frames {
			f, err := intake.Take(b.Context(), m)
			if err != nil {
				b.Fatal(err)
			}
			seen.Add(f.Writer, f.Number, f.TimeMS, false)
			x.Add(f)
		}
		x.Seal(seen)
	}
	b.ReportMetric(float64(120*benchKeys*benchSteps)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpoints/s")
}

// BenchmarkAwait is what every read pays for reading its own writes.
func BenchmarkAwait(b *testing.B) {
	r := newRig(b)
	_, tail, _ := r.start(nil)
	var snapshot feed.Snapshot
	for b.Loop() {
		var err error
		if snapshot, err = tail.Run(r.ctx, 7); err != nil {
			b.Fatal(err)
		}
	}
	_ = snapshot
}
