package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func newRegistry() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "Look at registered models, and ask for and give approvals",
		Example: `  streamgauge registry models
  streamgauge registry require wine Production 2
  streamgauge registry request wine 3 Production --comment 'better on holdout'
  streamgauge registry approvals
  streamgauge registry approve 0b12...f3.3.3 --comment 'checked'`,
	}
	cmd.AddCommand(newModels(), newVersions(), newHistory(), newApprovals(), newRequire(), newRequest(),
		newJudge("approve", "Approve a request; the last verdict of a person counts"),
		newJudge("reject", "Reject a request; it stands until whoever rejected approves"))
	return cmd
}

// addJSON defines --json.
func addJSON(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON")
}

// printQuery asks in SQL and prints the rows; none is told in the words given.
func (c *client) printQuery(cmd *cobra.Command, query string, asJSON bool, none string) error {
	format := "csv"
	if asJSON {
		format = "json"
	}
	body, err := c.ask(cmd.Context(), query, format)
	if err != nil {
		return err
	}
	if asJSON {
		_, err := cmd.OutOrStdout().Write(body)
		return err
	}
	tb, err := csvTable(string(body))
	if err != nil {
		return err
	}
	if len(tb.rows) == 0 {
		return errors.New(none)
	}
	return newTerminal(cmd.OutOrStdout(), os.Getenv).table(tb, nil)
}

// literal writes a text as SQL does.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

const (
	// timeOf shows a time of milliseconds as people read it.
	timeOf     = "formatDateTime(fromUnixTimestamp64Milli(%s), '%%Y-%%m-%%d %%H:%%i:%%S')"
	modelsRows = 1000
)

func newModels() *cobra.Command {
	cmd := &cobra.Command{Use: "models", Short: "List registered models and prompts, the newest first", Args: cobra.NoArgs}
	c, asJSON := addURL(cmd, os.Getenv), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.printQuery(cmd, fmt.Sprintf(`SELECT name AS NAME, if(prompt = 1, 'prompt', 'model') AS KIND, last_version AS LAST,
			arrayStringConcat(arraySort(arrayMap((k, v) -> concat(k, '=', toString(v)), mapKeys(aliases), mapValues(aliases))), ' ') AS ALIASES,
			`+timeOf+` AS UPDATED FROM registered_models FINAL WHERE lifecycle = 'active' AND id != ''
			ORDER BY updated_ms DESC, name LIMIT %d`, "updated_ms", modelsRows), *asJSON, "there are no registered models")
	}
	return cmd
}

func newVersions() *cobra.Command {
	cmd := &cobra.Command{Use: "versions MODEL", Short: "List the versions of a registered model, the newest first", Args: wants("the model")}
	c, asJSON := addURL(cmd, os.Getenv), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.printQuery(cmd, fmt.Sprintf(`SELECT version AS VERSION, stage AS STAGE, arrayStringConcat(aliases, ' ') AS ALIASES,
			formatDateTime(created, '%%Y-%%m-%%d %%H:%%i:%%S') AS CREATED, user AS BY, run_id AS RUN, source AS SOURCE
			FROM registry WHERE name = %s ORDER BY version DESC LIMIT %d`, literal(args[0]), modelsRows), *asJSON,
			fmt.Sprintf("registered model %q has no versions, or there is none of that name; `streamgauge registry models` lists them", args[0]))
	}
	return cmd
}

func newHistory() *cobra.Command {
	cmd := &cobra.Command{
		Use: "history MODEL [VERSION]", Short: "Say who changed what of a registered model, or of one version, the oldest first",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				if _, err := strconv.ParseUint(args[1], 10, 64); err != nil {
					return fmt.Errorf("the version must be a number, not %q", args[1])
				}
				return nil
			}
			return wants("the model")(cmd, args)
		},
	}
	c, asJSON := addURL(cmd, os.Getenv), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		// Keys of documents: regmodel.<id>, version.<id>.<number>, approval.<id>.<number>.<stage>.
		which := "(document = concat('regmodel.', id) OR startsWith(document, concat('version.', id, '.')) OR startsWith(document, concat('approval.', id, '.')))"
		if len(args) == 2 {
			which = fmt.Sprintf("(document = concat('version.', id, '.%[1]s') OR startsWith(document, concat('approval.', id, '.%[1]s.')))", args[1])
		}
		query := fmt.Sprintf(`WITH ifNull((SELECT any(id) FROM registered_models FINAL WHERE name = %s AND lifecycle = 'active'), '') AS id
			SELECT `+timeOf+` AS TIME, by AS BY, multiIf(startsWith(document, 'regmodel.'), 'model', startsWith(document, 'version.'),
			concat('version ', splitByChar('.', document)[3]), concat('approval of ', splitByChar('.', document)[3])) AS OF, what AS WHAT, before AS BEFORE, after AS AFTER
			FROM history FINAL WHERE id != '' AND %s ORDER BY time_ms, document, number`, literal(args[0]), "time_ms", which)
		return c.printQuery(cmd, query, *asJSON, fmt.Sprintf("nothing is known of %s; `streamgauge registry models` lists what there is", strings.Join(args, " ")))
	}
	return cmd
}

// approvalShown is a request as the API shows it.
type approvalShown struct {
	ID        string `json:"id"`
	Model     string `json:"model"`
	Version   string `json:"version"`
	Stage     string `json:"stage"`
	Status    string `json:"status"`
	Required  int    `json:"required"`
	Approvals int    `json:"approvals"`
	By        string `json:"requested_by"`
	TimeMS    int64  `json:"requested_ms"`
	Comment   string `json:"comment"`
	Verdicts  []struct {
		By       string `json:"by"`
		TimeMS   int64  `json:"time_ms"`
		Approved bool   `json:"approved"`
		Comment  string `json:"comment"`
	} `json:"verdicts"`
}

func newApprovals() *cobra.Command {
	var status, model string
	cmd := &cobra.Command{Use: "approvals", Short: "List requests for approval, the newest first", Args: cobra.NoArgs}
	c, asJSON := addURL(cmd, os.Getenv), addJSON(cmd)
	cmd.Flags().StringVar(&status, "status", "", "pending, approved, rejected or closed (default: all)")
	cmd.Flags().StringVar(&model, "model", "", "of this model alone")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		args := url.Values{}
		for name, value := range map[string]string{"status": status, "model": model} {
			if value != "" {
				args.Set(name, value)
			}
		}
		var answer struct{ Approvals []approvalShown }
		if err := c.get(cmd.Context(), "/v1/approvals", args, &answer); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), answer.Approvals)
		}
		t := newTerminal(cmd.OutOrStdout(), os.Getenv)
		if len(answer.Approvals) == 0 {
			fmt.Fprintln(t, "no requests for approval")
			return nil
		}
		tb := &table{header: []string{"ID", "MODEL", "VERSION", "STAGE", "STATUS", "HAS", "BY", "ASKED", "COMMENT"}, right: map[int]bool{2: true}}
		for _, a := range answer.Approvals {
			tb.rows = append(tb.rows, []string{
				a.ID, a.Model, a.Version, a.Stage, strings.ToLower(a.Status), fmt.Sprintf("%d of %d", a.Approvals, a.Required), a.By, formatTime(a.TimeMS), a.Comment,
			})
		}
		return t.table(tb, nil)
	}
	return cmd
}

func newRequire() *cobra.Command {
	cmd := &cobra.Command{
		Use: "require MODEL STAGE N", Short: "Set how many approvals a model needs before a stage; 0 is none",
		Args: wants("the model", "the stage", "the number"),
	}
	c, asJSON := addURL(cmd, os.Getenv), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return fmt.Errorf("the number of approvals must be one, not %q", args[2])
		}
		var answer struct {
			Required map[string]int `json:"approvals_required"`
		}
		path := "/v1/registered-models/" + url.PathEscape(args[0]) + "/approvals-required"
		if err := c.json(cmd.Context(), http.MethodPut, path, map[string]any{"stage": args[1], "count": n}, &answer); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), answer.Required)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s needs %d approvals before %s\n", args[0], n, args[1])
		return nil
	}
	return cmd
}

// myself is the name that counts where no token tells one.
func myself() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func newRequest() *cobra.Command {
	var comment string
	cmd := &cobra.Command{
		Use: "request MODEL VERSION STAGE", Short: "Ask for the approvals that a stage needs",
		Args: wants("the model", "the version", "the stage"),
	}
	c, asJSON := addURL(cmd, os.Getenv), addJSON(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in := map[string]string{"model": args[0], "version": args[1], "stage": args[2], "comment": comment, "by": myself()}
		return c.printApproval(cmd, "/v1/approvals", in, *asJSON)
	}
	return cmd
}

func newJudge(verb, short string) *cobra.Command {
	var comment string
	cmd := &cobra.Command{Use: verb + " ID", Short: short, Args: wants("the request's id")}
	c, asJSON := addURL(cmd, os.Getenv), addJSON(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in := map[string]string{"comment": comment, "by": myself()}
		return c.printApproval(cmd, "/v1/approvals/"+url.PathEscape(args[0])+"/"+verb, in, *asJSON)
	}
	return cmd
}

// printApproval sends what changes a request and says how it stands.
func (c *client) printApproval(cmd *cobra.Command, path string, in any, asJSON bool) error {
	var answer struct{ Approval approvalShown }
	if err := c.post(cmd.Context(), path, in, &answer); err != nil {
		return err
	}
	a := answer.Approval
	if asJSON {
		return printJSON(cmd.OutOrStdout(), a)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s  %s version %s to %s: %s, %d of %d approvals\n", a.ID, a.Model, a.Version, a.Stage, strings.ToLower(a.Status), a.Approvals, a.Required)
	return nil
}
