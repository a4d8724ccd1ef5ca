// Package cuts divides tables of rows into what one file holds. It is pure.
package cuts

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/streamgauge/streamgauge/cmd/transfer"
)

// RunsMax is how many runs one condition names.
const RunsMax = 2000

// Slice is a condition that leaves as many rows as one file has: of some runs, or of one run and some of its keys, or of
// one of so many equal parts of a run or key.
type Slice struct {
	runs []uint64
	// from and to are the first and last key, if keyed.
	keyed    bool
	from, to string
	part, of int64
}

// Where writes the condition.
func (s Slice) Where(e *transfer.Events) string {
	text := transfer.Runs(s.runs)
	if s.keyed {
		text += " AND key >= " + transfer.Quote(s.from) + " AND key <= " + transfer.Quote(s.to)
	}
	if s.of > 1 {
		text += fmt.Sprintf(" AND %s %% %d = %d", e.Spread, s.of, s.part)
	}
	return text
}

// Halves are two slices that leave the same rows, for one that turned out to be too large.
func (s Slice) Halves() []Slice {
	if len(s.runs) > 1 {
		first, second := s, s
		first.runs, second.runs = s.runs[:len(s.runs)/2], s.runs[len(s.runs)/2:]
		return []Slice{first, second}
	}
	n := max(s.of, 1)
	first, second := s, s
	first.of, second.of = 2*n, 2*n
	second.part = s.part + n
	return []Slice{first, second}
}

// Counted is a run, or a key of one, and its rows.
type Counted[T any] struct {
	Of   T
	Rows int64
}

// OfRuns makes slices of runs. Those that are too large for a file are left to the second list, in order: the place of
// each among the slices is where its own shall stand.
func OfRuns(runs []Counted[uint64], rowsMax int64) (out []Slice, large map[int]Counted[uint64]) {
	slices.SortFunc(runs, func(a, b Counted[uint64]) int { return cmp.Compare(a.Of, b.Of) })
	large = make(map[int]Counted[uint64])
	var open Slice
	var rows int64
	end := func() {
		if len(open.runs) > 0 {
			out = append(out, open)
		}
		open, rows = Slice{}, 0
	}
	for _, r := range runs {
		if r.Rows > rowsMax {
			end()
			large[len(out)] = r
			out = append(out, Slice{runs: []uint64{r.Of}})
			continue
		}
		if rows+r.Rows > rowsMax || len(open.runs) == RunsMax {
			end()
		}
		open.runs = append(open.runs, r.Of)
		rows += r.Rows
	}
	end()
	return out, large
}

// OfKeys makes slices of the keys of one run.
func OfKeys(run uint64, keys []Counted[string], rowsMax int64) (out []Slice) {
	slices.SortFunc(keys, func(a, b Counted[string]) int {
		return cmp.Compare(a.Of, b.Of)
	})
	var rows int64
	for i, k := range keys {
		if k.Rows > rowsMax {
			one := Slice{runs: []uint64{run}, keyed: true, from: k.Of, to: k.Of}
			out = append(out, Evenly(one, k.Rows, rowsMax)...)
			rows = rowsMax // the next begins a slice
			continue
		}
		if i == 0 || rows+k.Rows > rowsMax {
			out = append(out, Slice{runs: []uint64{run}, keyed: true, from: k.Of})
			rows = 0
		}
		out[len(out)-1].to = k.Of
		rows += k.Rows
	}
	return out
}

// Evenly divides a slice into equal parts.
func Evenly(s Slice, rows, rowsMax int64) (out []Slice) {
	n := (rows + rowsMax - 1) / rowsMax
	for i := range n {
		s.part, s.of = i, n
		out = append(out, s)
	}
	return out
}
