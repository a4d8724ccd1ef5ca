package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Version is the engine that this binary is made for: major and minor.
const Version = "26.7"

// ErrMissing says that no folder has the library.
var ErrMissing = errors.New("the ClickHouse engine is not installed")

// Package is the npm package that holds the library for a platform, "" if there is none.
func Package(goos, goarch string) string {
	switch goos + "/" + goarch {
	case "linux/amd64":
		return "@chdb/lib-linux-x64-gnu"
	case "linux/arm64":
		return "@chdb/lib-linux-arm64-gnu"
	case "darwin/arm64":
		return "@chdb/lib-darwin-arm64"
	case "darwin/amd64":
		return "@chdb/lib-darwin-x64"
	}
	return ""
}

// FindLibrary looks for libchdb: the explicit path alone if one is given, else under node_modules of each
// folder in turn.
func FindLibrary(explicit string, folders []string) (string, error) {
	if explicit != "" {
		if _, err := os.Stat(explicit); err != nil {
			return "", fmt.Errorf("the engine library named by --engine-lib is not there: %w", err)
		}
		// A bare name would be looked for in the system's library folders.
		return filepath.Abs(explicit)
	}
	pkg := Package(runtime.GOOS, runtime.GOARCH)
	if pkg == "" {
		return "", fmt.Errorf("there is no ClickHouse engine for %s/%s; Linux and macOS on x86-64 and arm64 have one", runtime.GOOS, runtime.GOARCH)
	}
	for _, dir := range folders {
		// The published packages name it .so on every platform, builds by hand .dylib on macOS.
		for _, name := range []string{"libchdb.so", "libchdb.dylib"} {
			path := filepath.Join(dir, "node_modules", filepath.FromSlash(pkg), name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%w (%s, looked for in %s)", ErrMissing, pkg, strings.Join(folders, ", "))
}

// PackageVersion is the version of the npm package around a library, "unknown" for one that stands alone.
func PackageVersion(library string) string {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(library), "package.json"))
	if err != nil {
		return "unknown"
	}
	var p struct{ Version string }
	if json.Unmarshal(b, &p) != nil || p.Version == "" {
		return "unknown"
	}
	return p.Version
}

// CheckLibrary loads a library into this process, to see whether it is the engine.
func CheckLibrary(path string) error {
	_, err := load(path)
	return err
}
