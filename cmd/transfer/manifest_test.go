package transfer

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func manifest() *Manifest {
	return &Manifest{Format: Format, Version: Version, ID: strings.Repeat("a", 32)}
}

// written is a finished export with one file.
func written(t *testing.T) (dir string, m *Manifest) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "out")
	if err := Begin(dir); err != nil {
		t.Fatal(err)
	}
	name := "runs-00001.parquet"
	if err := WriteFile(filepath.Join(dir, name), func(w io.Writer) error { _, err := w.Write([]byte("content")); return err }); err != nil {
		t.Fatal(err)
	}
	bytes, sum, err := Sum(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	m = manifest()
	m.Tables = []*Table{{Name: "runs", Rows: 1, Files: []File{{Name: name, Rows: 1, Bytes: bytes, SHA256: sum}}}}
	if err := m.Finish(dir); err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func fails(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%v; want %q", err, text)
	}
}

func TestAFinishedExportIsOpenedAndVerified(t *testing.T) {
	dir, want := written(t)
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.ID != want.ID || m.Table("runs").Files[0] != want.Tables[0].Files[0] {
		t.Errorf("read %+v", m)
	}
	if err := m.Verify(dir); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDamageIsNamed(t *testing.T) {
	dir, m := written(t)
	for what, content := range map[string]string{"longer": "content!", "other": "CONTENT", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, "runs-00001.parquet"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Log(what)
		fails(t, m.Verify(dir), "runs-00001.parquet is damaged")
	}
	if err := os.Remove(filepath.Join(dir, "runs-00001.parquet")); err != nil {
		t.Fatal(err)
	}
	fails(t, m.Verify(dir), "runs-00001.parquet")
}

func TestWhatIsNotWholeIsNoExport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := Begin(dir); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir)
	fails(t, err, "was interrupted")
	fails(t, Begin(dir), "was interrupted")
	_, err = Open(t.TempDir())
	fails(t, err, "is no export")
	other, _ := written(t)
	fails(t, Begin(other), "is not empty")
}

func TestAFileIsThereWholeOrNotAtAll(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	broken := errors.New("broken")
	err := WriteFile(name, func(w io.Writer) error {
		_, _ = w.Write([]byte("half"))
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(name)); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestStrangeManifestsAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Manifest){
		"format version 2": func(m *Manifest) { m.Version = 2 },
		`format "x"`:       func(m *Manifest) { m.Format = "x" },
		`the id "1"`:       func(m *Manifest) { m.ID = "1" },
		"../etc/passwd":    func(m *Manifest) { m.Tables = []*Table{{Name: "runs", Files: []File{{Name: "../etc/passwd"}}}} },
		"tags-00001":       func(m *Manifest) { m.Tables = []*Table{{Name: "runs", Files: []File{{Name: "tags-00001.parquet"}}}} },
	} {
		m := manifest()
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ManifestName), b, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err = Open(dir)
		fails(t, err, want)
	}
}
