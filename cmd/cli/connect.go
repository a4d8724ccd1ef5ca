package cli

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/cmd/vault"
	tables "github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/views"
)

func newConnect() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:       "connect [clickhouse|grafana|nats|python]",
		Short:     "Print ready lines to connect with, passwords included",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"clickhouse", "grafana", "nats", "python"},
		RunE: func(cmd *cobra.Command, args []string) error {
			ports, err := app.ReadPorts(dir)
			if err != nil {
				return err
			}
			c, err := engine.LoadCredentials(dir)
			if err != nil {
				return err
			}
			owner, err := vault.OwnerToken(dir)
			if err != nil {
				return err
			}
			out := newTerminal(cmd.OutOrStdout(), os.Getenv)
			for _, part := range []struct {
				name  string
				print func(terminal)
			}{
				{"python", func(t terminal) { connectPython(t, ports) }},
				{"nats", func(t terminal) { connectNATS(t, ports, owner) }},
				{"clickhouse", func(t terminal) { connectClickHouse(t, ports, c) }},
				{"grafana", func(t terminal) { connectGrafana(t, ports, c) }},
			} {
				if len(args) == 0 || args[0] == part.name {
					part.print(out)
				}
			}
			return nil
		},
	}
	addData(cmd, &dir)
	return cmd
}

// addData defines --data as `up` has it, and fills it from the same settings before the command runs.
func addData(cmd *cobra.Command, dir *string) {
	var file string
	cmd.Flags().StringVar(dir, "data", app.DataHome(os.Getenv), "data folder of the server")
	addConfig(cmd, &file)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("data") {
			return app.CheckData(*dir)
		}
		c, err := settings(os.Getenv, configFile(file, os.Getenv))
		*dir = c.Data
		return err
	}
}

func connectPython(t terminal, p app.Ports) {
	fmt.Fprintln(t, t.paint(bold, "# Python, with MLflow's own client"))
	fmt.Fprintf(t, "export MLFLOW_TRACKING_URI=%s\n", p.URL())
	fmt.Fprintln(t, "# Once there are tokens: export MLFLOW_TRACKING_TOKEN=$(streamgauge token create --role write)")
	fmt.Fprint(t, "python -c 'import mlflow; mlflow.set_experiment(\"first\"); mlflow.start_run(); mlflow.log_metric(\"loss\", 0.5)'\n\n")
}

func connectNATS(t terminal, p app.Ports, owner string) {
	fmt.Fprintln(t, t.paint(bold, "# NATS, all rights: frames on lanes, documents as a key-value bucket; can destroy the data"))
	scheme, _, _ := strings.Cut(p.NATSURL(), "://")
	fmt.Fprintf(t, "export NATS_URL=%s://%s:%s@%s\n", scheme, access.OwnerID, owner, p.Near(p.NATS))
	fmt.Fprint(t, "nats stream report\nnats subscribe 'sg.points.>'\n\n")
}

func connectClickHouse(t terminal, p app.Ports, c engine.Credentials) {
	host, port, err := net.SplitHostPort(p.ClickHouse)
	if err != nil {
		host, port = p.ClickHouse, ""
	}
	fmt.Fprintln(t, t.paint(bold, "# ClickHouse, read-only: for people, notebooks and dashboards"))
	fmt.Fprintf(t, "clickhouse-client --host %s --port %s --user %s --password %s --database %s\n", host, port, engine.ReaderUser, c.Reader, tables.Database)
	fmt.Fprintf(t, "clickhouse://%s:%s@%s/%s\n", engine.ReaderUser, c.Reader, p.ClickHouse, tables.Database)
	fmt.Fprintf(t, "curl 'http://%s/?user=%s&password=%s&database=%s' -d 'SELECT count() FROM sg.runs'\n", p.ClickHouseHTTP, engine.ReaderUser, c.Reader, tables.Database)
	fmt.Fprintln(t, t.paint(bold, "# ClickHouse, all rights: can destroy the data"))
	fmt.Fprintf(t, "clickhouse://%s:%s@%s/%s\n", engine.AppUser, c.App, p.ClickHouse, tables.Database)
}

func connectGrafana(t terminal, p app.Ports, c engine.Credentials) {
	fmt.Fprintln(t, t.paint(bold, "\n# Grafana: data source, dashboards and alert rules, all at once"))
	fmt.Fprint(t, "streamgauge grafana provision --url http://127.0.0.1:3000 --token ADMIN-TOKEN\n")
	fmt.Fprintln(t, t.paint(bold, "# or a data source of type grafana-clickhouse-datasource by hand"))
	fmt.Fprintf(t, "address %s, protocol native, user %s, password %s, default database %s\n", p.Near(p.ClickHouse), engine.ReaderUser, c.Reader, views.Database)
}
