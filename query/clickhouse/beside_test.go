package clickhouse_test

import (
	"math"
	"slices"
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

func TestKeysOfValuesHaveSomeOfTheirSteps(t *testing.T) {
	r := start(t, enginetest.Start(t))
	const run = 0x4e75
	for range 2 {
		r.exec(t, `INSERT INTO streamgauge.small_values (run, key, step, kind, media_type, writer, frame, idx)
			SELECT %d, if(number < 40, 'img', 'txt'), intDiv(number, 2) * 10, if(number < 40, 'artifact', 'text'), if(number < 40, 'image/png', ''), 5, 1, number FROM numbers(41)`, run)
	}
	keys, more, err := r.store.ValueKeys(t.Context(), beside.KeyRead{Run: run, Max: 10, StepsMax: 5})
	if err != nil || more || len(keys) != 2 {
		t.Fatalf("%+v, %v %v", keys, more, err)
	}
	img := keys[0]
	if img.Name != "img" || img.Values != 40 || img.StepsTotal != 20 || img.First != 0 || img.Last != 190 || !slices.Equal(img.Steps, []int64{0, 40, 90, 140, 190}) {
		t.Errorf("%+v", img)
	}
	if !slices.Equal(img.Kinds, []string{"artifact"}) || !slices.Equal(img.MediaTypes, []string{"image/png"}) || len(keys[1].MediaTypes) != 0 || !slices.Equal(keys[1].Steps, []int64{200}) {
		t.Errorf("%+v", keys)
	}
	if keys, more, err = r.store.ValueKeys(t.Context(), beside.KeyRead{Run: run, Max: 1}); err != nil || !more || len(keys) != 1 || len(keys[0].Steps) != 0 {
		t.Errorf("%+v, %v %v", keys, more, err)
	}
	if keys, more, err = r.store.ValueKeys(t.Context(), beside.KeyRead{Run: run, After: "img", Max: 1, StepsMax: 1}); err != nil || more || len(keys) != 1 || keys[0].Name != "txt" {
		t.Errorf("%+v, %v %v", keys, more, err)
	}
	read := beside.Read{Run: run, Key: "img", RankTo: math.MaxUint32, From: math.MinInt64, To: math.MaxInt64, Steps: []int64{40, 190, 7}, Max: 100, BytesMax: 1000}
	if values, _, err := r.store.SmallValues(t.Context(), read); err != nil || len(values) != 4 || values[0].Step != 40 || values[3].Step != 190 {
		t.Errorf("%+v, %v", values, err)
	}
}
