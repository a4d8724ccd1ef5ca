package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// newDemo stands in the list of commands. The demo itself is Python's, and so is the command that starts it
// (clients/python/src/streamgauge/_command.py); whoever comes here has called this binary directly.
func newDemo() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Run two real trainings and show what came of them (with the Python package)",
		RunE: func(*cobra.Command, []string) error {
			return errors.New("the demo is a part of the Python package: run `pip install 'streamgauge[server,demo]'` and its own command streamgauge, or `make demo` in a checkout")
		},
	}
}
