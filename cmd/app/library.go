package app

import (
	"os"
	"path/filepath"

	"github.com/streamgauge/streamgauge/cmd/engine/install"
)

// EngineHome is where `streamgauge engine install` puts the engine.
func EngineHome() string { return filepath.Join(DataHome(os.Getenv), "engine") }

// FindEngine is the library that `up` runs: the explicit path if one is given. Its error says how to get one.
func FindEngine(explicit string) (string, error) { return install.Find(explicit, EngineHome()) }
