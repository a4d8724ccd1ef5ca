package cuts

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/cmd/transfer"
)

func TestSlicesOfRunsHaveEveryRunOnceAndFitAFile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var runs []Counted[uint64]
		rows := make(map[uint64]int64)
		for n := range uint64(random.IntN(50)) {
			c := Counted[uint64]{Of: n + 1, Rows: 1 + random.Int64N(150)}
			runs = append(runs, c)
			rows[c.Of] = c.Rows
		}
		random.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		slices, large := OfRuns(runs, 100)
		seen, last := 0, uint64(0)
		for i, s := range slices {
			var sum int64
			for _, r := range s.runs {
				if r <= last {
					t.Fatalf("run %d stands behind %d", r, last)
				}
				last = r
				seen++
				sum += rows[r]
			}
			if _, isLarge := large[i]; isLarge != (sum > 100) || isLarge && len(s.runs) != 1 {
				t.Fatalf("slice of %d runs and %d rows, large: %v", len(s.runs), sum, isLarge)
			}
		}
		if seen != len(runs) {
			t.Fatalf("%d of %d runs", seen, len(runs))
		}
	}
}

func TestSlicesOfKeysLeaveNoKeyOut(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var keys []Counted[string]
		for n := range random.IntN(30) {
			keys = append(keys, Counted[string]{Of: fmt.Sprintf("k%03d", n), Rows: 1 + random.Int64N(250)})
		}
		random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		slices := OfKeys(9, keys, 100)
		for _, k := range keys {
			parts, of := 0, int64(1)
			for _, s := range slices {
				if s.from <= k.Of && k.Of <= s.to {
					parts++
					of = max(s.of, 1)
				}
			}
			if int64(parts) != of || k.Rows > 100*of {
				t.Fatalf("key %s of %d rows is in %d slices of %d parts", k.Of, k.Rows, parts, of)
			}
		}
	}
}

func TestHalvesLeaveTheSameRows(t *testing.T) {
	s := Slice{runs: []uint64{1, 2, 3}}
	var runs []uint64
	for _, h := range s.Halves() {
		runs = append(runs, h.runs...)
	}
	if fmt.Sprint(runs) != "[1 2 3]" {
		t.Errorf("halves of three runs have %v", runs)
	}
	parts := []Slice{{runs: []uint64{1}}}
	for range 3 {
		var next []Slice
		for _, p := range parts {
			next = append(next, p.Halves()...)
		}
		parts = next
	}
	for hash := range int64(100) {
		n := 0
		for _, p := range parts {
			if hash%p.of == p.part {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("rows of hash %d are in %d of %d parts", hash, n, len(parts))
		}
	}
}

func TestNamesAreQuoted(t *testing.T) {
	s := Slice{runs: []uint64{5}, keyed: true, from: `a'b\`, to: "ü", part: 1, of: 2}
	got := s.Where(transfer.AllEvents[0])
	if want := `run IN (5) AND key >= 'a\'b\\' AND key <= 'ü' AND `; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " % 2 = 1") {
		t.Errorf("the condition is %s", got)
	}
}
