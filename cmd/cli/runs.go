package cli

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	runsDefault = 20
	// shortID of a run is what people type; `show` takes any prefix that is unique.
	shortID = 8
	// metricColumnsMax beside the fixed columns still fit a wide terminal.
	metricColumnsMax = 6
)

func newRuns() *cobra.Command {
	var experiments []string
	var s search
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List runs with their newest metrics",
		Example: `  streamgauge runs
  streamgauge runs --experiment wine --order-by 'metrics.accuracy DESC' -n 5
  streamgauge runs --filter "params.model = 'forest' and metrics.accuracy > 0.9"`,
		Args: cobra.NoArgs,
	}
	c := addURL(cmd, os.Getenv)
	f := cmd.Flags()
	f.StringArrayVarP(&experiments, "experiment", "e", nil, "name or id of an experiment, may be repeated (default: all)")
	f.StringVarP(&s.Filter, "filter", "f", "", "MLflow's filter, as in metrics.loss < 0.1 and tags.team = 'a'")
	f.StringArrayVarP(&s.OrderBy, "order-by", "o", nil, "as in metrics.loss ASC, may be repeated (default: newest first)")
	f.IntVarP(&s.Limit, "limit", "n", runsDefault, "how many runs")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all, err := c.experiments(cmd.Context())
		if err != nil {
			return err
		}
		if s.Experiments, err = choose(all, experiments); err != nil {
			return err
		}
		found, err := c.runs(cmd.Context(), s)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), found)
		}
		t := newTerminal(cmd.OutOrStdout(), os.Getenv)
		if len(found) == 0 {
			fmt.Fprintln(t, "no runs")
			return nil
		}
		tb := runTable(found, all, s.OrderBy, time.Now())
		return t.table(tb, func(row, column int) string {
			if tb.header[column] == "STATUS" {
				return statusColour(found[row].Info.Status)
			}
			return ""
		})
	}
	return cmd
}

// choose turns names and ids of experiments into ids; none means all.
func choose(all []experiment, wanted []string) ([]string, error) {
	var ids []string
	if len(wanted) == 0 {
		for _, e := range all {
			ids = append(ids, e.ID)
		}
		return ids, nil
	}
	for _, w := range wanted {
		// A name wins over an id: people know names.
		i := slices.IndexFunc(all, func(e experiment) bool { return e.Name == w })
		if i < 0 {
			i = slices.IndexFunc(all, func(e experiment) bool { return e.ID == w })
		}
		if i < 0 {
			return nil, fmt.Errorf("there is no experiment %q; there are: %s", w, names(all))
		}
		ids = append(ids, all[i].ID)
	}
	return ids, nil
}

func names(all []experiment) string {
	var out []string
	for i, e := range all {
		if i == candidatesMax {
			out = append(out, "...")
			break
		}
		out = append(out, e.Name)
	}
	return strings.Join(out, ", ")
}

// runTable lays runs out, with the metrics that were ordered by and those that most runs have.
func runTable(runs []run, all []experiment, orderBy []string, now time.Time) *table {
	name := map[string]string{}
	for _, e := range all {
		name[e.ID] = e.Name
	}
	keys := metricColumns(runs, orderBy)
	t := &table{header: []string{"RUN", "NAME", "EXPERIMENT", "STATUS", "STARTED", "TOOK"}, right: map[int]bool{5: true}}
	for _, k := range keys {
		t.right[len(t.header)] = true
		t.header = append(t.header, k)
	}
	for i := range runs {
		r := &runs[i]
		row := []string{
			r.Info.ID[:min(shortID, len(r.Info.ID))], r.Info.Name, cmp.Or(name[r.Info.ExperimentID], r.Info.ExperimentID),
			r.Info.Status, formatTime(r.Info.StartMS), r.took(now),
		}
		for _, k := range keys {
			cell := ""
			if m, ok := r.metric(k); ok {
				cell = formatNumber(float64(m.Value))
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// metricColumns chooses the metrics to show: those ordered by, then by how many runs have them, then by name.
func metricColumns(runs []run, orderBy []string) []string {
	counts := map[string]int{}
	for _, r := range runs {
		for _, m := range r.Data.Metrics {
			counts[m.Key]++
		}
	}
	for _, o := range orderBy {
		key, found := strings.CutPrefix(strings.Fields(o + " x")[0], "metrics.")
		if key = strings.Trim(key, "`\""); found && counts[key] > 0 {
			counts[key] = len(runs) + 1
		}
	}
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	return keys[:min(len(keys), metricColumnsMax)]
}
