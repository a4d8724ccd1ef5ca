package outgoing

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer"
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
		for _, run := range sortedNumbers(sums) {
			if err := digests.Add([]any{t.Name, e.choice.numbers[run], sums[run].Rows, sums[run].Sum}); err != nil {
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

func sortedNumbers[V any](m map[uint64]V) []uint64 {
	out := make([]uint64, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// table writes one table of events.
func (e *export) table(ctx context.Context, t *transfer.Events) (map[uint64]transfer.Digest, error) {
	plan, err := e.plan(ctx, t)
	if err != nil {
		return nil, err
	}
	out := &transfer.Table{Name: t.Name, Files: []transfer.File{}}
	sums := make(map[uint64]transfer.Digest)
	for _, s := range plan {
		if err := e.slice(ctx, t, out, sums, s, 0); err != nil {
			return nil, err
		}
	}
	var rows int64
	for _, d := range sums {
		rows += d.Rows
	}
	if rows != out.Rows {
		return nil, fmt.Errorf("%d rows came and there are %d: rows were deleted meanwhile; export again", out.Rows, rows)
	}
	e.add(out)
	return sums, nil
}

// plan cuts the rows of the chosen runs into slices.
func (e *export) plan(ctx context.Context, t *transfer.Events) ([]slice, error) {
	rows, err := transfer.Query(ctx, e.server, "SELECT toString(run), toString(count()) FROM "+t.View+" GROUP BY run")
	if err != nil {
		return nil, err
	}
	var runs []counted[uint64]
	for _, r := range rows {
		n, err := strconv.ParseUint(r[0], 10, 64)
		if err != nil {
			return nil, err
		}
		c, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil {
			return nil, err
		}
		if _, in := e.choice.numbers[n]; in {
			runs = append(runs, counted[uint64]{n, c})
		}
	}
	cut, large := cutRuns(runs, t.RowsMax)
	var out []slice
	for i, s := range cut {
		r, isLarge := large[i]
		switch {
		case !isLarge:
			out = append(out, s)
		case !t.Keyed:
			out = append(out, evenly(s, r.rows, t.RowsMax)...)
		default:
			some, err := e.keys(ctx, t, r.of)
			if err != nil {
				return nil, err
			}
			out = append(out, some...)
		}
	}
	return out, nil
}

// keys cuts one run by its keys.
func (e *export) keys(ctx context.Context, t *transfer.Events, run uint64) ([]slice, error) {
	rows, err := transfer.Query(ctx, e.server, "SELECT toString(key), toString(count()) FROM "+t.View+" WHERE run = "+strconv.FormatUint(run, 10)+" GROUP BY key")
	if err != nil {
		return nil, err
	}
	keys := make([]counted[string], len(rows))
	for i, r := range rows {
		n, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil {
			return nil, err
		}
		keys[i] = counted[string]{r[0], n}
	}
	return cutKeys(run, keys, t.RowsMax), nil
}

// slice writes the rows of one slice into the next file and adds up what they must be. What is too large for an answer is
// halved.
func (e *export) slice(ctx context.Context, t *transfer.Events, out *transfer.Table, sums map[uint64]transfer.Digest, s slice, halved int) error {
	where := s.where(t) + e.until()
	name := sheet.FileName(out)
	rows, err := transfer.Query(ctx, e.server, t.DigestQuery(where))
	if err == nil && len(rows) == 0 {
		return nil
	}
	if err == nil {
		err = transfer.Parquet(ctx, e.server, "SELECT "+t.Columns+" FROM "+t.View+" WHERE "+where+" ORDER BY "+t.Order, filepath.Join(e.Dir, name))
	}
	if err != nil {
		if halved == halvedMax || !tooLarge.MatchString(err.Error()) {
			return err
		}
		for _, half := range s.halves() {
			if err := e.slice(ctx, t, out, sums, half, halved+1); err != nil {
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
		sums[run] = sums[run].Plus(d)
	}
	return e.measured(out, name)
}

// measured adds a file that ClickHouse has written to its table.
func (e *export) measured(t *transfer.Table, name string) error {
	f, columns, err := sheet.Measure(e.Dir, name)
	if err != nil {
		return err
	}
	t.Columns = columns
	if f == nil {
		return os.Remove(filepath.Join(e.Dir, name))
	}
	t.Files = append(t.Files, *f)
	t.Rows += f.Rows
	return nil
}
