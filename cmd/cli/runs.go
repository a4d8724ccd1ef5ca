package cli

import (
	"errors"
	"fmt"
	"net/http"
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
	// runsMax is MLflow's own limit of a page.
	runsMax = 50_000
	// startedWidth is the width of a terminal from which on there is room for the whole time of a start.
	startedWidth = 120
)

func newRuns() *cobra.Command {
	var experiments, metrics []string
	var s search
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List runs with their newest metrics",
		Example: `  streamgauge runs
  streamgauge runs --experiment wine --order-by 'metrics.accuracy DESC' -n 5
  streamgauge runs --metric accuracy --metric val_loss
  streamgauge runs --filter "params.model = 'forest' and metrics.accuracy > 0.9"`,
		Args: cobra.NoArgs,
	}
	c := addURL(cmd, os.Getenv)
	f := cmd.Flags()
	f.StringArrayVarP(&experiments, "experiment", "e", nil, "name or id of an experiment, may be repeated (default: all)")
	f.StringVarP(&s.Filter, "filter", "f", "", "MLflow's filter, as in metrics.loss < 0.1 and tags.team = 'a'")
	f.StringArrayVarP(&s.OrderBy, "order-by", "o", nil, "as in metrics.loss ASC, may be repeated (default: newest first)")
	f.IntVarP(&s.Limit, "limit", "n", runsDefault, "how many runs")
	f.StringArrayVarP(&metrics, "metric", "m", nil, "metric to show, may be repeated (default: those ordered by and those that most runs have)")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if s.Limit < 1 || s.Limit > runsMax {
			return fmt.Errorf("--limit %d: want a number from 1 to %d", s.Limit, runsMax)
		}
		all, err := c.experiments(cmd.Context(), viewActive)
		if err != nil {
			return err
		}
		if s.Experiments, err = choose(all, experiments); err != nil {
			return err
		}
		wanted := s.Limit
		s.Limit = min(wanted+1, runsMax) // one more says whether there are more
		found, err := c.runs(cmd.Context(), s)
		if err != nil {
			return suggestMetric(err, s.OrderBy)
		}
		more := len(found) > wanted
		found = found[:min(wanted, len(found))]
		if asJSON {
			return printJSON(cmd.OutOrStdout(), append([]run{}, found...))
		}
		t := newTerminal(cmd.OutOrStdout(), os.Getenv)
		if len(found) == 0 {
			fmt.Fprintln(t, "no runs")
			return nil
		}
		tb := runTable(found, all, metricColumns(found, s.OrderBy, metrics), time.Now())
		if t.width > 0 && t.width < startedWidth {
			shortenStarts(tb, found)
		}
		if more {
			defer fmt.Fprintf(cmd.ErrOrStderr(), "%d runs; there are more: --limit N lists as many, --filter finds some\n", wanted)
		}
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

// suggestMetric helps who ordered by a bare key: MLflow takes it for an attribute of the run.
func suggestMetric(err error, orderBy []string) error {
	var e *apiError
	if !errors.As(err, &e) || e.Status != http.StatusBadRequest {
		return err
	}
	for _, o := range orderBy {
		if key, rest, _ := strings.Cut(strings.TrimSpace(o), " "); key != "" && !strings.Contains(key, ".") {
			return fmt.Errorf("%w; for a metric say --order-by '%s', for a param params.%s", err, strings.TrimSpace("metrics."+key+" "+rest), key)
		}
	}
	return err
}
