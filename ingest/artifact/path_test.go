package artifact

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPathsThatLeadOutAreRefused(t *testing.T) {
	for _, p := range []string{
		"..", "../x", "a/../b", "a/..", "/etc/passwd", "//x", `a\b`, `..\x`, `C:\x`, "C:/x", "c:x", "a:b", "a\x00b", "a#b", "\xff",
		"%2e%2e/x", "%252e%252e%252fx", "%2Fetc", "a/%2e%2e/b", "a%5cb", "a%00", "%25252525252525252e", strings.Repeat("a/", 2000),
	} {
		if got, err := Clean(p); err == nil {
			t.Errorf("%q is taken as %q", p, got)
		}
	}
}

func TestPathsAreShortened(t *testing.T) {
	for p, want := range map[string]string{
		"": "", ".": "", "a": "a", "a/": "a", "./a//b/.": "a/b", "..a/b..": "..a/b..", "a b/ü%": "a b/ü%", "100%25": "100%25", "ab:c": "ab:c", "a?b": "a?b",
	} {
		if got, err := Clean(p); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", p, got, err, want)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, name := range []string{"a", "__0x41__", "__0__0x", "a..", "...", "x.attrs", "f.1856d2f0a1b2c3d4.tmp", "%41", "%%41", "a\x01%2", "%__0x", "\x7f%25"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := Clean(name)
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

func TestMediaTypesAreMLflows(t *testing.T) {
	for name, want := range map[string]string{
		"MLmodel": "text/plain", "a/MLproject": "text/plain", "a.json": "text/plain", "a.py": "text/plain", "a.yaml": "text/plain",
		"a.html": "text/html", "a.png": "image/png", "A.PNG": "image/png", "a.pkl": "application/octet-stream", "a": "application/octet-stream",
		".json": "application/octet-stream", "a.tar": "application/x-tar", "a.b.svg": "image/svg+xml",
	} {
		if got := mediaType(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestDispositionCarriesAnyName(t *testing.T) {
	for name, want := range map[string]string{
		"x/MLmodel": "attachment; filename=MLmodel",
		"a b.txt":   `attachment; filename="a b.txt"`,
		`a"b`:       `attachment; filename="a\"b"`,
		"g ü.png":   `attachment; filename="g u.png"; filename*=UTF-8''g%20%C3%BC.png`,
		"日本語":       `attachment; filename=download; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E`,
		"a\r\nb":    `attachment; filename="a__b"`,
	} {
		if got := disposition(name); got != want {
			t.Errorf("%q: %s\nwant %s", name, got, want)
		}
	}
}
