package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/engine"
	files "github.com/streamgauge/streamgauge/deploy/engine"
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
			path, err := app.FindEngine(lib)
			if err != nil {
				return err
			}
			if err := checkLibrary(cmd, path); err != nil {
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

// checkLibrary loads a library in another process.
func checkLibrary(cmd *cobra.Command, path string) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own binary: %w", err)
	}
	out, err := exec.CommandContext(cmd.Context(), exe, "engine", "check", path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("the engine %s cannot be loaded: %w: %s", path, err, out)
	}
	return nil
}

func newEngineInstall() *cobra.Command {
	var dir string
	var force bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install the pinned engine with npm, checked by its hash",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path := installedEngine(dir); path != "" && !force && checkLibrary(cmd, path) == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "already there: %s\n", path)
				return nil
			}
			return installEngine(cmd, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "to", app.EngineHome(), "folder to install into")
	cmd.Flags().BoolVar(&force, "force", false, "install again what is there")
	return cmd
}

// installedEngine is the library that an earlier install of these same pinned versions brought to its end, "" if
// there is none.
func installedEngine(dir string) string {
	const lock = "package-lock.json"
	pinned, err := files.Files.ReadFile(lock)
	if err != nil {
		return ""
	}
	if there, err := os.ReadFile(filepath.Join(dir, lock)); err != nil || !bytes.Equal(there, pinned) {
		return ""
	}
	// npm writes this file last.
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err != nil {
		return ""
	}
	path, err := engine.FindLibrary("", []string{dir})
	if err != nil {
		return ""
	}
	return path
}

func installEngine(cmd *cobra.Command, dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("npm is missing, it brings the engine: install Node.js 20 (Debian: `apt install nodejs npm`, Fedora: `dnf install nodejs`, macOS: `brew install node`), or copy the package's libchdb.so here and name it with --engine-lib")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the engine's folder: %w", err)
	}
	names, err := fs.ReadDir(files.Files, ".")
	if err != nil {
		return fmt.Errorf("read the pinned versions: %w", err)
	}
	for _, n := range names {
		b, err := files.Files.ReadFile(n.Name())
		if err != nil {
			return fmt.Errorf("read the pinned versions: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, n.Name()), b, 0o644); err != nil {
			return fmt.Errorf("write the pinned versions: %w", err)
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "installing the ClickHouse engine into %s (some 570 MB)\n", dir)
	ci := exec.CommandContext(cmd.Context(), npm, "ci", "--no-audit", "--no-fund", "--loglevel", "error")
	ci.Dir, ci.Stdout, ci.Stderr = dir, cmd.OutOrStdout(), cmd.ErrOrStderr()
	if err := ci.Run(); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	path, err := engine.FindLibrary("", []string{dir})
	if err != nil {
		return err
	}
	if err := checkLibrary(cmd, path); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "ready: %s\n", path)
	return nil
}
