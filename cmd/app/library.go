package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/streamgauge/streamgauge/cmd/engine"
)

// engineFolderEnv names the folder of the Python package streamgauge-engine, laid out as npm does it. The command that
// pip installs sets it whether that package is there or not (clients/python/src/streamgauge/_command.py).
const engineFolderEnv = "STREAMGAUGE_ENGINE_FOLDER"

// EngineHome is where `streamgauge engine install` puts the engine.
func EngineHome() string { return filepath.Join(DataHome(os.Getenv), "engine") }

// EngineFolders are searched for the engine: where Python's packages are, beside the binary, as in a checkout or an
// unpacked release, and where `engine install` puts it.
func EngineFolders() []string {
	var out []string
	if dir := os.Getenv(engineFolderEnv); dir != "" {
		out = append(out, dir)
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		out = append(out, filepath.Join(dir, "..", "deploy", "engine"), filepath.Join(dir, "engine"))
	}
	return append(out, EngineHome())
}

// EngineRemedy is the command that brings the engine to this installation.
func EngineRemedy() string {
	if os.Getenv(engineFolderEnv) != "" {
		return "pip install 'streamgauge[server]'"
	}
	return "streamgauge engine install"
}

// FindEngine is the library that `up` runs: the explicit path if one is given. Its error says how to get one.
func FindEngine(explicit string) (string, error) {
	lib, err := engine.FindLibrary(explicit, EngineFolders())
	if errors.Is(err, engine.ErrMissing) {
		return "", fmt.Errorf("%w; run `%s`", err, EngineRemedy())
	}
	return lib, err
}
