package alerts

import (
	"compress/gzip"
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// BenchmarkPoints gives the points a second of the evaluator beside those of decoding the same section, which a lane does
// to every point. Of the rules, one in ten watches a metric of the section's experiment: with 1,000, each point is judged
// by two. Conditions hold for some points one after another and never for long enough.
func BenchmarkPoints(b *testing.B) {
	const keys, points = 50, 5_000
	s := &feed.Section{RunID: "run", Experiment: 1}
	for k := range keys {
		s.Points.Keys = append(s.Points.Keys, fmt.Sprintf("train/metric-%d", k))
	}
	for i := range points {
		s.Points.Key = append(s.Points.Key, uint32(i%keys))
		s.Points.Step = append(s.Points.Step, int64(i/keys))
		s.Points.TimeMS = append(s.Points.TimeMS, 1_700_000_000_000+int64(i))
		s.Points.Value = append(s.Points.Value, float64(i%7))
	}
	rate := func(b *testing.B) {
		b.ReportMetric(float64(points)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpoints/s")
	}
	b.Run("decode", func(b *testing.B) {
		bytes, err := proto.Marshal(frame.PackPoints(&s.Points))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			packed := new(sgpb.Points)
			if err := proto.Unmarshal(bytes, packed); err != nil {
				b.Fatal(err)
			}
			if p := frame.UnpackPoints(packed); p.Len() != points {
				b.Fatal(p.Len())
			}
		}
		rate(b)
	})
	for _, n := range []int{0, 10, 1_000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			var rules []*alert.Rule
			for i := range n {
				r := threshold(fmt.Sprint(i), s.Points.Keys[i/10%keys], 7)
				if i%10 > 0 {
					r.ExperimentIDs = []string{fmt.Sprint(2 + i)}
				}
				rules = append(rules, r)
			}
			e := fresh(b, rules)
			sections := []*feed.Section{s}
			for b.Loop() {
				s.Seq++
				if events := e.Points(sections, 0); len(events) > 0 {
					b.Fatal(events)
				}
			}
			rate(b)
		})
	}
}

// BenchmarkSnapshot saves as many states as there may be, packed as they are stored, after at most one in a hundred has changed.
func BenchmarkSnapshot(b *testing.B) {
	e := fresh(b, []*alert.Rule{{ID: "nan", Revision: 1, Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.NaN}})
	const keys = 1_000
	seq := uint64(0)
	take := func(run int, value float64) {
		seq++
		s := &feed.Section{Seq: seq, RunID: fmt.Sprintf("%032x", run), Experiment: 1}
		for k := range keys {
			s.Points.Keys = append(s.Points.Keys, fmt.Sprintf("train/metric-%d", k))
			s.Points.Key, s.Points.Step = append(s.Points.Key, uint32(k)), append(s.Points.Step, 1)
			s.Points.TimeMS, s.Points.Value = append(s.Points.TimeMS, 1), append(s.Points.Value, value)
		}
		e.Points([]*feed.Section{s}, 0)
	}
	for run := range StatesMax / keys {
		take(run, math.NaN()) // what is well would make room
	}
	if e.States() != StatesMax {
		b.Fatal(e.States())
	}
	for name, save := range map[string]func() ([]byte, error){"whole": e.Snapshot, "changes": e.Changes} {
		b.Run(name, func(b *testing.B) {
			if _, err := e.Snapshot(); err != nil {
				b.Fatal(err)
			}
			var packed countBytes
			spent := time.Duration(0)
			for n := 0; b.Loop(); n++ {
				take(n%2, []float64{1, math.NaN()}[n/2%2])
				began := processor(b)
				states, err := save()
				if err != nil {
					b.Fatal(err)
				}
				packed = 0
				w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := w.Write(states); err != nil || w.Close() != nil {
					b.Fatal(err)
				}
				spent += processor(b) - began
			}
			b.ReportMetric(float64(packed), "bytes")
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// processor is the time that processors have spent on this process: others may be busy.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type countBytes int

func (c *countBytes) Write(b []byte) (int, error) { *c += countBytes(len(b)); return len(b), nil }
