package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/schemas/views/outside"
)

func newClickHouse() *cobra.Command {
	cmd := &cobra.Command{
		Use: "clickhouse", Short: "Help with a ClickHouse that you run yourself", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newGrants())
	return cmd
}

func newGrants() *cobra.Command {
	var a outside.Analyst
	var server string
	var ids []uint
	cmd := &cobra.Command{
		Use: "grants", Short: "Print the SQL that lets analysts into the views, all or some experiments", Args: cobra.NoArgs,
		Long: `Prints the statements with which the administrator of a ClickHouse that you run yourself lets analysts into the
views of database sg; docs/sql.md says what they do. Nothing is carried out:

  streamgauge clickhouse grants --server app                    once, and after every upgrade
  streamgauge clickhouse grants --user ann --experiments 1,3    for a user who is there
  streamgauge clickhouse grants --user bob --all`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, id := range ids {
				if id > 1<<32-1 {
					return fmt.Errorf("--experiments: %d is no experiment's id", id)
				}
				a.Experiments = append(a.Experiments, uint32(id))
			}
			statements := a.Statements
			switch {
			case (server == "") == (a.User == ""):
				return errors.New("say either --server, the name of Streamgauge's user, or --user, that of an analyst")
			case server != "":
				statements = func() ([]string, error) { return outside.Setup(server) }
			}
			all, err := statements()
			if err != nil {
				return err
			}
			return printStatements(cmd.OutOrStdout(), all)
		},
	}
	f := cmd.Flags()
	f.StringVar(&server, "server", "", "Streamgauge's user on that ClickHouse: print what is done once")
	f.StringVar(&a.User, "user", "", "an analyst's user on that ClickHouse: print what lets him in")
	f.UintSliceVar(&ids, "experiments", nil, "ids of the experiments that the analyst may see")
	f.BoolVar(&a.All, "all", false, "the analyst may see everything")
	return cmd
}

func printStatements(out io.Writer, all []string) error {
	for _, s := range all {
		if _, err := fmt.Fprintln(out, s+";"); err != nil {
			return err
		}
	}
	return nil
}
