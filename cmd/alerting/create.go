package alerting

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/registry/alerts/serve"
	"github.com/streamgauge/streamgauge/schemas/alert"
)

// secretEnv is where the secret comes from: other users see the arguments of a command.
const secretEnv = "STREAMGAUGE_ALERT_SECRET"

// wish is an alert as flags say it.
type wish struct {
	alert.Rule
	kind, ranks, op, direction string
	value, delta               float64
	points                     int
	after                      time.Duration
	states                     []string
	webhooks, slacks, mails    []string
	file                       string
}

func create(connect func(*cobra.Command) Ask) *cobra.Command {
	var w wish
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an alert",
		Example: `  streamgauge alerts create --name "loss too high" --experiment wine --kind threshold --metric loss --op '>' --value 10 --points 3 --slack URL
  streamgauge alerts create --name NaN --experiment wine --kind nan --webhook https://example.org/hook
  streamgauge alerts create --name failed --experiment wine --kind state --state FAILED --state CRASHED --email a@example.org
  streamgauge alerts create --file alert.json`,
		Args: cobra.NoArgs,
	}
	ask := connect(cmd)
	f := cmd.Flags()
	f.StringVar(&w.Name, "name", "", "what people are told")
	f.StringArrayVarP(&w.ExperimentIDs, "experiment", "e", nil, "name or id of an experiment that is watched, may be repeated")
	f.StringVar(&w.RunID, "run", "", "id of the one run that is watched")
	f.StringVar(&w.kind, "kind", "threshold", "threshold, nan, plateau, no_heartbeat or state")
	f.StringVar(&w.Metric, "metric", "", "name of the metric, or a pattern with *")
	f.StringVar(&w.ranks, "ranks", "each", "each, or zero for rank 0 alone")
	f.StringVar(&w.op, "op", ">", "of threshold: one of > < >= <=")
	f.Float64Var(&w.value, "value", 0, "of threshold: the limit")
	f.IntVar(&w.points, "points", 1, "of threshold and plateau: for how many points one after another")
	f.Float64Var(&w.delta, "min-delta", 0, "of plateau: what counts as better")
	f.StringVar(&w.direction, "direction", "min", "of plateau: min if less is better, or max")
	f.DurationVar(&w.after, "after", 5*time.Minute, "of no_heartbeat: how long a run may be silent")
	f.StringArrayVar(&w.states, "state", nil, "of state: FINISHED, FAILED, KILLED or CRASHED, may be repeated")
	f.StringArrayVar(&w.webhooks, "webhook", nil, "address to post to, signed with "+secretEnv+" if that is set")
	f.StringArrayVar(&w.slacks, "slack", nil, "address of a webhook of Slack")
	f.StringArrayVar(&w.mails, "email", nil, "address to send mail to, may be repeated")
	f.StringVar(&w.file, "file", "", "the alert as JSON, in place of all other flags; - is the standard input")
	asJSON := f.Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if w.file == "" {
			var err error
			if w.ExperimentIDs, err = experimentIDs(cmd.Context(), ask, w.ExperimentIDs); err != nil {
				return err
			}
		}
		in, err := w.rule(cmd)
		if err != nil {
			return err
		}
		var made serve.One
		if err := ask(cmd.Context(), http.MethodPost, path, in, &made); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), made.Alert)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nIt judges what comes from now on; try its channels with `streamgauge alerts test %s`.\n", made.Alert.ID, made.Alert.ID)
		return err
	}
	return cmd
}

func (w *wish) rule(cmd *cobra.Command) (any, error) {
	if w.file != "" {
		b, err := readFile(cmd, w.file)
		if err != nil {
			return nil, fmt.Errorf("--file: %w", err)
		}
		if !json.Valid(b) {
			return nil, fmt.Errorf("--file: %s is no JSON", w.file)
		}
		return json.RawMessage(b), nil
	}
	r := w.Rule
	r.Enabled, r.Kind, r.Ranks = true, alert.Kind(w.kind), alert.Ranks(w.ranks)
	switch r.Kind {
	case alert.Threshold:
		if !cmd.Flags().Changed("value") {
			return nil, errors.New("say the limit: --value NUMBER, beside --op")
		}
		r.Threshold = &alert.ThresholdSettings{Op: w.op, Value: w.value, ForPoints: w.points}
	case alert.Plateau:
		r.Plateau = &alert.PlateauSettings{Points: w.points, MinDelta: w.delta, Direction: w.direction}
	case alert.NoHeartbeat:
		r.NoHeartbeat = &alert.NoHeartbeatSettings{AfterMS: w.after.Milliseconds()}
	case alert.State:
		r.State = &alert.StateSettings{States: w.states}
	case alert.NaN:
	default:
		return nil, fmt.Errorf("--kind %s: want threshold, nan, plateau, no_heartbeat or state", w.kind)
	}
	for _, u := range w.webhooks {
		r.Channels = append(r.Channels, alert.Channel{Type: alert.Webhook, URL: u, Secret: os.Getenv(secretEnv)})
	}
	for _, u := range w.slacks {
		r.Channels = append(r.Channels, alert.Channel{Type: alert.Slack, URL: u})
	}
	if len(w.mails) > 0 {
		r.Channels = append(r.Channels, alert.Channel{Type: alert.Email, To: w.mails})
	}
	if len(r.Channels) == 0 {
		return nil, errors.New("say who is told: --webhook URL, --slack URL or --email ADDRESS")
	}
	return r, r.Check()
}
