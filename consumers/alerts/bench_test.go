package alerts

import (
	"fmt"
	"testing"

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
