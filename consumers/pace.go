package consumers

import "time"

// Pace says when a batch is cut. An insert costs some 24 ms and a part whatever its size, and readers have
// the tail, so there is no hurry; but a full block gains nothing by waiting.
type Pace struct {
	// RowsMax and BytesMax are what one insert takes at most. More than 1,048,449 rows would be two blocks.
	RowsMax, BytesMax int
	// GapMin passes between two cuts of which the first was not full.
	GapMin time.Duration
	// RowsSoon are worth an insert as soon as GapMin allows.
	RowsSoon int
	// AgeMax is how long the oldest frame waits at most.
	AgeMax time.Duration
}

// DefaultPace is the pace of a lane.
var DefaultPace = Pace{RowsMax: 500_000, BytesMax: 128 << 20, GapMin: 200 * time.Millisecond, RowsSoon: 50_000, AgeMax: 2 * time.Second}

// Waiting is what waits to be cut.
type Waiting struct {
	Frames, Rows, Bytes int
	// Age of the oldest frame; SinceCut since the last cut.
	Age, SinceCut time.Duration
	// Wanted: a reader asked for the data in the table.
	Wanted bool
	// Busy: a batch is being inserted. Until it is in, only a full one is worth merging: what comes meanwhile
	// makes the next one larger.
	Busy bool
}

// Delay is how long the next cut waits, 0 for now. Nothing waiting waits for AgeMax.
func (p Pace) Delay(w Waiting) time.Duration {
	switch {
	case w.Frames == 0:
		return p.AgeMax
	case w.Rows >= p.RowsMax || w.Bytes >= p.BytesMax:
		return 0
	case w.Busy:
		return p.AgeMax // the insert's end kicks
	}
	gap := max(p.GapMin-w.SinceCut, 0)
	if w.Wanted || w.Rows >= p.RowsSoon {
		return gap
	}
	return max(gap, p.AgeMax-w.Age)
}

// urgent says whether what came makes a cut due earlier than it was.
func (p Pace) urgent(before, after Waiting) bool {
	crosses := func(limit, from, to int) bool { return from < limit && to >= limit }
	return before.Frames == 0 || crosses(p.RowsSoon, before.Rows, after.Rows) ||
		crosses(p.RowsMax, before.Rows, after.Rows) || crosses(p.BytesMax, before.Bytes, after.Bytes)
}
