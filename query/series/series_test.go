package series_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// TestDownsampleHidesNothing holds the buckets of random lines against their points.
func TestDownsampleHidesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 4))
		set := make(series.Set)
		var points []series.Bucket
		step := []int64{0, -1 << 62, math.MinInt64, 1 << 40}[r.IntN(4)]
		width := []int64{1, 3, 1 << 30, 1 << 52}[r.IntN(4)]
		for range 1 + r.IntN(300) {
			v := []float64{r.NormFloat64(), math.NaN(), math.Inf(1), math.Inf(-1), 0}[min(r.IntN(40), 4)]
			points = append(points, series.One(step, step, v))
			step += r.Int64N(width + 1)
		}
		set[series.ID{}] = append([]series.Bucket(nil), points...)
		n := 1 + r.IntN(60)
		line := set.Draw("k", n, false)[0]
		if len(line.Buckets) > n && len(points) > n {
			t.Fatalf("seed %d: %d buckets, at most %d asked for", seed, len(line.Buckets), n)
		}
		var all series.Bucket
		for i, b := range line.Buckets {
			if i == 0 {
				all = b
				continue
			}
			if b.StepFirst < line.Buckets[i-1].StepLast {
				t.Fatalf("seed %d: bucket %d begins before the one before it ends", seed, i)
			}
			all = all.Join(b)
		}
		want := points[0]
		for _, p := range points[1:] {
			want = want.Join(p)
		}
		if math.Abs(all.Sum-want.Sum) > 1e-9 {
			t.Fatalf("seed %d: sum %v, want %v", seed, all.Sum, want.Sum)
		}
		all.Sum, want.Sum = 0, 0
		if math.IsNaN(all.First) && math.IsNaN(want.First) {
			all.First, want.First = 0, 0
		}
		if math.IsNaN(all.Last) && math.IsNaN(want.Last) {
			all.Last, want.Last = 0, 0
		}
		if len(points) > 1 && points[0].StepFirst == points[1].StepFirst {
			all.First, want.First = 0, 0 // of points of one step any may be the first
		}
		if l := len(points); l > 1 && points[l-1].StepFirst == points[l-2].StepFirst {
			all.Last, want.Last = 0, 0
		}
		if all != want {
			t.Fatalf("seed %d: %+v, want %+v", seed, all, want)
		}
	}
}

func TestTheWidestRangeOfStepsIsDrawn(t *testing.T) {
	t.Parallel()
	buckets := []series.Bucket{series.One(math.MinInt64, 0, 1), series.One(-1, 0, 2), series.One(0, 0, 3), series.One(math.MaxInt64, 0, 4)}
	got := series.Downsample(buckets, 2)
	if len(got) != 2 || got[0].Points() != 2 || got[1].First != 3 || got[1].Last != 4 {
		t.Errorf("got %+v", got)
	}
}

func TestEncodeShowsGapsAndCounts(t *testing.T) {
	t.Parallel()
	set := make(series.Set)
	set.AddSection(&feed.Section{Rank: 2, Points: track.Points{Keys: []string{"k"}, Key: []uint32{0, 0, 0}, Step: []int64{1, 2, 9}, TimeMS: []int64{5, 6, 7}, Value: []float64{0.5, math.NaN(), 4}}}, "k", 0, 5)
	var w jx.Encoder
	series.Encode(&w, set.Draw("k", 10, true))
	want := `{"series":[{"key":"k","rank":2,"attempt":0,"points_total":2,"raw":true,"step":[1,2],"step_last":[1,2],"time":[5,6],` +
		`"min":[0.5,"NaN"],"max":[0.5,"NaN"],"mean":[0.5,"NaN"],"first":[0.5,"NaN"],"last":[0.5,"NaN"],"count":[1,1],"non_finite":[0,1]}]}`
	if got := w.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEncodeKeepsInfinities(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		name   string
		values []float64
		want   string
	}{
		{"an infinity", []float64{inf}, `"min":["Infinity"],"max":["Infinity"],"mean":["Infinity"],"first":["Infinity"],"last":["Infinity"]`},
		{"a negative one, then NaN", []float64{-inf, nan}, `"min":["-Infinity"],"max":["-Infinity"],"mean":["NaN"],"first":["-Infinity"],"last":["NaN"]`},
		{"both", []float64{inf, -inf}, `"min":["-Infinity"],"max":["Infinity"],"mean":["NaN"],"first":["Infinity"],"last":["-Infinity"]`},
		{"a number among them is the scale", []float64{2, nan, inf}, `"min":[2],"max":[2],"mean":[2],"first":[2],"last":["Infinity"]`},
	} {
		set := make(series.Set)
		for i, v := range tt.values {
			set[series.ID{}] = append(set[series.ID{}], series.One(int64(i), 1, v))
		}
		var w jx.Encoder
		series.Encode(&w, set.Draw("k", 1, true))
		if got := w.String(); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestRepeatedPointsAreDrawnOnce(t *testing.T) {
	t.Parallel()
	set := series.Set{series.ID{}: {series.One(1, 1, 1), series.One(1, 1, 1), series.One(1, 1, 2), series.One(2, 1, math.NaN()), series.One(2, 1, math.NaN())}}
	if line := set.Draw("k", 10, true)[0]; line.Points != 3 {
		t.Errorf("%d points, want 3", line.Points)
	}
}
