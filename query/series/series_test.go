package series_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/streamgauge/streamgauge/query/series"
)

func value(r *rand.Rand) float64 {
	return []float64{r.NormFloat64(), math.NaN(), math.Inf(1), math.Inf(-1), 0}[min(r.IntN(40), 4)]
}

// points are random ones; steps may repeat, go back, and be as far apart as they can.
func points(r *rand.Rand, n int) []series.Bucket {
	var out []series.Bucket
	step := []int64{0, -1 << 62, math.MinInt64, 1 << 40}[r.IntN(4)]
	width := []int64{1, 3, 1 << 30, 1 << 52}[r.IntN(4)]
	for range n {
		out = append(out, series.One(step, 1_760_000_000_000+r.Int64N(1+width), value(r)))
		step += r.Int64N(width + 1)
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func total(buckets []series.Bucket) (all series.Bucket) {
	for _, b := range buckets {
		all = all.Join(b)
	}
	// Sums are rounded, and of points of one step any may be the first or last.
	all.Sum, all.First, all.Last = 0, 0, 0
	return all
}

// TestDrawHidesNothing holds the buckets of random lines against their points, drawn at once or from buckets of any
// finer grid, as the rollup gives them.
func TestDrawHidesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		all := points(r, 1+r.IntN(300))
		axis := []series.Axis{series.AxisStep, series.AxisTime, series.AxisRelative}[r.IntN(3)]
		const start = 1_760_000_000_000
		least, greatest := int64(math.MaxInt64), int64(math.MinInt64)
		for i := range all {
			x := axis.X(&all[i], start)
			least, greatest = min(least, x), max(greatest, x)
		}
		n := 2 + r.IntN(60)
		g := series.GridOf(axis, least, greatest, n)
		fine := series.Grid{Axis: axis, Shift: uint8(r.IntN(int(g.Shift) + 1))}
		drawn := g.Draw(fine.Draw(slices.Clone(all), start), start)
		if len(drawn) > n {
			t.Fatalf("seed %d: %d buckets, at most %d asked for", seed, len(drawn), n)
		}
		if got, want := total(drawn), total(all); got != want {
			t.Fatalf("seed %d: %+v, want %+v", seed, got, want)
		}
		for _, p := range all {
			if !within(drawn, p, g, start) {
				t.Fatalf("seed %d: no bucket of %+v shows %+v", seed, drawn, p)
			}
		}
		for i := range drawn {
			if m := drawn[i].Mean(); drawn[i].Finite > 0 && (m < drawn[i].Low || m > drawn[i].High) {
				t.Fatalf("seed %d: mean %v is not between %v and %v", seed, m, drawn[i].Low, drawn[i].High)
			}
			if i > 0 && axis.X(&drawn[i], start) <= axis.X(&drawn[i-1], start) {
				t.Fatalf("seed %d: bucket %d does not come after the one before it", seed, i)
			}
		}
	}
}

// within says whether the bucket of the point's place shows it.
func within(drawn []series.Bucket, p series.Bucket, g series.Grid, start int64) bool {
	at := func(b series.Bucket) int64 {
		if g.Shift > 63 {
			return 0
		}
		return g.Axis.X(&b, start) >> g.Shift
	}
	for i := range drawn {
		b := &drawn[i]
		if at(*b) != at(p) {
			continue
		}
		if p.StepFirst < b.StepFirst || p.StepFirst > b.StepLast || p.TimeFirst < b.TimeFirst || p.TimeFirst > b.TimeLast {
			return false
		}
		switch v := p.First; {
		case math.IsNaN(v):
			return b.NaNs > 0
		case math.IsInf(v, 1):
			return b.Infs > 0
		case math.IsInf(v, -1):
			return b.MinusInfs > 0
		default:
			return b.Min() <= v && v <= b.Max()
		}
	}
	return false
}

func TestEqualRawPointsAreOne(t *testing.T) {
	t.Parallel()
	g := series.Grid{Axis: series.AxisStep, Raw: true}
	nan := math.NaN()
	got := g.Draw([]series.Bucket{series.One(2, 1, nan), series.One(1, 1, 1), series.One(1, 1, 1), series.One(1, 1, 2), series.One(2, 1, nan)}, 0)
	if len(got) != 3 || got[0].First != 1 || got[1].First != 2 || got[2].NaNs != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestABucketOfNoFiniteValueSaysWhatIsThere(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		values         []float64
		low, high, avg float64
	}{
		{[]float64{inf}, inf, inf, inf},
		{[]float64{-inf, nan}, -inf, -inf, nan},
		{[]float64{inf, -inf}, -inf, inf, nan},
		{[]float64{2, nan, inf}, 2, 2, 2},
		{[]float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64, math.MaxFloat64, math.MaxFloat64},
	} {
		var b series.Bucket
		for i, v := range tt.values {
			b = b.Join(series.One(int64(i), 1, v))
		}
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		if !same(b.Min(), tt.low) || !same(b.Max(), tt.high) || !same(b.Mean(), tt.avg) {
			t.Errorf("%v: %v %v %v", tt.values, b.Min(), b.Max(), b.Mean())
		}
	}
}

// TestCutShowsTheHighestLaunch compares parts with the rule, step by step.
func TestCutShowsTheHighestLaunch(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 5))
		const steps = 40
		generations := 1 + r.IntN(3)
		upTo := make([]int64, generations)
		firsts := make(map[series.Launch]int64)
		for g := range generations {
			upTo[g] = r.Int64N(steps)
			for range r.IntN(4) {
				firsts[series.Launch{Generation: g, Attempt: uint32(r.IntN(5))}] = r.Int64N(steps)
			}
		}
		parts := series.Cut(firsts, upTo)
		for s := range int64(steps) {
			want, shown := wanted(firsts, upTo, s)
			n := 0
			for _, p := range parts {
				if s >= p.From && s <= p.To {
					n++
					if p.Launch != want {
						t.Fatalf("seed %d: step %d shows %+v, want %+v; %+v up to %v gave %+v", seed, s, p.Launch, want, firsts, upTo, parts)
					}
				}
			}
			if shown && n != 1 || !shown && n != 0 {
				t.Fatalf("seed %d: step %d is shown %d times; %+v up to %v gave %+v", seed, s, n, firsts, upTo, parts)
			}
		}
	}
}

// wanted is the rule as the design words it: the run's own launches first, then what it inherits.
func wanted(firsts map[series.Launch]int64, upTo []int64, step int64) (best series.Launch, ok bool) {
	for g := range upTo {
		if g > 0 && step > upTo[g] {
			return best, false
		}
		for l, first := range firsts {
			if l.Generation == g && first <= step && (!ok || l.Attempt > best.Attempt) {
				best, ok = l, true
			}
		}
		if ok {
			return best, true
		}
	}
	return best, false
}

// TestTrimLosesNoPoint trims buckets of random launches and reads again what lies across an end.
func TestTrimLosesNoPoint(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 6))
		w := series.Window{Axis: []series.Axis{series.AxisStep, series.AxisTime}[r.IntN(2)], From: r.Int64N(100), To: 50 + r.Int64N(200)}
		var raw, coarse series.Line
		fine := series.Grid{Axis: series.AxisStep, Shift: uint8(r.IntN(6))}
		for a := range uint32(1 + r.IntN(3)) {
			l := series.Launch{Attempt: a}
			var own []series.Bucket
			for range 1 + r.IntN(80) {
				p := series.One(r.Int64N(200), r.Int64N(250), value(r))
				own = append(own, p)
				raw.Add(l, p)
			}
			for _, b := range fine.Draw(own, 0) {
				coarse.Add(l, b)
			}
		}
		parts := series.Cut(raw.Firsts, []int64{0})
		want, none := raw.Trim(parts, w)
		if len(none) > 0 {
			t.Fatalf("seed %d: a point lies across an end", seed)
		}
		got, across := coarse.Trim(series.Cut(coarse.Firsts, []int64{0}), w)
		for _, s := range across {
			var again series.Line
			for _, p := range raw.Pieces {
				if p.Launch == s.Launch && p.StepFirst >= s.From && p.StepFirst <= s.To {
					again.Add(p.Launch, p.Bucket)
				}
			}
			some, _ := again.Trim(parts, w)
			got = append(got, some...)
		}
		if g, w := total(got), total(want); g != w {
			t.Fatalf("seed %d: %+v, want %+v", seed, g, w)
		}
	}
}
