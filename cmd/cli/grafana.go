package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/dashboards/grafana/provision"
	"github.com/streamgauge/streamgauge/schemas/views"
)

func newGrafana() *cobra.Command {
	cmd := &cobra.Command{Use: "grafana", Short: "Dashboards, data source and alert rules for a Grafana"}
	cmd.AddCommand(newGrafanaProvision())
	return cmd
}

// grafanaOptions are the flags of `grafana provision`.
type grafanaOptions struct {
	data, out, root, url, token, clickhouse, server, password string
}

func newGrafanaProvision() *cobra.Command {
	var o grafanaOptions
	cmd := &cobra.Command{
		Use:   "provision",
		Short: "Write Grafana's provisioning files, or put the same into a Grafana that runs",
		Example: `  streamgauge grafana provision --out /etc/grafana/provisioning
  streamgauge grafana provision --url http://127.0.0.1:3000 --token TOKEN`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "write files for a folder of provisioning, which Grafana reads when it starts")
	f.StringVar(&o.root, "root", "", "where Grafana will find that folder, if elsewhere (in a container)")
	f.StringVar(&o.url, "url", "", "address of a Grafana that runs")
	f.StringVar(&o.token, "token", "", "token of a service account of that Grafana with the role Admin, or user:password; default $STREAMGAUGE_GRAFANA_TOKEN")
	f.StringVar(&o.clickhouse, "clickhouse-address", "", "host:port of ClickHouse's native port as Grafana reaches it; default: that of the data folder's server")
	f.StringVar(&o.server, "server-url", "", "address of Streamgauge's page as readers reach it; default: that of the data folder's server")
	f.StringVar(&o.password, "password", "", "password of the read-only user, or $NAME for Grafana's environment; default: that of the data folder")
	addData(cmd, &o.data)
	return cmd
}

func (o *grafanaOptions) run(cmd *cobra.Command) error {
	if (o.out == "") == (o.url == "") {
		return errors.New("give either --out DIR for files or --url ADDRESS for a Grafana that runs")
	}
	p, err := o.provisioning()
	if err != nil {
		return err
	}
	if o.url != "" {
		token := o.token
		if token == "" {
			token = os.Getenv("STREAMGAUGE_GRAFANA_TOKEN")
		}
		g, err := provision.Connect(o.url, token)
		if err != nil {
			return err
		}
		return g.Upload(cmd.Context(), p, func(what string) { fmt.Fprintln(cmd.OutOrStdout(), what) })
	}
	out, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	root := o.root
	if root == "" {
		root = out
	}
	files, err := provision.Files(p, root)
	if err != nil {
		return err
	}
	if err := provision.Write(out, files); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d files in %s: start Grafana with GF_PATHS_PROVISIONING=%s, and with the plugin grafana-clickhouse-datasource\n", len(files), out, root)
	return nil
}

// provisioning fills in what the flags leave out from the data folder.
func (o *grafanaOptions) provisioning() (provision.Options, error) {
	p := provision.Options{ClickHouse: o.clickhouse, User: engine.ReaderUser, Password: o.password, Database: views.Database, Server: o.server}
	if p.ClickHouse == "" || p.Server == "" {
		ports, err := app.ReadPorts(o.data)
		if err != nil {
			return p, fmt.Errorf("%w; or give --clickhouse-address and --server-url", err)
		}
		if p.ClickHouse == "" {
			p.ClickHouse = ports.Near(ports.ClickHouse)
		}
		if p.Server == "" {
			p.Server = ports.URL()
		}
	}
	if p.Password == "" {
		c, err := engine.LoadCredentials(o.data)
		if err != nil {
			return p, fmt.Errorf("%w; or give --password", err)
		}
		p.Password = c.Reader
	}
	return p, nil
}
