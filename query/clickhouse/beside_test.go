package clickhouse_test

import (
	"math"
	"testing"

	"github.com/streamgauge/streamgauge/query/beside"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
)

func TestPagesOfValuesAndLinesMissNoneAndRepeatNone(t *testing.T) {
	r := start(t, enginetest.Start(t))
	const run, rows = 0xbe51de, 25
	r.exec(t, `INSERT INTO streamgauge.small_values (run, key, rank, step, kind, body, writer, frame, idx)
		SELECT %d, ['b', 'a'][1 + number %% 2], number %% 3, -intDiv(number, 5), 'text', repeat('x', 10), 18446744073709551615 - number %% 2, 1, number FROM numbers(%d)`, run, rows)
	r.exec(t, `INSERT INTO streamgauge.small_values (run, key, rank, step, kind, body, writer, frame, idx)
		SELECT %d, ['b', 'a'][1 + number %% 2], number %% 3, -intDiv(number, 5), 'text', repeat('x', 10), 18446744073709551615 - number %% 2, 1, number FROM numbers(%d)`, run, rows)
	r.exec(t, `INSERT INTO streamgauge.console (run, ts, rank, stream, number, text, writer, frame, idx)
		SELECT %d, intDiv(number, 4) - 2, number %% 2, 1 + number %% 2, number, 'line', 5, 1, number FROM numbers(%d)`, run, rows)
	all := beside.Read{Run: run, RankTo: math.MaxUint32, From: math.MinInt64, To: math.MaxInt64, Max: 4, BytesMax: 30}
	seen := make(map[uint32]bool)
	pages := 0
	for read, more := all, true; more; pages++ {
		values, again, err := r.store.SmallValues(t.Context(), read)
		if err != nil || len(values) == 0 || len(values) > 3 {
			t.Fatalf("page %d: %d values, %v", pages, len(values), err)
		}
		for _, v := range values {
			if p := beside.PlaceOfValue(&v); seen[v.Index] || read.After != nil && (p.Key < read.After.Key) {
				t.Fatalf("%+v comes again or too late", v)
			}
			seen[v.Index] = true
			read.After = beside.PlaceOfValue(&v)
		}
		more = again
	}
	if len(seen) != rows || pages != 9 {
		t.Errorf("%d values on %d pages", len(seen), pages)
	}
	one := all
	one.Key, one.RankFrom, one.RankTo, one.To, one.Max, one.BytesMax = "a", 1, 1, -1, 100, 1000
	values, more, err := r.store.SmallValues(t.Context(), one)
	if err != nil || more || len(values) != 3 {
		t.Errorf("%d values of key a, rank 1, %v %v", len(values), more, err)
	}
	lines := make(map[uint64]bool)
	last := int64(math.MinInt64)
	for read, more := all, true; more; {
		page, again, err := r.store.ConsoleLines(t.Context(), read)
		if err != nil || len(page) == 0 {
			t.Fatalf("%d lines, %v", len(page), err)
		}
		for _, l := range page {
			if lines[l.Number] || l.TS < last {
				t.Fatalf("%+v comes again or too late", l)
			}
			lines[l.Number], last = true, l.TS
			read.After = beside.PlaceOfLine(&l)
		}
		more = again
	}
	if len(lines) != rows {
		t.Errorf("%d lines", len(lines))
	}
	one.Stream, one.RankFrom, one.RankTo = 2, 0, math.MaxUint32
	if page, more, err := r.store.ConsoleLines(t.Context(), one); err != nil || more || len(page) != rows/2 {
		t.Errorf("%d lines of standard error, %v %v", len(page), more, err)
	}
}
