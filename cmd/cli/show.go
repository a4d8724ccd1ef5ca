package cli

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	// sparkMetricsMax: each line is a request; more than fits on a screen helps nobody.
	sparkMetricsMax = 30
	sparkWidth      = 32
)

func newShow() *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "show RUN",
		Short: "Show a run: state, params, metrics with their course, datasets, models, tags",
		Long:  "Show a run. RUN is a name, an id, or the beginning of an id.",
		Args:  wants("RUN"),
	}
	c := addURL(cmd, os.Getenv)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&all, "all", "a", false, "show every metric and whole values, and MLflow's own tags")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := c.find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), r)
		}
		t := newTerminal(cmd.OutOrStdout(), os.Getenv)
		var e struct{ Experiment experiment }
		if err := c.get(cmd.Context(), apiPath+"/experiments/get", url.Values{"experiment_id": {r.Info.ExperimentID}}, &e); err != nil {
			return err
		}
		return c.show(cmd.Context(), t, r, e.Experiment.Name, all)
	}
	return cmd
}

// show prints everything of a run.
func (c *client) show(ctx context.Context, t terminal, r *run, experiment string, all bool) error {
	if err := showInfo(t, r, experiment, c.parentName(ctx, r), time.Now()); err != nil {
		return err
	}
	showNote(t, r)
	for _, part := range []func() error{
		func() error { return showPairs(t, "params", r.Data.Params, all) },
		func() error { return c.showMetrics(ctx, t, r, all) },
		func() error { return showDatasets(t, r) },
		func() error { return c.showModels(ctx, t, r) },
		func() error { return c.showNested(ctx, t, r) },
		func() error { return showPairs(t, "tags", shownTags(r.Data.Tags, all), all) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func showInfo(t terminal, r *run, experiment, parent string, now time.Time) error {
	fmt.Fprintf(t, "%s  %s", t.paint(bold, clean(r.Info.Name)), t.paint(statusColour(r.Info.Status), r.Info.Status))
	if r.deleted() {
		fmt.Fprintf(t, "  %s", t.paint(red, "DELETED"))
	}
	fmt.Fprint(t, "\n\n")
	tb := &table{whole: true, rows: [][]string{
		{"run", r.Info.ID},
		{"experiment", clean(experiment) + " (" + r.Info.ExperimentID + ")"},
		{"user", r.Info.User},
		{"started", formatTime(r.Info.StartMS)},
		{"took", r.took(now)},
		{"artifacts", r.Info.ArtifactURI},
	}}
	if parent != "" {
		tb.rows = append(tb.rows, []string{"nested in", parent})
	}
	return t.table(tb, dimFirst)
}

func dimFirst(_, column int) string {
	if column == 0 {
		return dim
	}
	return ""
}

func showPairs(t terminal, title string, pairs []keyValue, whole bool) error {
	if len(pairs) == 0 {
		return nil
	}
	fmt.Fprintf(t, "\n%s\n", t.paint(bold, title))
	tb := &table{whole: whole}
	for _, p := range pairs {
		tb.rows = append(tb.rows, []string{p.Key, p.Value})
	}
	return t.table(tb, dimFirst)
}

// shownTags leaves out what MLflow keeps for itself.
func shownTags(tags []keyValue, all bool) []keyValue {
	var out []keyValue
	for _, tag := range tags {
		if all || !strings.HasPrefix(tag.Key, "mlflow.") {
			out = append(out, tag)
		}
	}
	return out
}

func (c *client) showMetrics(ctx context.Context, t terminal, r *run, all bool) error {
	if len(r.Data.Metrics) == 0 {
		return nil
	}
	fmt.Fprintf(t, "\n%s\n", t.paint(bold, "metrics"))
	metrics := r.Data.Metrics
	if !all {
		metrics = metrics[:min(len(metrics), sparkMetricsMax)]
	}
	tb := &table{header: []string{"METRIC", "LAST", "STEP", "POINTS", "COURSE"}, right: map[int]bool{1: true, 2: true, 3: true}}
	for _, m := range metrics {
		lines, err := c.series(ctx, r.Info.ID, m.Key, "", sparkWidth)
		if err != nil {
			return err
		}
		row := []string{m.Key, formatNumber(float64(m.Value)), strconv.FormatInt(m.Step, 10), "", ""}
		if len(lines) > 0 {
			row[3] = strconv.FormatUint(lines[0].Points, 10)
			row[4] = sparkline(columns(lines[0].line(), sparkWidth, lines[0].width()))
		}
		tb.rows = append(tb.rows, row)
	}
	err := t.table(tb, func(_, column int) string {
		if column == len(tb.header)-1 {
			return cyan
		}
		return ""
	})
	if left := len(r.Data.Metrics) - len(metrics); left > 0 {
		fmt.Fprintf(t, "and %d more; --all shows them\n", left)
	}
	return err
}
