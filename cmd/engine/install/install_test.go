package install

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/streamgauge/streamgauge/cmd/engine"
	files "github.com/streamgauge/streamgauge/deploy/engine"
)

func TestInstalledEngineIsOneThatCameToItsEnd(t *testing.T) {
	dir := t.TempDir()
	if got := Installed(dir); got != "" {
		t.Errorf("an empty folder has %s", got)
	}
	lock, err := files.Files.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "package-lock.json"), string(lock))
	lib := filepath.Join(dir, "node_modules", filepath.FromSlash(engine.Package(runtime.GOOS, runtime.GOARCH)), "libchdb.so")
	write(t, lib, "")
	if got := Installed(dir); got != "" {
		t.Errorf("an install that broke off has %s", got)
	}
	write(t, filepath.Join(dir, "node_modules", ".package-lock.json"), "{}")
	if got := Installed(dir); got != lib {
		t.Errorf("got %q, want %s", got, lib)
	}
	write(t, filepath.Join(dir, "package-lock.json"), "older")
	if got := Installed(dir); got != "" {
		t.Errorf("an older engine passes for the pinned one: %s", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
