package artifact

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

// mediaTypes are Python's for what trainings write.
var mediaTypes = map[string]string{
	".htm": "text/html", ".html": "text/html", ".css": "text/css", ".mjs": "text/javascript", ".ics": "text/calendar",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".jpe": "image/jpeg", ".gif": "image/gif",
	".svg": "image/svg+xml", ".webp": "image/webp", ".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff",
	".ico": "image/vnd.microsoft.icon", ".heic": "image/heic", ".avif": "image/avif",
	".pdf": "application/pdf", ".zip": "application/zip", ".tar": "application/x-tar", ".h5": "application/x-hdf5",
	".hdf": "application/x-hdf", ".nc": "application/x-netcdf", ".wasm": "application/wasm", ".doc": "application/msword",
	".xls": "application/vnd.ms-excel", ".ps": "application/postscript", ".eps": "application/postscript", ".tex": "application/x-tex",
	".mp3": "audio/mpeg", ".wav": "audio/x-wav", ".aac": "audio/aac", ".opus": "audio/opus",
	".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime", ".avi": "video/x-msvideo", ".mpeg": "video/mpeg",
}

// mediaType guesses a file's type as MLflow does.
func mediaType(p string) string {
	name := path.Base(p)
	extension := path.Ext(name)
	if extension == "."+strings.TrimPrefix(name, ".") && strings.HasPrefix(name, ".") {
		extension = "" // a name that begins with a dot has no extension by that
	}
	word := strings.TrimPrefix(extension, ".")
	if word == "" {
		word = name
	}
	if !strings.Contains(word, " ") && strings.Contains(textExtensions, " "+word+" ") {
		return "text/plain"
	}
	if t, ok := mediaTypes[strings.ToLower(extension)]; ok {
		return t
	}
	return binary
}

// disposition tells a browser to save the file under its own name (RFC 6266).
func disposition(p string) string {
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
