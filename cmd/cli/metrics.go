package cli

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"strconv"

	"github.com/spf13/cobra"
)

const (
	// bucketsDefault rows of a metric's table fit a screen.
	bucketsDefault = 20
	// bucketsMax is the server's limit.
	bucketsMax = 10_000
)

func newMetrics() *cobra.Command {
	var asJSON bool
	var buckets int
	var rank string
	cmd := &cobra.Command{
		Use:   "metrics RUN KEY",
		Short: "Draw one metric of a run",
		Long:  "Draw one metric of a run. RUN is a name, an id, or the beginning of an id.",
		Args:  wants("RUN", "KEY"),
	}
	c := addURL(cmd, os.Getenv)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVarP(&buckets, "points", "n", 0, "how many buckets (default: a few to read, as many as fit to draw)")
	cmd.Flags().StringVar(&rank, "rank", "", "a rank, or all (default: the lowest)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("points") && (buckets < 1 || buckets > bucketsMax) {
			return fmt.Errorf("--points %d: want a number from 1 to %d", buckets, bucketsMax)
		}
		r, err := c.find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		t := newTerminal(cmd.OutOrStdout(), os.Getenv)
		read := func(n int) ([]series, error) { return c.series(cmd.Context(), r.Info.ID, args[1], rank, n) }
		if asJSON {
			lines, err := read(cmp.Or(buckets, t.drawWidth()))
			if err != nil {
				return err
			}
			return printJSON(t, append([]series{}, lines...))
		}
		drawn, err := read(t.drawWidth())
		if err != nil {
			return err
		}
		if len(drawn) == 0 {
			if _, ok := r.metric(args[1]); ok && rank != "" {
				return fmt.Errorf("no process of rank %s logged metric %q of run %s; --rank all shows those that did", rank, args[1], r.Info.Name)
			}
			return fmt.Errorf("run %s has no metric %q; `streamgauge show %s` lists them", r.Info.Name, args[1], shellQuote(args[0]))
		}
		listed, err := read(cmp.Or(buckets, bucketsDefault))
		if err != nil {
			return err
		}
		// A rank that logged its first point in between is drawn the next time.
		for i := range min(len(drawn), len(listed)) {
			if err := drawSeries(t, &drawn[i], &listed[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// drawSeries prints a sparkline over the whole width and a table of a few buckets.
func drawSeries(t terminal, drawn, listed *series) error {
	lo, hi := drawn.extremes()
	fmt.Fprintf(t, "%s", t.paint(bold, clean(drawn.Key)))
	if drawn.Rank > 0 || drawn.Attempt > 0 {
		fmt.Fprintf(t, "  rank %d, attempt %d", drawn.Rank, drawn.Attempt)
	}
	fmt.Fprintf(t, "  %d points", drawn.Points)
	if !math.IsNaN(lo) {
		fmt.Fprintf(t, ", least %s, greatest %s", formatNumber(lo), formatNumber(hi))
	}
	if odd := drawn.nonFinite(); odd > 0 {
		fmt.Fprintf(t, ", %s", t.paint(yellow, strconv.FormatUint(odd, 10)+" not finite"))
	}
	fmt.Fprintf(t, "\n%s\n\n", t.paint(cyan, sparkline(columns(drawn.line(), t.drawWidth(), drawn.width()))))
	return t.table(bucketTable(listed), nil)
}

// bucketTable lists the buckets of a series.
func bucketTable(s *series) *table {
	t := &table{header: []string{"STEP", "TIME", "POINTS", "LEAST", "MEAN", "GREATEST", "LAST"}, right: map[int]bool{0: true, 2: true, 3: true, 4: true, 5: true, 6: true}}
	for i, step := range s.Step {
		t.rows = append(t.rows, []string{
			strconv.FormatInt(step, 10), formatTime(s.Time[i]), strconv.FormatUint(s.Count[i], 10),
			formatNumber(at(s.Min, i)), formatNumber(at(s.Mean, i)), formatNumber(at(s.Max, i)), formatNumber(at(s.Last, i)),
		})
	}
	return t
}
