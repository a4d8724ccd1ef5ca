// Package media says what a file is and what a browser shall do with it, in the headers that MLflow sends.
package media

import (
	"net/url"
	"path"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// binary is what is not known.
const binary = "application/octet-stream"

// textExtensions are shown as text by MLflow whatever they are; a file without extension counts by its name.
const textExtensions = " txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst ipynb MLmodel MLproject "

// compressed are extensions that say how a file is packed, not what it is.
var compressed = map[string]bool{".gz": true, ".Z": true, ".bz2": true, ".xz": true, ".br": true}

// short are extensions that stand for two.
var short = map[string]string{".svgz": ".svg.gz", ".tgz": ".tar.gz", ".taz": ".tar.gz", ".tz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz"}

// Type guesses a file's type as MLflow does.
func Type(p string) string {
	name := path.Base(p)
	word := strings.TrimPrefix(extension(name), ".")
	if word == "" {
		word = name
	}
	if !strings.Contains(word, " ") && strings.Contains(textExtensions, " "+word+" ") {
		return "text/plain"
	}
	if whole := short[strings.ToLower(extension(name))]; whole != "" {
		name = name[:strings.LastIndexByte(name, '.')] + whole
	}
	if compressed[extension(name)] {
		name = strings.TrimSuffix(name, extension(name))
	}
	if t, ok := types[strings.ToLower(extension(name))]; ok {
		return t
	}
	return binary
}

// extension is Python's: a name that begins with dots has no extension by those.
func extension(name string) string { return path.Ext(strings.TrimLeft(name, ".")) }

// Disposition tells a browser to save the file under its own name (RFC 6266).
func Disposition(p string) string {
	name := path.Base(p)
	ascii := strings.Map(func(r rune) rune {
		if r > '~' {
			return -1
		}
		return r
	}, norm.NFKD.String(name))
	if ascii == name {
		return "attachment; filename=" + quoted(name)
	}
	if ascii == "" {
		ascii = "download"
	}
	return "attachment; filename=" + quoted(ascii) + "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// quoted writes a header value as a token if it is one, else as a quoted text.
func quoted(s string) string {
	token := strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
	if token {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, s)
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
