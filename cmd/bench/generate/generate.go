// Package generate makes the load of a distributed training: frames of many keys and steps, as fast as a bus takes
// them, and a sum of what was acknowledged, so that it can be read back and compared.
package generate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Load is what one process generates.
type Load struct {
	// Runs get frames in turn, of Ranks each; 0 is one rank.
	Runs  []string
	Ranks int
	// Keys a run, Steps a frame: a frame has the product of both as points.
	Keys, Steps int
	// Duration of the load.
	Duration time.Duration
	// Rate is the greatest number of points a second, 0 for no limit.
	Rate int
}

// Unit is what all values are multiples of: few enough bits that sums of them are exact in any order.
const Unit = 1.0 / (1 << 20)

// Sum is what was acknowledged. Values are in Units.
type Sum struct {
	Frames  int64   `json:"frames"`
	Points  int64   `json:"points"`
	Steps   int64   `json:"steps"`
	Values  int64   `json:"values"`
	Seconds float64 `json:"seconds"`
	// CPU is the processor time of the process, which itself does not say.
	CPU time.Duration `json:"-"`
}

// Add joins what another process did at the same time.
func (s *Sum) Add(o Sum) {
	s.Frames += o.Frames
	s.Points += o.Points
	s.Steps += o.Steps
	s.Values += o.Values
	s.Seconds = max(s.Seconds, o.Seconds)
}

// Bus takes frames. Publish may return before the frame is acknowledged, and waits if too many are not; Flush waits
// for all. Both repeat what was refused for now, and fail for good only with an error.
type Bus interface {
	Publish(ctx context.Context, run string, data []byte) error
	Flush(ctx context.Context) error
	Close()
}

// Run sends frames until the time is over. The result counts what was acknowledged.
func (l Load) Run(ctx context.Context, to Bus) (Sum, error) {
	w := newWriters(l)
	begin := time.Now()
	for n := 0; time.Since(begin) < l.Duration; n++ {
		writer := n % len(w.ids)
		data, err := w.next(writer, int64(n/len(w.ids)*l.Steps))
		if err != nil {
			return w.sum, err
		}
		if err := to.Publish(ctx, l.Runs[writer%len(l.Runs)], data); err != nil {
			return w.sum, err
		}
		if l.Rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(w.sum.Points) * time.Second / time.Duration(l.Rate))))
		}
	}
	err := to.Flush(ctx)
	w.sum.Seconds = time.Since(begin).Seconds()
	return w.sum, err
}

// writers make frames, one writer for each rank of each run, for a writer stays on one lane. The columns are made once;
// steps, times and values change.
type writers struct {
	load Load
	// ids and numbers are the writers': of rank 0 of all runs, then rank 1.
	ids, numbers []uint64
	sum          Sum
	points       track.Points
}

func newWriters(l Load) *writers {
	all := len(l.Runs) * max(l.Ranks, 1)
	w := &writers{load: l, numbers: make([]uint64, all)}
	for range all {
		w.ids = append(w.ids, rand.Uint64()|1)
	}
	n := l.Keys * l.Steps
	w.points = track.Points{Key: make([]uint32, n), Step: make([]int64, n), TimeMS: make([]int64, n), Value: make([]float64, n)}
	for k := range l.Keys {
		w.points.Keys = append(w.points.Keys, fmt.Sprintf("layer_%03d/grad_norm", k))
	}
	for i := range n {
		w.points.Key[i] = uint32(i % l.Keys)
	}
	return w
}

// next makes the frame of a writer whose steps begin at first: every step has all keys, as a training logs them.
func (w *writers) next(writer int, first int64) ([]byte, error) {
	now := time.Now().UnixMilli()
	for i := range w.points.Step {
		step := first + int64(i/w.load.Keys)
		w.points.Step[i], w.points.TimeMS[i] = step, now
		v := Value(step, i%w.load.Keys)
		w.points.Value[i] = float64(v) * Unit
		w.sum.Steps += step
		w.sum.Values += v
	}
	w.sum.Frames++
	w.sum.Points += int64(len(w.points.Step))
	w.numbers[writer]++
	run, rank := w.load.Runs[writer%len(w.load.Runs)], uint32(writer/len(w.load.Runs))
	return frame.Encode(&sgpb.Frame{Writer: w.ids[writer], Number: w.numbers[writer], Sections: []*sgpb.Section{{RunId: run, Rank: rank, Points: frame.PackPoints(&w.points)}}})
}

// Value falls with the steps and has 16 bits of noise, as a loss of a training in single precision has. In Units.
func Value(step int64, key int) int64 {
	noise := uint64(step)*0x9e3779b97f4a7c15 + uint64(key)*0xbf58476d1ce4e5b9
	noise ^= noise >> 31
	noise *= 0x94d049bb133111eb
	return 1<<24/(step/1000+2) + int64(noise>>48)
}
