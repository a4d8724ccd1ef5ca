// Package alerting is the command `alerts`: rules of alerts, and what they found, from the terminal.
package alerting

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/registry/alerts/send"
	"github.com/streamgauge/streamgauge/registry/alerts/serve"
	"github.com/streamgauge/streamgauge/schemas/alert"
)

// Ask sends a request to the server and reads its answer into out.
type Ask func(ctx context.Context, method, path string, in, out any) error

const path = "/v1/alerts"

// Command is the command; connect defines the flags that say where the server is.
func Command(connect func(*cobra.Command) Ask) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "Make alerts on runs, and see what they found",
		Long: `Make alerts on runs, and see what they found.

An alert watches experiments or one run, and tells people by webhook, Slack or e-mail within a second of the point.`,
	}
	cmd.AddCommand(list(connect), create(connect), remove(connect), history(connect), test(connect))
	return cmd
}

// printJSON writes what programs read.
func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// table writes rows in columns; names come from anybody, so that control characters are shown and not obeyed.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
		}
		if _, err := fmt.Fprintln(t, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

func list(connect func(*cobra.Command) Ask) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List alerts", Args: cobra.NoArgs}
	ask := connect(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all := []*alert.Rule{}
		for token := ""; ; {
			var page serve.Rules
			if err := ask(cmd.Context(), http.MethodGet, path+"?page_token="+url.QueryEscape(token), nil, &page); err != nil {
				return err
			}
			if all, token = append(all, page.Alerts...), page.Token; token == "" {
				break
			}
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), all)
		}
		if len(all) == 0 {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "There is no alert; make one with `streamgauge alerts create`.")
			return err
		}
		rows := [][]string{{"ID", "NAME", "ON", "WATCHES", "WHEN", "TELLS"}}
		for _, r := range all {
			rows = append(rows, []string{r.ID, r.Name, yes(r.Enabled), watches(r), r.When(), tells(r)})
		}
		return table(cmd.OutOrStdout(), rows)
	}
	return cmd
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func watches(r *alert.Rule) string {
	if r.RunID != "" {
		return "run " + r.RunID
	}
	return "experiments " + strings.Join(r.ExperimentIDs, ",")
}

func tells(r *alert.Rule) string {
	var out []string
	for _, c := range r.Channels {
		out = append(out, cmp.Or(strings.Join(c.To, ","), c.URL))
	}
	return strings.Join(out, " ")
}

func remove(connect func(*cobra.Command) Ask) *cobra.Command {
	cmd := &cobra.Command{Use: "delete ID", Short: "Delete an alert; its history stays", Args: cobra.ExactArgs(1)}
	ask := connect(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := ask(cmd.Context(), http.MethodDelete, path+"/"+url.PathEscape(args[0]), nil, &struct{}{}); err != nil {
			return err
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "deleted")
		return err
	}
	return cmd
}

func test(connect func(*cobra.Command) Ask) *cobra.Command {
	cmd := &cobra.Command{Use: "test ID", Short: "Tell every channel of an alert of an example", Args: cobra.ExactArgs(1)}
	ask := connect(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var out serve.Tested
		if err := ask(cmd.Context(), http.MethodPost, path+"/"+url.PathEscape(args[0])+"/test", struct{}{}, &out); err != nil {
			return err
		}
		failed := false
		rows := [][]string{{"CHANNEL", "TOLD", "ANSWER"}}
		for _, r := range out.Results {
			failed = failed || !r.Success
			rows = append(rows, []string{r.Channel, yes(r.Success), cmp.Or(r.Error, fmt.Sprint(r.Status))})
		}
		if err := table(cmd.OutOrStdout(), rows); err != nil {
			return err
		}
		if failed {
			return errors.New("not every channel could be told")
		}
		return nil
	}
	return cmd
}

func history(connect func(*cobra.Command) Ask) *cobra.Command {
	cmd := &cobra.Command{Use: "history", Short: "List what alerts found, the newest first", Args: cobra.NoArgs}
	ask := connect(cmd)
	f := cmd.Flags()
	rule := f.String("alert", "", "events of this alert alone, by its id")
	run := f.String("run", "", "events of this run alone, by its id")
	limit := f.Int("limit", 50, "events at most")
	asJSON := f.Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all := []send.Event{}
		for token := ""; ; {
			args := url.Values{"rule": {*rule}, "run": {*run}, "page_token": {token}}
			var page serve.Events
			if err := ask(cmd.Context(), http.MethodGet, path+"/history?"+args.Encode(), nil, &page); err != nil {
				return err
			}
			if all, token = append(all, page.Events...), page.Token; token == "" || len(all) >= *limit {
				break
			}
		}
		all = all[:min(len(all), max(*limit, 0))]
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), all)
		}
		rows := [][]string{{"WHEN", "WHAT", "ALERT", "RUN", "FOUND", "TOLD"}}
		for _, e := range all {
			rows = append(rows, []string{time.UnixMilli(e.FoundMS).Format(time.DateTime), e.Type, e.RuleName, e.RunID, found(e), told(e)})
		}
		return table(cmd.OutOrStdout(), rows)
	}
	return cmd
}

func found(e send.Event) string {
	if e.Metric == "" {
		return cmp.Or(e.State, string(e.Kind))
	}
	return fmt.Sprintf("%s = %g at step %d, rank %d", e.Metric, float64(e.Value), e.Step, e.Rank)
}

func told(e send.Event) string {
	var out []string
	for _, d := range e.Deliveries {
		out = append(out, d.Channel+" "+strings.ToLower(strings.ReplaceAll(d.State, "_", " ")))
	}
	return strings.Join(out, ", ")
}

// readFile reads a file, "-" is the standard input.
func readFile(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(cmd.InOrStdin())
	}
	return os.ReadFile(name)
}
