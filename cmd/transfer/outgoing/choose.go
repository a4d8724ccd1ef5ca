package outgoing

import (
	"context"
	"fmt"
	"slices"

	"github.com/streamgauge/streamgauge/cmd/transfer"
)

// pageMax is how many runs one page of a search has, and experimentsMax how many experiments it is asked of.
const pageMax, experimentsMax = 1000, 500

// choose finds the runs that are wanted.
func (e *export) choose(ctx context.Context) error {
	if e.choice.All {
		return nil
	}
	byName := make(map[string]string)
	var all []string
	err := transfer.Documents(ctx, e.server, "experiment", nil, func(l *transfer.Line) error {
		d, err := parse(l)
		if err == nil {
			x := d.GetExperiment()
			byName[x.GetName()] = x.GetId()
			all = append(all, x.GetId())
		}
		return err
	})
	if err != nil {
		return err
	}
	wanted := all
	if len(e.Filter.Experiments) > 0 {
		wanted = nil
	}
	for _, name := range e.Filter.Experiments {
		id, ok := byName[name]
		if !ok && slices.Contains(all, name) {
			id, ok = name, true
		}
		if !ok {
			return fmt.Errorf("there is no experiment of name or id %q; `streamgauge sql 'SELECT experiment_id, name FROM sg.experiments'` lists them", name)
		}
		wanted = append(wanted, id)
		if e.Filter.Search == "" {
			e.choice.Whole[id] = true
		}
	}
	if len(e.Filter.Experiments) > 0 || e.Filter.Search != "" {
		for some := range slices.Chunk(wanted, experimentsMax) {
			if err := e.search(ctx, some); err != nil {
				return err
			}
		}
	}
	e.runIDs = append(e.runIDs, e.Filter.Runs...)
	slices.Sort(e.runIDs)
	e.runIDs = slices.Compact(e.runIDs)
	if len(e.runIDs) == 0 && len(e.choice.Whole) == 0 {
		return fmt.Errorf("no run is as the filter says")
	}
	return nil
}

// search adds the runs of some experiments, deleted ones included.
func (e *export) search(ctx context.Context, experiments []string) error {
	for token := ""; ; {
		var page struct {
			Runs []struct {
				Info struct {
					RunID string `json:"run_id"`
				} `json:"info"`
			} `json:"runs"`
			Next string `json:"next_page_token"`
		}
		in := map[string]any{"experiment_ids": experiments, "filter": e.Filter.Search, "run_view_type": "ALL", "max_results": pageMax, "page_token": token}
		if err := transfer.Ask(ctx, e.server, "/api/2.0/mlflow/runs/search", in, &page); err != nil {
			return err
		}
		for _, r := range page.Runs {
			e.runIDs = append(e.runIDs, r.Info.RunID)
		}
		if token = page.Next; token == "" {
			return nil
		}
	}
}
