package outgoing

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/cuts"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
)

// halvedMax is how often a slice is halved before it is given up.
const halvedMax = 8

// tooLarge has ClickHouse's codes for rows, bytes, time and memory.
var tooLarge = regexp.MustCompile(`Code: (158|159|241|307|396)\.`)

// position reads how far the tables are: documents have been read, so all that they tell of is at or below it.
func (e *export) position(ctx context.Context) error {
	var each []string
	for _, t := range transfer.AllEvents {
		each = append(each, "SELECT lane, max(sequence) AS last FROM "+t.View+" GROUP BY lane")
	}
	rows, err := transfer.Query(ctx, e.server, "SELECT toString(lane), toString(max(last)) FROM ("+strings.Join(each, " UNION ALL ")+") GROUP BY lane")
	if err != nil {
		return fmt.Errorf("read how far the tables are: %w", err)
	}
	e.manifest.AsOf.Positions = make(map[string]uint64)
	for _, r := range rows {
		lane, err := strconv.Atoi(r[0])
		if err != nil {
			return err
		}
		last, err := strconv.ParseUint(r[1], 10, 64)
		if err != nil {
			return err
		}
		for len(e.positions) <= lane {
			e.positions = append(e.positions, 0)
		}
		e.positions[lane] = last
		e.manifest.AsOf.Positions[r[0]] = last
	}
	return nil
}

// until is the condition that keeps what came later out.
func (e *export) until() string {
	texts := make([]string, len(e.positions))
	for i, n := range e.positions {
		texts[i] = fmt.Sprintf("toUInt64(%d)", n)
	}
	return " AND sequence <= [" + strings.Join(texts, ", ") + "][lane + 1]"
}

// events writes points, values and lines, and what they must be.
func (e *export) events(ctx context.Context) error {
	digests := sheet.New(e.Dir, "digests", false, []sheet.Column{
		{Name: "table", Type: sheet.Text}, {Name: "run_id", Type: sheet.Text}, {Name: "rows", Type: sheet.Whole}, {Name: "digest", Type: sheet.Count},
	})
	for _, t := range transfer.AllEvents {
		if e.without(t.Name) || len(e.positions) == 0 {
			continue
		}
		sums, err := e.table(ctx, t)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		for _, run := range slices.Sorted(maps.Keys(sums)) {
			if err := digests.Add([]any{t.Name, e.choice.Numbers[run], sums[run].Rows, sums[run].Sum}); err != nil {
				return err
			}
		}
	}
	t, err := digests.Close()
	if err != nil {
		return err
	}
	e.manifest.Tables = append(e.manifest.Tables, t)
	return nil
}

// writing is one table of events on its way.
type writing struct {
	*export
	of    *transfer.Events
	table *transfer.Table
	// sums are what the runs must have.
	sums map[uint64]transfer.Digest
}

// table writes one table of events.
func (e *export) table(ctx context.Context, t *transfer.Events) (map[uint64]transfer.Digest, error) {
	plan, err := e.plan(ctx, t)
	if err != nil {
		return nil, err
	}
	w := &writing{export: e, of: t, table: &transfer.Table{Name: t.Name, Files: []transfer.File{}}, sums: make(map[uint64]transfer.Digest)}
	for _, s := range plan {
		if err := w.write(ctx, s, 0); err != nil {
			return nil, err
		}
	}
	var rows int64
	for _, d := range w.sums {
		rows += d.Rows
	}
	if rows != w.table.Rows {
		return nil, fmt.Errorf("%d rows came and there are %d: rows were deleted meanwhile; export again", w.table.Rows, rows)
	}
	e.add(w.table)
	return w.sums, nil
}

// plan cuts the rows of the chosen runs into slices.
func (e *export) plan(ctx context.Context, t *transfer.Events) ([]cuts.Slice, error) {
	rows, err := transfer.Query(ctx, e.server, "SELECT toString(run), toString(count()) FROM "+t.View+" GROUP BY run")
	if err != nil {
		return nil, err
	}
	var runs []cuts.Counted[uint64]
	for _, r := range rows {
		n, err := strconv.ParseUint(r[0], 10, 64)
		if err != nil {
			return nil, err
		}
		c, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil {
			return nil, err
		}
		if _, in := e.choice.Numbers[n]; in {
			runs = append(runs, cuts.Counted[uint64]{Of: n, Rows: c})
		}
	}
	cut, large := cuts.OfRuns(runs, t.RowsMax)
	var out []cuts.Slice
	for i, s := range cut {
		r, isLarge := large[i]
		switch {
		case !isLarge:
			out = append(out, s)
		case !t.Keyed:
			out = append(out, cuts.Evenly(s, r.Rows, t.RowsMax)...)
		default:
			some, err := e.keys(ctx, t, r.Of)
			if err != nil {
				return nil, err
			}
			out = append(out, some...)
		}
	}
	return out, nil
}

// keys cuts one run by its keys.
func (e *export) keys(ctx context.Context, t *transfer.Events, run uint64) ([]cuts.Slice, error) {
	rows, err := transfer.Query(ctx, e.server, "SELECT toString(key), toString(count()) FROM "+t.View+" WHERE run = "+strconv.FormatUint(run, 10)+" GROUP BY key")
	if err != nil {
		return nil, err
	}
	keys := make([]cuts.Counted[string], len(rows))
	for i, r := range rows {
		n, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil {
			return nil, err
		}
		keys[i] = cuts.Counted[string]{Of: r[0], Rows: n}
	}
	return cuts.OfKeys(run, keys, t.RowsMax), nil
}

// write writes the rows of a slice into the next file and adds up what they must be. What is too large for an answer is
// halved.
func (w *writing) write(ctx context.Context, s cuts.Slice, halved int) error {
	t := w.of
	where := s.Where(t) + w.until()
	name := sheet.FileName(w.table)
	rows, err := transfer.Query(ctx, w.server, t.DigestQuery(where))
	if err == nil && len(rows) == 0 {
		return nil
	}
	if err == nil {
		err = transfer.Parquet(ctx, w.server, "SELECT "+t.Columns+" FROM "+t.View+" WHERE "+where+" ORDER BY "+t.Order, filepath.Join(w.Dir, name))
	}
	if err != nil {
		if halved == halvedMax || !tooLarge.MatchString(err.Error()) {
			return err
		}
		for _, half := range s.Halves() {
			if err := w.write(ctx, half, halved+1); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range rows {
		run, d, err := transfer.ParseDigest(r)
		if err != nil {
			return err
		}
		w.sums[run] = w.sums[run].Plus(d)
	}
	return sheet.Adopt(w.Dir, w.table, name)
}
