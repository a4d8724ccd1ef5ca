package shipping

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/clients/go/agent"
)

// agentFlush leaves some of the ten seconds that whoever ends processes allows.
const agentFlush = 8 * time.Second

// Agent is the command `agent`, which logs to what newLog gives for a level.
func Agent(newLog func(*cobra.Command, string) (*slog.Logger, error)) *cobra.Command {
	var root, level string
	var o agent.Options
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Ship what the trainings of this host log, beside them",
		Long: `Ship what the trainings of this host log, beside them.

The agent watches a folder with spools (default: STREAMGAUGE_DIR, else that of the Python library). It ships
those of living processes that leave it to an agent (STREAMGAUGE_AGENT=1), and what dead ones have left, as far as
they are meant for its server. It may be killed and started again at any time: nothing is lost or counted twice.
SIGTERM ends it, after what is there was sent.`,
		Example: `  streamgauge agent --url http://tracker:5000
  streamgauge agent --nats tracker:4222
  streamgauge agent --kafka broker:9092 --for any`,
		Args: cobra.NoArgs,
	}
	to := addTarget(cmd, os.Getenv)
	f := cmd.Flags()
	f.StringVar(&root, "spool", "", "folder with the spools, also STREAMGAUGE_DIR")
	f.StringVar(&o.For, "for", "", "ship spools of jobs whose STREAMGAUGE_URL is this one, or any (default: the server's address here)")
	f.DurationVar(&o.Idle, "idle", 0, "end when there was nothing to ship for so long (0: never)")
	f.DurationVar(&o.Limit, "time-limit", 0, "end after so long, as with SIGTERM (0: never)")
	f.DurationVar(&o.Flush, "flush", agentFlush, "how long the end waits for what is there to be sent")
	f.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		log, err := newLog(cmd, level)
		if err != nil {
			return err
		}
		if root == "" {
			if root, err = spoolHome(os.Getenv); err != nil {
				return err
			}
		}
		server, err := to.dial(func(text string) { log.Warn("the server warns", "message", text) })
		if err != nil {
			return err
		}
		defer server.Close()
		a, err := agent.New(root, server, log, o)
		if err != nil {
			return err
		}
		stop := make(chan struct{})
		ctx, cancel := context.WithCancel(cmd.Context())
		defer cancel()
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
		go func() {
			<-signals
			close(stop)
			<-signals
			cancel()
		}()
		if err = a.Run(ctx, stop); errors.Is(err, agent.ErrRunning) {
			log.Info("nothing to do here", "reason", err)
			return nil
		}
		return err
	}
	return cmd
}
