// Package cli is the command line: it parses, asks the server over HTTP or starts it, and prints.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/alerting"
	"github.com/streamgauge/streamgauge/cmd/shipping"
	"github.com/streamgauge/streamgauge/cmd/top"
	"github.com/streamgauge/streamgauge/cmd/transfer"
	carry "github.com/streamgauge/streamgauge/cmd/transfer/command"
)

// Main runs a command line and gives the process status.
func Main(args []string, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	if err := root.Execute(); err != nil {
		if !errors.Is(err, errSilent) && !errors.Is(err, shipping.ErrLeft) {
			fmt.Fprintln(errOut, "streamgauge: "+err.Error())
		}
		return 1
	}
	return 0
}

// errSilent ends with a status other than 0 when everything is already printed.
var errSilent = errors.New("silent")

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "streamgauge",
		Short: "An experiment tracker for high metric volumes that speaks MLflow",
		Long: `An experiment tracker for high metric volumes that speaks MLflow.

  streamgauge up                                    start the server
  export MLFLOW_TRACKING_URI=http://127.0.0.1:5000  then run any MLflow script
  streamgauge runs                                  look at what came in`,
		Version:           version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate(versionLine())
	root.AddCommand(newUp(), newRuns(), newShow(), newMetrics(), top.Command(watched), newSQL(), newClickHouse(), newConnect(), newGrafana(), newRegistry(), newLineage(), newAlerts(), newToken(), carry.Export(connected), carry.Import(connected), shipping.Sync(), shipping.Agent(newLog), newDoctor(), newDemo(), newEngine(), newVersion())
	return root
}

// connected is the server that the flags of a command name.
func connected(cmd *cobra.Command) transfer.Server { return addURL(cmd, os.Getenv) }

func newAlerts() *cobra.Command {
	return alerting.Command(func(cmd *cobra.Command) alerting.Ask { return addURL(cmd, os.Getenv).json })
}

func watched(cmd *cobra.Command) top.Server { return addURL(cmd, os.Getenv) }
