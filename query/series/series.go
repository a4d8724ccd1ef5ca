// Package series is what a chart draws of a metric: a long line as a few buckets that hide no spike. It is
// pure; points come from ClickHouse, raw or as its rollup, and from the tail, in any order.
package series

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/streamgauge/streamgauge/schemas/feed"
)

// Bucket is one point or some neighbouring ones.
type Bucket struct {
	// First and Last are the values of the least and the greatest step, whatever they are.
	First, Last         float64
	StepFirst, StepLast int64
	// TimeMS is the newest time.
	TimeMS int64
	// Low, High and Sum are of the Finite values; without any, Low and High say nothing.
	Low, High, Sum float64
	Finite         uint64
	// NaNs, Infs and MinusInfs count the others.
	NaNs, Infs, MinusInfs uint64
}

// One is the bucket of one point.
func One(step, timeMS int64, v float64) Bucket {
	b := Bucket{First: v, Last: v, StepFirst: step, StepLast: step, TimeMS: timeMS}
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
func (b Bucket) Points() uint64 { return b.Finite + b.Odd() }

// Odd is how many of them are NaN or infinite.
func (b Bucket) Odd() uint64 { return b.NaNs + b.Infs + b.MinusInfs }

// Join is the bucket of both; of equal steps b's first value and o's last one stay.
func (b Bucket) Join(o Bucket) Bucket {
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
	out.TimeMS = max(b.TimeMS, o.TimeMS)
	out.Sum += o.Sum
	out.Finite += o.Finite
	out.NaNs += o.NaNs
	out.Infs += o.Infs
	out.MinusInfs += o.MinusInfs
	return out
}

// ID names a series of a key.
type ID struct{ Rank, Attempt uint32 }

// Series is one line.
type Series struct {
	ID
	Key     string
	Buckets []Bucket
	// Points is how many points are behind the buckets.
	Points uint64
	// Raw says that each bucket is one point.
	Raw bool
}

// Set collects buckets of a key's series.
type Set map[ID][]Bucket

// AddSection adds the points of a key that lie between two steps, both inclusive.
func (s Set) AddSection(sec *feed.Section, key string, from, to int64) {
	k := slices.Index(sec.Points.Keys, key)
	if k < 0 {
		return
	}
	id := ID{sec.Rank, sec.Attempt}
	for i, at := range sec.Points.Key {
		if step := sec.Points.Step[i]; int(at) == k && step >= from && step <= to {
			s[id] = append(s[id], One(step, sec.Points.TimeMS[i], sec.Points.Value[i]))
		}
	}
}

// Draw makes the lines of at most n buckets each, lowest rank first; distinct says that buckets are points and
// that equal ones are one point.
func (s Set) Draw(key string, n int, distinct bool) []Series {
	out := make([]Series, 0, len(s))
	for id, buckets := range s {
		slices.SortFunc(buckets, compare)
		if distinct {
			buckets = slices.CompactFunc(buckets, func(a, b Bucket) bool { return compare(a, b) == 0 })
		}
		line := Series{ID: id, Key: key, Buckets: Downsample(buckets, n), Raw: true}
		for _, b := range line.Buckets {
			line.Points += b.Points()
			line.Raw = line.Raw && b.Points() == 1
		}
		out = append(out, line)
	}
	slices.SortFunc(out, func(a, b Series) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Attempt, b.Attempt))
	})
	return out
}

func compare(a, b Bucket) int {
	return cmp.Or(cmp.Compare(a.StepFirst, b.StepFirst), cmp.Compare(a.StepLast, b.StepLast), cmp.Compare(a.TimeMS, b.TimeMS), cmp.Compare(a.First, b.First))
}

// Downsample joins sorted buckets into at most n that are equally wide in steps. The least, greatest, first
// and last values stay, and every point is counted once.
func Downsample(buckets []Bucket, n int) []Bucket {
	if len(buckets) <= n || n < 1 {
		return buckets
	}
	first, last := buckets[0].StepFirst, buckets[0].StepFirst
	for _, b := range buckets {
		last = max(last, b.StepFirst)
	}
	// Unsigned, so that the widest range of steps does not overflow.
	width := uint64(last) - uint64(first)
	var out []Bucket
	at := -1
	for _, b := range buckets {
		i := slot(uint64(b.StepFirst)-uint64(first), width, n)
		if i != at {
			out, at = append(out, b), i
			continue
		}
		out[len(out)-1] = out[len(out)-1].Join(b)
	}
	return out
}

// slot is offset * n / (width + 1), rounded down, in 128 bits.
func slot(offset, width uint64, n int) int {
	if width == math.MaxUint64 {
		hi, _ := bits.Mul64(offset, uint64(n))
		return int(hi)
	}
	hi, lo := bits.Mul64(offset, uint64(n))
	q, _ := bits.Div64(hi, lo, width+1)
	return int(q)
}

// Join adds the buckets of another set whose ranks lie between two, both inclusive.
func (s Set) Join(o Set, rankFrom, rankTo uint32) {
	for id, buckets := range o {
		if id.Rank >= rankFrom && id.Rank <= rankTo {
			s[id] = append(s[id], buckets...)
		}
	}
}
