// Package series is what a chart draws of a metric: a long line as a few buckets that hide no spike. It is
// pure; points come from ClickHouse, raw or as its rollup, and from the tail, in any order.
//
//	Extent -> Cut -> Part        which launch is shown at which step
//	Piece  -> Trim -> Grid.Draw  the buckets of the line, each point once
package series

import "math"

// Bucket is one point or some neighbouring ones. The zero value is empty.
type Bucket struct {
	// First and Last are the values of the least and the greatest step, whatever they are.
	First, Last         float64
	StepFirst, StepLast int64
	// TimeFirst and TimeLast are the least and the greatest time in milliseconds since the epoch.
	TimeFirst, TimeLast int64
	// Low, High and Sum are of the Finite values; without any, Low and High say nothing.
	Low, High, Sum float64
	Finite         uint64
	// NaNs, Infs and MinusInfs count the others.
	NaNs, Infs, MinusInfs uint64
}

// One is the bucket of one point.
func One(step, timeMS int64, v float64) Bucket {
	b := Bucket{First: v, Last: v, StepFirst: step, StepLast: step, TimeFirst: timeMS, TimeLast: timeMS}
	switch {
	case math.IsNaN(v):
		b.NaNs = 1
	case math.IsInf(v, 1):
		b.Infs = 1
	case math.IsInf(v, -1):
		b.MinusInfs = 1
	default:
		b.Low, b.High, b.Sum, b.Finite = v, v, v, 1
	}
	return b
}

// Points is how many points the bucket holds.
func (b *Bucket) Points() uint64 { return b.Finite + b.NaNs + b.Infs + b.MinusInfs }

// Join is the bucket of both; of equal steps b's first value and o's last one stay.
func (b Bucket) Join(o Bucket) Bucket {
	switch {
	case b.Points() == 0:
		return o
	case o.Points() == 0:
		return b
	}
	out := b
	if o.StepFirst < b.StepFirst {
		out.First, out.StepFirst = o.First, o.StepFirst
	}
	if o.StepLast >= b.StepLast {
		out.Last, out.StepLast = o.Last, o.StepLast
	}
	switch {
	case b.Finite == 0:
		out.Low, out.High = o.Low, o.High
	case o.Finite > 0:
		out.Low, out.High = min(b.Low, o.Low), max(b.High, o.High)
	}
	out.TimeFirst, out.TimeLast = min(b.TimeFirst, o.TimeFirst), max(b.TimeLast, o.TimeLast)
	out.Sum += o.Sum
	out.Finite += o.Finite
	out.NaNs += o.NaNs
	out.Infs += o.Infs
	out.MinusInfs += o.MinusInfs
	return out
}

// Min, Max and Mean are of the finite values; where there is none, what the others are: the least and greatest
// of them leave NaN out, their mean does not.
func (b *Bucket) Min() float64 {
	switch {
	case b.Finite > 0:
		return b.Low
	case b.MinusInfs > 0:
		return math.Inf(-1)
	case b.Infs > 0:
		return math.Inf(1)
	}
	return math.NaN()
}

// Max is described at Min.
func (b *Bucket) Max() float64 {
	switch {
	case b.Finite > 0:
		return b.High
	case b.Infs > 0:
		return math.Inf(1)
	case b.MinusInfs > 0:
		return math.Inf(-1)
	}
	return math.NaN()
}

// Mean is described at Min. It lies between them, whatever rounding did to the sum.
func (b *Bucket) Mean() float64 {
	switch {
	case b.Finite == 1:
		return b.Low // not b.Sum, so that a raw point is exact
	case b.Finite > 0 && math.IsInf(b.Sum, 0):
		return b.Low/2 + b.High/2 // the sum is too large for a double
	case b.Finite > 0:
		return min(max(b.Sum/float64(b.Finite), b.Low), b.High)
	case b.NaNs > 0:
		return math.NaN()
	}
	return b.Min() + b.Max() // twice the same infinity, or NaN of both
}
