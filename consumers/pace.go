package consumers

import "time"

// Pace says when a batch is cut. An insert costs some 24 ms and a part whatever its size, and readers have
// the tail, so there is no hurry; but a full block gains nothing by waiting.
type Pace struct {
	// RowsMax and BytesMax are what one insert takes at most. More than 1,048,449 rows would be two blocks.
	RowsMax, BytesMax int
	// GapMin passes between two cuts of which the first was not full, GapOwn if nobody asked for the second.
	GapMin, GapOwn time.Duration
	// RowsSoon are worth an insert as soon as GapMin allows.
	RowsSoon int
	// AgeMax is how long the oldest frame waits at most.
	AgeMax time.Duration
}

// DefaultPace is the pace of a lane.
var DefaultPace = Pace{RowsMax: 500_000, BytesMax: 128 << 20, GapMin: 200 * time.Millisecond, GapOwn: 200 * time.Millisecond, RowsSoon: 50_000, AgeMax: 2 * time.Second}

// rowsOfAllMax are the rows of full batches of all lanes of a process, and rowsOfOneMin is what an insert is worth.
const rowsOfAllMax, rowsOfOneMin = 1_000_000, 100_000

// PaceOf is the pace of each of several lanes of one process: together they make about as many parts as one, and their
// batches take about as much memory as those of two.
func PaceOf(lanes int) Pace {
	p := DefaultPace
	p.GapOwn *= time.Duration(max(lanes, 1))
	if rows := min(max(rowsOfAllMax/max(lanes, 1), rowsOfOneMin), p.RowsMax); rows < p.RowsMax {
		p.BytesMax = int(int64(p.BytesMax) * int64(rows) / int64(p.RowsMax))
		p.RowsMax = rows
	}
	return p
}

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
	if w.Wanted {
		return max(p.GapMin-w.SinceCut, 0)
	}
	gap := max(p.GapMin, p.GapOwn) - w.SinceCut
	if w.Rows >= p.RowsSoon {
		return max(gap, 0)
	}
	return max(gap, p.AgeMax-w.Age, 0)
}

// urgent says whether what came makes a cut due earlier than it was.
func (p Pace) urgent(before, after Waiting) bool {
	crosses := func(limit, from, to int) bool { return from < limit && to >= limit }
	return before.Frames == 0 || crosses(p.RowsSoon, before.Rows, after.Rows) ||
		crosses(p.RowsMax, before.Rows, after.Rows) || crosses(p.BytesMax, before.Bytes, after.Bytes)
}
