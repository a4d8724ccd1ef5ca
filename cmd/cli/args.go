package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// wants demands arguments by their names.
func wants(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing; say %s", names[len(args)], cmd.UseLine())
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many; say %s", args[len(names)], cmd.UseLine())
		}
		return nil
	}
}
