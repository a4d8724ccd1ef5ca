package seal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/streamgauge/streamgauge/registry/webhook/seal"
)

func TestTheKeyStaysInItsFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := seal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	sealed := first.Seal("secret")
	if bytes.Contains(sealed, []byte("secret")) || bytes.Equal(sealed, first.Seal("secret")) {
		t.Error("the secret shows, or that two are the same")
	}
	name := filepath.Join(dir, seal.File)
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	again, err := seal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := again.Open(sealed); err != nil || text != "secret" {
		t.Errorf("%q %v", text, err)
	}
	if text, err := again.Open(again.Seal("")); err != nil || text != "" {
		t.Errorf("no secret: %q %v", text, err)
	}
	if _, err := seal.Draw().Open(sealed); err == nil {
		t.Error("another key opens it")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := again.Open(sealed); err == nil {
		t.Error("a changed secret is taken")
	}
}

func TestABadKeyIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"open to others": {"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0o644},
		"cut off":        {"0011", 0o600},
		"no digits":      {"zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0o600},
	} {
		file := filepath.Join(t.TempDir(), seal.File)
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Open(filepath.Dir(file)); err == nil {
			t.Errorf("a key that is %s is taken", name)
		}
	}
}
