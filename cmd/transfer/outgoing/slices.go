package outgoing

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/streamgauge/streamgauge/cmd/transfer"
)

// runsMax is how many runs one condition names.
const runsMax = 2000

// slice is a condition that leaves as many rows as one file has: of some runs, or of one run and some of its keys, or of
// one of so many equal parts of a run or key.
type slice struct {
	runs []uint64
	// from and to are the first and last key, if keyed.
	keyed    bool
	from, to string
	part, of int64
}

// where writes the condition.
func (s slice) where(e *transfer.Events) string {
	text := transfer.Runs(s.runs)
	if s.keyed {
		text += " AND key >= " + transfer.Quote(s.from) + " AND key <= " + transfer.Quote(s.to)
	}
	if s.of > 1 {
		text += fmt.Sprintf(" AND %s %% %d = %d", e.Spread, s.of, s.part)
	}
	return text
}

// halves are two slices that leave the same rows, for one that turned out to be too large.
func (s slice) halves() []slice {
	if len(s.runs) > 1 {
		first, second := s, s
		first.runs, second.runs = s.runs[:len(s.runs)/2], s.runs[len(s.runs)/2:]
		return []slice{first, second}
	}
	n := max(s.of, 1)
	first, second := s, s
	first.of, second.of = 2*n, 2*n
	second.part = s.part + n
	return []slice{first, second}
}

// counted is a run, or a key of one, and its rows.
type counted[T any] struct {
	of   T
	rows int64
}

// cutRuns makes slices of runs. Those that are too large for a file are left to the second list, in order: the place of
// each among the slices is where its own shall stand.
func cutRuns(runs []counted[uint64], rowsMax int64) (out []slice, large map[int]counted[uint64]) {
	slices.SortFunc(runs, func(a, b counted[uint64]) int { return cmp.Compare(a.of, b.of) })
	large = make(map[int]counted[uint64])
	var open slice
	var rows int64
	end := func() {
		if len(open.runs) > 0 {
			out = append(out, open)
		}
		open, rows = slice{}, 0
	}
	for _, r := range runs {
		if r.rows > rowsMax {
			end()
			large[len(out)] = r
			out = append(out, slice{runs: []uint64{r.of}})
			continue
		}
		if rows+r.rows > rowsMax || len(open.runs) == runsMax {
			end()
		}
		open.runs = append(open.runs, r.of)
		rows += r.rows
	}
	end()
	return out, large
}

// cutKeys makes slices of the keys of one run.
func cutKeys(run uint64, keys []counted[string], rowsMax int64) (out []slice) {
	slices.SortFunc(keys, func(a, b counted[string]) int {
		return cmp.Compare(a.of, b.of)
	})
	var rows int64
	for i, k := range keys {
		if k.rows > rowsMax {
			one := slice{runs: []uint64{run}, keyed: true, from: k.of, to: k.of}
			out = append(out, evenly(one, k.rows, rowsMax)...)
			rows = rowsMax // the next begins a slice
			continue
		}
		if i == 0 || rows+k.rows > rowsMax {
			out = append(out, slice{runs: []uint64{run}, keyed: true, from: k.of})
			rows = 0
		}
		out[len(out)-1].to = k.of
		rows += k.rows
	}
	return out
}

// evenly divides a slice into equal parts.
func evenly(s slice, rows, rowsMax int64) (out []slice) {
	n := (rows + rowsMax - 1) / rowsMax
	for i := range n {
		s.part, s.of = i, n
		out = append(out, s)
	}
	return out
}
