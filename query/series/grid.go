package series

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Axis is what a line is drawn over.
type Axis uint8

// The axes. Zero is none.
const (
	AxisStep Axis = iota + 1
	AxisTime
	AxisRelative
)

var axes = map[string]Axis{"step": AxisStep, "time": AxisTime, "relative": AxisRelative}

// ParseAxis reads a name of an axis.
func ParseAxis(text string) (Axis, error) {
	if a, ok := axes[text]; ok {
		return a, nil
	}
	return 0, fmt.Errorf("'axis' must be step, time or relative, not '%s'", text)
}

func (a Axis) String() string { return [...]string{"", "step", "time", "relative"}[a] }

// Grid cuts an axis into buckets that are 1 << Shift wide and begin at multiples of it, so that they stay where they
// are while a run goes on. A raw grid keeps points.
type Grid struct {
	Axis  Axis
	Raw   bool
	Shift uint8
}

// shiftMax joins everything.
const shiftMax = 64

// GridOf is the finest grid with at most n buckets between two places on the axis, both inclusive.
func GridOf(axis Axis, least, greatest int64, n int) Grid {
	g := Grid{Axis: axis}
	for g.Shift < shiftMax && uint64(g.at(greatest)-g.at(least)) >= uint64(max(n, 1)) {
		g.Shift++
	}
	return g
}

// Width of a bucket on the axis, 0 for raw points.
func (g Grid) Width() int64 {
	switch {
	case g.Raw:
		return 0
	case g.Shift >= shiftMax-1:
		return math.MaxInt64
	}
	return 1 << g.Shift
}

func (g Grid) at(x int64) int64 {
	if g.Shift >= shiftMax {
		return 0
	}
	return x >> g.Shift
}

// X is where a bucket begins on the axis; start is of its run, in milliseconds.
func (a Axis) X(b *Bucket, startMS int64) int64 {
	switch a {
	case AxisTime:
		return b.TimeFirst
	case AxisRelative:
		return b.TimeFirst - startMS
	}
	return b.StepFirst
}

// Draw sorts buckets and joins those of one place. Equal raw points are one. It may change the slice.
func (g Grid) Draw(buckets []Bucket, startMS int64) []Bucket {
	if g.Raw {
		slices.SortFunc(buckets, func(a, b Bucket) int { return compare(&a, &b) })
		return slices.CompactFunc(buckets, func(a, b Bucket) bool { return compare(&a, &b) == 0 })
	}
	// Buckets are large: what is sorted is where they lie.
	type place struct {
		slot int64
		at   int
	}
	places := make([]place, len(buckets))
	for i := range buckets {
		places[i] = place{g.at(g.Axis.X(&buckets[i], startMS)), i}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.slot != b.slot {
			return cmp.Compare(a.slot, b.slot)
		}
		return cmp.Or(compare(&buckets[a.at], &buckets[b.at]), cmp.Compare(a.at, b.at))
	})
	out := make([]Bucket, 0, len(buckets))
	for i, p := range places {
		if i > 0 && places[i-1].slot == p.slot {
			out[len(out)-1] = out[len(out)-1].Join(buckets[p.at])
			continue
		}
		out = append(out, buckets[p.at])
	}
	return out
}

// compare is the order of raw points; it is total, NaN included.
func compare(a, b *Bucket) int {
	if a.StepFirst != b.StepFirst {
		return cmp.Compare(a.StepFirst, b.StepFirst)
	}
	return cmp.Or(
		cmp.Compare(a.StepLast, b.StepLast), cmp.Compare(a.TimeFirst, b.TimeFirst), cmp.Compare(a.TimeLast, b.TimeLast),
		cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last),
	)
}
