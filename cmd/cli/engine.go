package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/cmd/engine/install"
)

func newEngine() *cobra.Command {
	cmd := &cobra.Command{
		Use: "engine", Short: "Look after the ClickHouse engine",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("there is no command %q; say engine status or engine install", args[0])
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newEngineRun(), newEngineCheck(), newEngineStatus(), newEngineInstall())
	return cmd
}

// newEngineRun is the child process of `up`; people have no use for it.
func newEngineRun() *cobra.Command {
	var o engine.Options
	cmd := &cobra.Command{
		Use: "run", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return engine.Run(o, os.Stdin) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "", "data folder")
	f.StringVar(&o.Listen, "listen", "", "address of the native protocol")
	f.StringVar(&o.HTTPListen, "http-listen", "", "address of HTTP")
	f.StringVar(&o.Library, "library", "", "path of libchdb")
	f.BoolVar(&o.Temporary, "temporary", false, "remove the folder at the end")
	f.StringVar(&o.MoreUsers, "more-users", "", "file with further users")
	for _, name := range []string{"dir", "listen", "http-listen", "library"} {
		_ = cmd.MarkFlagRequired(name) // the flag is defined above
	}
	return cmd
}

// newEngineCheck loads the library and ends: in a process of its own, for a bad one may crash it.
func newEngineCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check LIBRARY", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return engine.CheckLibrary(args[0]) },
	}
}

func newEngineStatus() *cobra.Command {
	var lib string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Say which engine 'up' would run", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := loadableEngine(cmd.Context(), lib)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]string{"engine": path, "package": engine.PackageVersion(path), "needed": engine.Version})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "engine   %s\npackage  %s\nneeded   ClickHouse %s\nloads    yes\n", path, engine.PackageVersion(path), engine.Version)
			return nil
		},
	}
	cmd.Flags().StringVar(&lib, "engine-lib", os.Getenv(app.EnvName("engine-lib")), "path of libchdb")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// loadableEngine is the library that `up` would run, after a look whether it loads.
func loadableEngine(ctx context.Context, explicit string) (string, error) {
	path, err := app.FindEngine(explicit)
	if err != nil {
		return "", err
	}
	return path, install.Loads(ctx, path)
}

func newEngineInstall() *cobra.Command {
	var dir string
	var force bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install the pinned engine with npm, checked by its hash",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path := install.Installed(dir); path != "" && !force && install.Loads(cmd.Context(), path) == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "already there: %s\n", path)
				return nil
			}
			return install.Run(cmd.Context(), dir, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&dir, "to", app.EngineHome(), "folder to install into")
	cmd.Flags().BoolVar(&force, "force", false, "install again what is there")
	return cmd
}
