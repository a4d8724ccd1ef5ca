package cli

import (
	"math"
	"strings"
)

// blocks are the heights of a sparkline, lowest first.
var blocks = []rune("▁▂▃▄▅▆▇█")

// sparkline draws values as blocks between their least and greatest finite one. Values that are not finite
// are gaps: NaN a space, infinities the edge they went over.
func sparkline(values []float64) string {
	lo, hi := bounds(values)
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case math.IsInf(v, 1):
			b.WriteString("↑")
		case math.IsInf(v, -1):
			b.WriteString("↓")
		case hi == lo:
			b.WriteRune(blocks[len(blocks)/2])
		default:
			// Halved before they are subtracted: the span of two large values may be beyond a float64.
			share := (v/2 - lo/2) / (hi/2 - lo/2)
			b.WriteRune(blocks[min(len(blocks)-1, int(share*float64(len(blocks))))])
		}
	}
	return b.String()
}

// bounds are the least and greatest finite values, 0 and 0 if there is none.
func bounds(values []float64) (lo, hi float64) {
	first := true
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if first {
			lo, hi, first = v, v, false
			continue
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// point is a value at a step.
type point struct {
	Step  int64
	Value float64
}

// columns spreads points, in order of step, over at most n columns, none narrower than width in steps. A column that no point falls into stays empty;
// of several the mean of the finite ones stands, else what they are instead.
func columns(points []point, n int, width float64) []float64 {
	if len(points) == 0 || n <= 0 {
		return nil
	}
	first, last := float64(points[0].Step), float64(points[len(points)-1].Step)
	if fit := (last - first) / width; fit < float64(n-1) {
		n = int(fit) + 1
	}
	out := make([]float64, n)
	counts := make([]int, n)
	odd := make([]float64, n)
	for i := range odd {
		odd[i] = math.NaN()
	}
	for _, p := range points {
		i := 0
		if last > first {
			i = min(n-1, int((float64(p.Step)-first)/(last-first+1)*float64(n)))
		}
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			odd[i] = p.Value
			continue
		}
		counts[i]++
		out[i] += (p.Value - out[i]) / float64(counts[i])
	}
	for i := range out {
		if counts[i] == 0 {
			out[i] = odd[i]
		}
	}
	return out
}
