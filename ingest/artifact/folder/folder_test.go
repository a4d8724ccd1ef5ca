package folder_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/ingest/artifact/folder"
)

func TestWhatACrashLeftIsNotListedAndIsRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"f.1856d2f0a1b2c3d4.tmp", "mine.2.tmp", "f"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := folder.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	listed, _, err := s.List(context.Background(), "", "")
	if err != nil || len(listed) != 2 || listed[0].Name != "f" || listed[1].Name != "mine.2.tmp" {
		t.Errorf("listed: %v %v", listed, err)
	}
	folder.Swept(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left: %v %v", entries, err)
	}
}

func TestPagesHoldEveryFileOnce(t *testing.T) {
	t.Cleanup(folder.SetPageMax(3))
	s, err := folder.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	want := []string{"a", "b/c", "d", "d.x", "d-/e", "f", "g", "h"}
	for _, p := range want {
		if err := s.Put(ctx, p, strings.NewReader(p), -1); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for page := ""; ; {
		files, next, err := s.List(ctx, "", page)
		if err != nil || len(files) > 3 {
			t.Fatalf("%v %v", files, err)
		}
		for _, f := range files {
			seen[f.Name]++
		}
		if page = next; page == "" {
			break
		}
	}
	for _, name := range []string{"a", "b", "d", "d.x", "d-", "f", "g", "h"} {
		if seen[name] != 1 {
			t.Errorf("%s is listed %d times", name, seen[name])
		}
	}
	if _, _, err := s.List(ctx, "", "!"); err == nil {
		t.Error("any text is taken for a page token")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheSweepLeavesUploadsThatAreUnderWay(t *testing.T) {
	for range 50 {
		s, err := folder.Open(t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(context.Background(), "a", strings.NewReader("x"), 1); err != nil {
			t.Fatalf("an upload in the moment of the start: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
