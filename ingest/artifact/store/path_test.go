package store

import (
	"strings"
	"testing"
)

func TestPathsThatLeadOutAreRefused(t *testing.T) {
	for _, p := range []string{
		"..", "../x", "a/../b", "a/..", "/etc/passwd", "//x", `a\b`, `..\x`, `C:\x`, "C:/x", "c:x", "a:b", "file:///etc", "FILE:x", "file%3a/etc", "a\x00b", "a#b", "\xff",
		"%2e%2e/x", "%252e%252e%252fx", "%2Fetc", "a/%2e%2e/b", "a%5cb", "a%00", "%25252525252525252e", strings.Repeat("a/", 2000),
	} {
		if got, err := Clean(p); err == nil {
			t.Errorf("%q is taken as %q", p, got)
		}
	}
}

func TestPathsAreShortened(t *testing.T) {
	for p, want := range map[string]string{
		"": "", ".": "", "a": "a", "a/": "a", "./a//b/.": "a/b", "..a/b..": "..a/b..", "a b/ü%": "a b/ü%", "100%25": "100%25", "ab:c": "ab:c", "x/file:y": "x/file:y", "a?b": "a?b",
	} {
		if got, err := Clean(p); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", p, got, err, want)
		}
	}
}
