package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestArtifactsMayLieInAFolderOfTheirOwn(t *testing.T) {
	inside, other := filepath.Join(t.TempDir(), "data", "artifacts"), filepath.Join(t.TempDir(), "deep", "files")
	for at, want := range map[string]string{"": inside, other: other, "file://" + other: other} {
		s, err := openArtifacts(context.Background(), at, inside, nil)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if err := s.Put(context.Background(), "f", strings.NewReader("x"), 1); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(want, "f")); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAWrongArtifactStoreIsNamedWithItsFlag(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"ftp://host/x":         "azblob://",
		"file://relative/path": "file:///absolute/path",
		file:                   "not writable",
		"s3://key:secret@b":    "AWS_ACCESS_KEY_ID",
	} {
		_, err := openArtifacts(context.Background(), at, "", nil)
		if err == nil || !strings.Contains(err.Error(), "--artifacts") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", at, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v", at, err)
		}
	}
}
