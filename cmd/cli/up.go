package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/heap"
)

// stopMax is what is promised: after that the process ends, and the next start takes up from the files.
const stopMax = 9500 * time.Millisecond

func newUp() *cobra.Command {
	var c app.Config
	var file string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the server: MLflow's API, NATS and ClickHouse in one",
		Long: `Start the server: MLflow's API, NATS and ClickHouse in one.

Every flag can also be an environment variable (--nats-listen is STREAMGAUGE_NATS_LISTEN) or a key in
streamgauge.yaml; flags win, then the environment, then the file. Commands that look for a server
read the same environment and file.`,
		Args: cobra.NoArgs,
	}
	c.Flags(cmd.Flags())
	addConfig(cmd, &file)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := app.Complete(cmd.Flags(), os.Getenv, configFile(file, os.Getenv)); err != nil {
			return err
		}
		log, err := newLog(cmd, c.LogLevel)
		if err != nil {
			return err
		}
		ctx, cancel := stopOnSignal(cmd.Context(), log)
		defer cancel()
		go heap.Bound(ctx)
		return app.Run(ctx, c, app.Process{Version: version, Commit: commit(), Log: log, Ready: func(p app.Ports, took time.Duration) {
			printReady(newTerminal(cmd.OutOrStdout(), os.Getenv), c, p, took)
		}})
	}
	return cmd
}

func newLog(cmd *cobra.Command, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %s: want debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: l})), nil
}

// stopOnSignal ends the context at the first signal, and the process at the second one or when an orderly
// end takes too long.
func stopOnSignal(parent context.Context, log *slog.Logger) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		s := <-signals
		log.Info("stopping", "signal", s.String())
		cancel()
		select {
		case <-signals:
		case <-time.After(stopMax):
			log.Error("the orderly end took too long; nothing acknowledged is lost")
		}
		os.Exit(1)
	}()
	return ctx, cancel
}

func printReady(t terminal, c app.Config, p app.Ports, took time.Duration) {
	data := c.Data
	if abs, err := filepath.Abs(data); err == nil {
		data = abs
	}
	fmt.Fprintf(t, "%s after %.1fs\n\n", t.paint(green, "streamgauge is ready"), took.Seconds())
	tb := &table{whole: true, rows: [][]string{
		{"web page", p.URL()},
		{"MLflow", "export MLFLOW_TRACKING_URI=" + p.URL()},
		{"NATS", p.NATSURL()},
		{"ClickHouse", p.ClickHouse + ", HTTP " + p.ClickHouseHTTP + "; users and passwords: streamgauge connect clickhouse" + dataArg(data, os.Getenv)},
		{"data", data},
		{"artifacts", cmp.Or(c.Artifacts, "in the data folder")},
		{"look", "streamgauge runs" + dataArg(data, os.Getenv)},
	}}
	_ = t.table(tb, dimFirst) // what cannot be printed does not stop the server
	fmt.Fprintln(t)
}
