package series

import (
	"cmp"
	"math"
	"slices"
)

// Launch is one attempt of a run of a lineage: generation 0 is the run itself, 1 the run that it was forked from.
type Launch struct {
	Generation int
	Attempt    uint32
}

func (l Launch) compare(o Launch) int {
	// What is shown where several were: the younger generation, then the higher attempt.
	return cmp.Or(cmp.Compare(o.Generation, l.Generation), cmp.Compare(l.Attempt, o.Attempt))
}

// Part is a stretch of steps, both inclusive, that a line shows of one launch.
type Part struct {
	Launch
	From, To int64
}

// Cut says what a line shows, in the order of steps: at each step the highest launch whose first step is at or before
// it. firsts are the first steps by launch; upTo[g] is the last step that is inherited of generation g, upTo[0] is
// not looked at. Parts do not overlap; a launch that is hidden has none.
func Cut(firsts map[Launch]int64, upTo []int64) []Part {
	launches := make([]Launch, 0, len(firsts))
	for l := range firsts {
		launches = append(launches, l)
	}
	slices.SortFunc(launches, func(a, b Launch) int { return b.compare(a) })
	var parts []Part
	limit := int64(math.MaxInt64) // the last step that is still to be shown
	generation := 0
	for _, l := range launches {
		for ; generation < l.Generation; generation++ {
			limit = min(limit, upTo[generation+1])
		}
		first := firsts[l]
		if first > limit {
			continue
		}
		parts = append(parts, Part{l, first, limit})
		if first == math.MinInt64 {
			break
		}
		limit = first - 1
	}
	slices.Reverse(parts)
	return parts
}

// Window is the range of a chart, both ends inclusive: on the axis and, where a launch is cut, of steps.
type Window struct {
	Axis     Axis
	From, To int64
	StartMS  int64
}

// Side says where a bucket lies to a range.
type Side uint8

// The sides: wholly in it, wholly outside, or over an end of it.
const (
	Inside Side = iota + 1
	Outside
	Across
)

// Side of a bucket to a part of a line in the window.
func (w Window) Side(b *Bucket, p Part) Side {
	first, last := b.StepFirst, b.StepLast
	s := side(first, last, p.From, p.To)
	switch w.Axis {
	case AxisTime:
		first, last = b.TimeFirst, b.TimeLast
	case AxisRelative:
		first, last = b.TimeFirst-w.StartMS, b.TimeLast-w.StartMS
	}
	o := side(first, last, w.From, w.To)
	switch {
	case s == Outside || o == Outside:
		return Outside
	case s == Inside && o == Inside:
		return Inside
	}
	return Across
}

func side(first, last, from, to int64) Side {
	switch {
	case last < from || first > to:
		return Outside
	case first >= from && last <= to:
		return Inside
	}
	return Across
}

// Piece is a bucket of one launch.
type Piece struct {
	Launch
	Bucket
}

// Line is one line as it was read: pieces in no order.
type Line struct {
	Pieces []Piece
	// Firsts are first steps that the pieces may not show, for they lie before the window.
	Firsts map[Launch]int64
}

// Add adds a bucket.
func (l *Line) Add(at Launch, b Bucket) {
	l.Pieces = append(l.Pieces, Piece{at, b})
	l.See(at, b.StepFirst)
}

// See notes a step of a launch.
func (l *Line) See(at Launch, step int64) {
	if l.Firsts == nil {
		l.Firsts = make(map[Launch]int64)
	}
	if old, ok := l.Firsts[at]; !ok || step < old {
		l.Firsts[at] = step
	}
}

// Stretch is a range of steps of a launch that must be read point by point.
type Stretch struct {
	Launch
	// Piece is the index of the piece that lies across.
	Piece    int
	From, To int64
}

// Trim keeps what the parts show in the window, and names what lies across an end and is to be read as points.
func (l *Line) Trim(parts []Part, w Window) (shown []Bucket, across []Stretch) {
	by := make(map[Launch]Part, len(parts))
	for _, p := range parts {
		by[p.Launch] = p
	}
	shown = make([]Bucket, 0, len(l.Pieces))
	for i := range l.Pieces {
		piece := &l.Pieces[i]
		p, ok := by[piece.Launch]
		if !ok {
			continue
		}
		switch w.Side(&piece.Bucket, p) {
		case Inside:
			shown = append(shown, piece.Bucket)
		case Across:
			across = append(across, Stretch{piece.Launch, i, max(piece.StepFirst, p.From), min(piece.StepLast, p.To)})
		}
	}
	return shown, across
}
