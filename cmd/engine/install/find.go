package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/streamgauge/streamgauge/cmd/engine"
)

// folderEnv names the folder of the Python package streamgauge-engine, laid out as npm does it. The command that pip
// installs sets it whether that package is there or not (clients/python/src/streamgauge/_command.py).
const folderEnv = "STREAMGAUGE_ENGINE_FOLDER"

// Find is the engine's library: the explicit path if one is given, else what lies in the folders that are searched,
// home the last of them. Its error says how to get one.
func Find(explicit, home string) (string, error) {
	lib, err := engine.FindLibrary(explicit, folders(home))
	if errors.Is(err, engine.ErrMissing) {
		return "", fmt.Errorf("%w; run `%s`", err, Remedy())
	}
	return lib, err
}

// folders are where Python's packages are, beside the binary, as in a checkout or an unpacked release, and where
// `engine install` puts the engine.
func folders(home string) []string {
	var out []string
	if dir := os.Getenv(folderEnv); dir != "" {
		out = append(out, dir)
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		out = append(out, filepath.Join(dir, "..", "deploy", "engine"), filepath.Join(dir, "engine"))
	}
	return append(out, home)
}

// Remedy is the command that brings the engine to this installation.
func Remedy() string {
	if os.Getenv(folderEnv) != "" {
		return "pip install 'streamgauge[server]'"
	}
	return "streamgauge engine install"
}
