package app

import (
	"os"
	"path/filepath"
)

// EngineHome is where `streamgauge engine install` puts the engine.
func EngineHome() string { return filepath.Join(DataHome(os.Getenv), "engine") }

// EngineFolders are searched for the engine: beside the binary, as in a checkout or an unpacked release, and
// where `engine install` puts it.
func EngineFolders() []string {
	var out []string
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		out = append(out, filepath.Join(dir, "..", "deploy", "engine"), filepath.Join(dir, "engine"))
	}
	return append(out, EngineHome())
}
