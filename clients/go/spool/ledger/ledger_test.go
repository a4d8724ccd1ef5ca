package ledger

import "testing"

func FuzzLedgersAreReadOrRefused(f *testing.F) {
	l := make([]byte, ledgerBytes)
	copy(l, ledgerMagic)
	l[8] = version
	copy(l[slotBytes:], Cut{Number: 1, Segment: 1, End: 160, Points: 3}.format())
	copy(l[firstCut+2*slotBytes:], Cut{Number: 2, Segment: 1, End: 260, Points: 3}.format())
	f.Add(l)
	f.Fuzz(func(t *testing.T, b []byte) {
		acknowledged, cuts, err := parseLedger(b)
		if err != nil {
			return
		}
		for i, c := range cuts {
			if c.Number != acknowledged.Number+uint64(i)+1 {
				t.Fatalf("cut %d follows %d", c.Number, acknowledged.Number)
			}
		}
	})
}
