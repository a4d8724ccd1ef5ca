package outgoing

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/cuts"
	"github.com/streamgauge/streamgauge/cmd/transfer/documents"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
)

// paged is a table that is read page by page, each from behind the last row of the one before.
type paged struct {
	name, view, order string
	// keys are the columns of order: texts, but for the first, a number.
	keys    []string
	rowsMax int
}

var traceTables = []paged{
	{name: "traces", view: "sg.traces", order: "experiment_id, trace_id", keys: []string{"experiment_id", "trace_id"}, rowsMax: 100_000},
	{name: "spans", view: "sg.spans", order: "experiment_id, trace_id, span_id", keys: []string{"experiment_id", "trace_id", "span_id"}, rowsMax: 50_000},
}

// traces writes traces and their spans.
func (e *export) traces(ctx context.Context) error {
	if e.without("traces") {
		return nil
	}
	where, any := e.tracesWhere()
	for _, p := range traceTables {
		t := &transfer.Table{Name: p.name, Files: []transfer.File{}}
		if any {
			if err := e.pages(ctx, p, t, where); err != nil {
				return fmt.Errorf("table %s: %w", p.name, err)
			}
		}
		e.add(t)
	}
	return nil
}

// tracesWhere leaves the traces of experiments that are taken whole, and those of runs that are in. A statement names as
// many runs as fit.
func (e *export) tracesWhere() (where string, any bool) {
	if e.choice.All {
		return "1", true
	}
	var or []string
	if ids := documents.Sorted(e.choice.Whole); len(ids) > 0 {
		or = append(or, "experiment_id IN ("+strings.Join(ids, ", ")+")")
	}
	if runs := documents.Sorted(e.choice.Runs); len(runs) > 0 && len(runs) <= cuts.RunsMax {
		or = append(or, "trace_id IN (SELECT trace_id FROM sg.traces WHERE hasAny(run_ids, ['"+strings.Join(runs, "', '")+"']))")
	} else if len(runs) > cuts.RunsMax && len(e.choice.Whole) == 0 {
		e.omit("traces", fmt.Sprintf("more than %d runs were chosen by a filter; traces of whole experiments are carried with --experiment", cuts.RunsMax), 0)
	}
	return "(" + strings.Join(or, " OR ") + ")", len(or) > 0
}

func (e *export) pages(ctx context.Context, p paged, t *transfer.Table, where string) error {
	limit, from := p.rowsMax, ""
	for {
		name := sheet.FileName(t)
		query := fmt.Sprintf("SELECT * FROM %s WHERE %s%s ORDER BY %s LIMIT %d", p.view, where, from, p.order, limit)
		if err := transfer.Parquet(ctx, e.server, query, filepath.Join(e.Dir, name)); err != nil {
			if limit = limit / 4; limit > 0 && tooLarge.MatchString(err.Error()) {
				continue
			}
			return err
		}
		before := t.Rows
		if err := sheet.Adopt(e.Dir, t, name); err != nil {
			return err
		}
		if t.Rows-before < int64(limit) {
			return nil
		}
		last, err := sheet.Last(ctx, e.Dir, t, p.keys)
		if err != nil {
			return err
		}
		from = " AND (" + p.order + ") > (" + last + ")"
	}
}
