// Package source judges where a model version says that its files are: whether the place belongs to the run or
// the logged model that it names, and whether it could be read as another place. It is pure, and its rules are
// those of MLflow's server (mlflow/server/handlers.py, _validate_source_run and _validate_source_model).
//
// Paths are compared as text: unlike MLflow's, this server never opens a local source, so where links lead on
// its disk says nothing.
package source

import (
	"net/url"
	"path"
	"strings"
)

// uri is a text taken apart as Python's urlsplit does: it never fails.
type uri struct {
	scheme, host, path string
}

func split(s string) uri {
	s = strings.TrimLeftFunc(s, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(s)
	var u uri
	if i := strings.IndexByte(s, ':'); i > 0 && isScheme(s[:i]) {
		u.scheme, s = strings.ToLower(s[:i]), s[i+1:]
	}
	if rest, found := strings.CutPrefix(s, "//"); found {
		n := strings.IndexAny(rest, "/?#")
		if n < 0 {
			n = len(rest)
		}
		u.host, s = rest[:n], rest[n:]
	}
	s, _, _ = strings.Cut(s, "#")
	u.path, _, _ = strings.Cut(s, "?")
	return u
}

func isScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// unquotedMax bounds how often a text is unquoted; each pass that changes it makes it shorter.
const unquotedMax = 100

// unquote takes percent signs out until none is left that means anything. A text that does not come to rest is
// nobody's honest source.
func unquote(s string, plus bool) (string, bool) {
	for range unquotedMax {
		next := once(s, plus)
		if next == s {
			return s, true
		}
		s = next
	}
	return "", false
}

// once unquotes as Python does: what is no escape stays.
func once(s string, plus bool) string {
	if plus {
		s = strings.ReplaceAll(s, "+", " ")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if t, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(t)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// local says whether a source is a path of a disk; far means that it is a file of another machine.
func (u uri) local() (yes, far bool) {
	if u.scheme == "" {
		return true, false
	}
	if u.scheme != "file" {
		return false, false
	}
	host := strings.ToLower(u.host)
	near := host == "" || host == "." || strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "127.0.0.1")
	return near, !near
}

// localPath is the path of a local source.
func localPath(s string) string {
	if u := split(s); u.scheme == "file" {
		s = u.path
	}
	return path.Clean(once(s, false))
}

// within says whether a path is a folder or lies under it.
func within(p, folder string) bool {
	return path.IsAbs(p) && path.IsAbs(folder) && (p == folder || strings.HasPrefix(p, strings.TrimSuffix(folder, "/")+"/"))
}

// under says whether one address lies under another: same scheme, same host, and the path part by part.
func under(s, root string) bool {
	a, b := split(s), split(root)
	if a.scheme != b.scheme || !strings.EqualFold(a.host, b.host) {
		return false
	}
	parts, rootParts := a.parts(), b.parts()
	if len(rootParts) == 0 || len(parts) < len(rootParts) {
		return false
	}
	for i, p := range rootParts {
		if parts[i] != p {
			return false
		}
	}
	return true
}

func (u uri) parts() []string {
	var out []string
	for _, p := range strings.Split(u.path, "/") {
		if p == "" {
			continue
		}
		plain, _ := unquote(p, false)
		out = append(out, plain)
	}
	return out
}
