package consumers

import (
	"time"

	"github.com/streamgauge/streamgauge/schemas/table"
)

const (
	// WriterIdleMax is how long a writer is remembered after its newest frame, by the bus's clock.
	WriterIdleMax = 30 * 24 * time.Hour
	// WriterClosedMax is how long a writer is remembered after its close frame: whose answer was lost sends its last
	// frames again when there is a network, which may be after a night or a long weekend. A writer takes some
	// hundred bytes meanwhile.
	WriterClosedMax = 7 * 24 * time.Hour
	// forgetEvery is how often, by the bus's clock, writers are looked through for old ones.
	forgetEvery = time.Hour
)

// Verdict is what a frame number is to its writer's history.
type Verdict int

// The verdicts. A number that leaves more than RangesMax ranges is TooScattered and not remembered.
const (
	New Verdict = iota + 1
	Repeat
	TooScattered
)

// Writers remembers which frame numbers were seen of each writer of a lane. It depends on nothing but the
// frames added, so that every owner of a lane decides alike.
type Writers struct {
	byID     map[uint64]*writer
	holes    int
	forgotMS int64
}

type writer struct {
	seen   ranges
	timeMS int64
	closed bool
}

// NewWriters remembers what the ranges say.
func NewWriters(seen []table.WriterRange) *Writers {
	w := &Writers{byID: make(map[uint64]*writer)}
	for _, s := range seen {
		e := w.entry(s.Writer)
		w.holes -= e.seen.holes()
		e.seen = e.seen.add(s.First, s.Last)
		w.holes += e.seen.holes()
		e.timeMS = max(e.timeMS, s.TimeMS)
		e.closed = e.closed || s.Closed
	}
	return w
}

// Add takes a frame's number, unless it was seen.
func (w *Writers) Add(id, number uint64, timeMS int64, closes bool) Verdict {
	w.forget(timeMS)
	e := w.entry(id)
	if e.seen.has(number) {
		return Repeat
	}
	before := e.seen.holes()
	if len(e.seen) >= RangesMax && !e.seen.has(number-1) && !e.seen.has(number+1) {
		return TooScattered
	}
	e.seen = e.seen.add(number, number)
	w.holes += e.seen.holes() - before
	e.timeMS = max(e.timeMS, timeMS)
	e.closed = e.closed || closes
	return New
}

// Holes counts the gaps in all writers' numbers.
func (w *Writers) Holes() int { return w.holes }

// Ranges are all numbers seen of a writer.
func (w *Writers) Ranges(id uint64) []table.WriterRange {
	e := w.byID[id]
	if e == nil {
		return nil
	}
	out := make([]table.WriterRange, len(e.seen))
	for i, s := range e.seen {
		out[i] = table.WriterRange{Writer: id, First: s.first, Last: s.last, TimeMS: e.timeMS, Closed: e.closed}
	}
	return out
}

func (w *Writers) entry(id uint64) *writer {
	e := w.byID[id]
	if e == nil {
		e = new(writer)
		w.byID[id] = e
	}
	return e
}

// forget drops writers that have been silent for long.
func (w *Writers) forget(nowMS int64) {
	if nowMS-w.forgotMS < forgetEvery.Milliseconds() {
		return
	}
	w.forgotMS = nowMS
	for id, e := range w.byID {
		idle := nowMS - e.timeMS
		if idle > WriterIdleMax.Milliseconds() || e.closed && idle > WriterClosedMax.Milliseconds() {
			w.holes -= e.seen.holes()
			delete(w.byID, id)
		}
	}
}
