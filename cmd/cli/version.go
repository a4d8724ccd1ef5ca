package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// version and revision are set by the linker.
var (
	version  = "dev"
	revision string
)

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := map[string]string{
				"version": version, "commit": commit(), "mlflow": mlflow.Level, "clickhouse": engine.Version,
				"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// versionLine is for people, after --version too.
func versionLine() string {
	return fmt.Sprintf("streamgauge %s (speaks MLflow %s, runs ClickHouse %s; %s, %s)\n",
		version, mlflow.Level, engine.Version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
}

// commit is the revision that the binary was built from, "" if unknown.
func commit() string {
	if revision != "" {
		return revision
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
