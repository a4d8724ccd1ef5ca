package folder

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
)

func FuzzNames(f *testing.F) {
	for _, name := range []string{"a", "__0x41__", "__0__0x", "a..", "...", "x.attrs", "f.1856d2f0a1b2c3d4.tmp", "%41", "%%41", "a\x01%2", "%__0x", "\x7f%25"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := store.Clean(name)
		if err != nil || clean == "" || strings.Contains(clean, "/") {
			return
		}
		encoded := encodeName(clean)
		if got := decodeName(encoded); got != clean {
			t.Fatalf("%q is stored as %q and comes back as %q", clean, encoded, got)
		}
		if temporary.MatchString(encoded) || strings.HasSuffix(encoded, ".attrs") || strings.Contains(encoded, "__0x") || filepath.Base(encoded) != encoded {
			t.Fatalf("%q is stored as %q", clean, encoded)
		}
	})
}
