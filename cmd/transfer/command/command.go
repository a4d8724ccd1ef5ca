// Package command is the commands `export` and `import`.
package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/incoming"
	"github.com/streamgauge/streamgauge/cmd/transfer/outgoing"
)

// Connect defines the flags that name a server.
type Connect func(*cobra.Command) transfer.Server

// Export is the command `export`.
func Export(connect Connect) *cobra.Command {
	var o outgoing.Options
	cmd := &cobra.Command{
		Use:   "export --out DIR",
		Short: "Write everything, or some experiments, into Parquet files",
		Long: `Write everything, or some experiments, into Parquet files that DuckDB, pandas and pyarrow read and that
` + "`streamgauge import`" + ` puts back as it was.

Without a filter all is exported. --experiment takes experiments whole, --filter the runs that MLflow's search finds (in
those experiments, or in all), --run single runs. Runs that others were forked from come with them, and registered models
come whole if a version of theirs is from a run that is in. manifest.json is written last; a folder without it is not whole. docs/export.md
says what is in the files.`,
		Example: `  streamgauge export --out backup
  streamgauge export --out wine --experiment wine --artifacts
  streamgauge export --out best --experiment wine --filter "metrics.accuracy > 0.9 and params.lr = '0.1'"
  duckdb -c "SELECT key, max(value) FROM 'backup/metrics-*.parquet' GROUP BY key"`,
		Args: cobra.NoArgs,
	}
	server := connect(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Dir, "out", "", "a new folder")
	f.StringArrayVar(&o.Filter.Experiments, "experiment", nil, "name or id of an experiment; may be said more than once")
	f.StringVar(&o.Filter.Search, "filter", "", "runs alone that MLflow's search finds")
	f.StringArrayVar(&o.Filter.Runs, "run", nil, "id of a run; may be said more than once")
	f.StringSliceVar(&o.Filter.Without, "without", nil, "leave out: "+strings.Join(outgoing.Without, ", "))
	f.BoolVar(&o.Artifacts, "artifacts", false, "copy artifacts, too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.Dir == "" {
			return errors.New("say where to: --out DIR, a new folder")
		}
		for _, w := range o.Filter.Without {
			if !slices.Contains(outgoing.Without, w) {
				return fmt.Errorf("--without %s: want some of %s", w, strings.Join(outgoing.Without, ", "))
			}
		}
		out := cmd.OutOrStdout()
		o.Tell = teller(out)
		m, err := outgoing.Run(cmd.Context(), server, o)
		if err != nil {
			return err
		}
		if m.AsOf.Running > 0 {
			o.Tell("%d runs go on; of them there is what was logged until %s", m.AsOf.Running, m.AsOf.Began.Format("15:04:05 MST"))
		}
		o.Tell("not carried:")
		for _, x := range m.NotCarried {
			o.Tell("  %s%s: %s", x.What, many(x.Count), x.Why)
		}
		o.Tell("%s is whole", o.Dir)
		return nil
	}
	return cmd
}

func many(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d)", n)
}

func teller(w io.Writer) func(string, ...any) {
	return func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
}

// Import is the command `import`.
func Import(connect Connect) *cobra.Command {
	o := incoming.Options{Renamed: make(map[string]string)}
	var renamed []string
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Put what `streamgauge export` wrote into a server",
		Long: `Put what ` + "`streamgauge export`" + ` wrote into a server, with its ids, times, users and histories.

Experiments are found by their names, or made. What is there already and the same is left alone, so an import may be done
twice, and one that was interrupted is done again. If anything that is there differs, nothing is imported: --skip leaves those runs
and models out, --rename gives an experiment or a registered model another name. On a server with tokens this needs one of an
administrator.`,
		Example: `  streamgauge import backup
  streamgauge import --check backup
  streamgauge import wine --rename wine=wine-of-anna --skip`,
		Args: cobra.MatchAll(cobra.ExactArgs(1)),
	}
	server := connect(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.Skip, "skip", false, "leave out what differs from what is there")
	f.BoolVar(&o.Check, "check", false, "say what would become of it, and write nothing")
	f.StringArrayVar(&renamed, "rename", nil, "OLD=NEW: another name for an experiment or registered model; may be said more than once")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Dir, o.Tell = args[0], teller(cmd.OutOrStdout())
		for _, r := range renamed {
			from, to, ok := strings.Cut(r, "=")
			if !ok || from == "" || to == "" {
				return fmt.Errorf("--rename %s: want OLD=NEW", r)
			}
			o.Renamed[from] = to
		}
		report, err := incoming.Run(cmd.Context(), server, o)
		if err != nil {
			return err
		}
		tell(o, report)
		return nil
	}
	return cmd
}

// tell says what came of an import.
func tell(o incoming.Options, r *incoming.Report) {
	if o.Check {
		for _, table := range transfer.DocumentTables {
			if x := r.Tables[table]; x != nil {
				o.Tell("%-20s %8d new, %d there already, %d would be refused", table, x.Created, x.Same+x.Matched, x.Refused)
			}
		}
	}
	if x := r.Tables["experiments"]; x != nil && x.Matched > 0 {
		o.Tell("%d experiments were there under their names and keep their own tags and times", x.Matched)
	}
	if x := r.Tables["alerts"]; x != nil && x.Created > 0 && !o.Check {
		o.Tell("%d alerts are disabled: give their channels the addresses and secrets that the export left out, then enable them (docs/alerts.md)", x.Created)
	}
	for _, c := range r.Conflicts {
		o.Tell("left out: %s", c)
	}
	if m, err := transfer.Open(o.Dir); err == nil {
		o.Tell("not in the export:")
		for _, x := range m.NotCarried {
			o.Tell("  %s%s: %s", x.What, many(x.Count), x.Why)
		}
	}
	if o.Check {
		o.Tell("nothing was written")
		return
	}
	o.Tell("all is there")
}
