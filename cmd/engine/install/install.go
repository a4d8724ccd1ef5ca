// Package install finds the engine on this machine, and brings the pinned one with npm, which checks it by its hash. The
// pins are deploy/engine's.
package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/streamgauge/streamgauge/cmd/engine"
	files "github.com/streamgauge/streamgauge/deploy/engine"
)

// Installed is the library that an earlier install of these same pinned versions brought to its end, "" if there is none.
func Installed(dir string) string {
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

// Run installs the engine into a folder and looks whether it loads; it says what it does on out, npm's words go to both.
func Run(ctx context.Context, dir string, out, errOut io.Writer) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is missing, it brings the engine: install Node.js 20 (Debian: `apt install nodejs npm`, Fedora: `dnf install nodejs`, macOS: `brew install node`), or copy the package's libchdb.so here and name it with --engine-lib")
	}
	if err := writePins(dir); err != nil {
		return err
	}
	fmt.Fprintf(out, "installing the ClickHouse engine into %s (some 570 MB)\n", dir)
	ci := exec.CommandContext(ctx, npm, "ci", "--no-audit", "--no-fund", "--loglevel", "error")
	ci.Dir, ci.Stdout, ci.Stderr = dir, out, errOut
	if err := ci.Run(); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	path, err := engine.FindLibrary("", []string{dir})
	if err != nil {
		return err
	}
	if err := Loads(ctx, path); err != nil {
		return err
	}
	fmt.Fprintf(out, "ready: %s\n", path)
	return nil
}

func writePins(dir string) error {
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
	return nil
}

// Loads says whether a library is the engine. It is loaded by another process, our own binary again, for a bad one may
// crash it.
func Loads(ctx context.Context, path string) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own binary: %w", err)
	}
	out, err := exec.CommandContext(ctx, exe, "engine", "check", path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("the engine %s cannot be loaded: %w: %s", path, err, out)
	}
	return nil
}
