// Package top is the command `top`: a run's metrics as live curves in a terminal.
//
//	package watch reads the run and tells -> screen (keys and news change it, nothing else does) -> draw
package top

import (
	"context"
	"errors"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/streamgauge/streamgauge/cmd/top/watch"
)

// Server is asked for runs by what people call them. Newest is the newest run that goes on, or else the newest.
type Server interface {
	watch.Server
	Find(ctx context.Context, what string) (runID string, err error)
	Newest(ctx context.Context) (runID string, err error)
}

// Connect defines the flags that name a server.
type Connect func(*cobra.Command) Server

// Command is `top`.
func Command(connect Connect) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "top [RUN]",
		Short: "Watch a run's metrics as live curves in the terminal",
		Long: `Watch a run's metrics as live curves in the terminal, also over ssh. RUN is a name, an id, or the beginning of an id; without it, it is
the newest run that goes on. ? lists the keys, q quits.`,
		Example: `  streamgauge top
  streamgauge top my-run
  ssh host streamgauge top`,
		Args: cobra.MaximumNArgs(1),
	}
	server := connect(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f, ok := cmd.OutOrStdout().(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
			return errors.New("top draws on a terminal, and this is none (over ssh say `ssh -t`); `streamgauge metrics RUN KEY` prints a metric anywhere")
		}
		id, err := find(cmd.Context(), server, args)
		if err != nil {
			return err
		}
		return Run(cmd.Context(), server, id, cmd.OutOrStdout())
	}
	return cmd
}

func find(ctx context.Context, s Server, args []string) (string, error) {
	if len(args) == 0 {
		return s.Newest(ctx)
	}
	return s.Find(ctx, args[0])
}

// Run shows a run until the user quits.
func Run(ctx context.Context, server watch.Server, runID string, out io.Writer) error {
	var p *tea.Program
	w := watch.New(server, runID, func(news any) { p.Send(news) })
	p = tea.NewProgram(newScreen(w.Want), tea.WithContext(ctx), tea.WithOutput(out))
	stop := follow(ctx, w)
	defer stop()
	_, err := p.Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}
