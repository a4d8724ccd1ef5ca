package store

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// pathBytesMax bounds a whole path; file systems take 4096, object stores 1024 characters.
	pathBytesMax = 2048
	// decodingsMax is how often a path may be encoded over before it is refused.
	decodingsMax = 8
)

// elsewhere begins what is no path below anything: a drive's letter, or a URL of a file.
var elsewhere = regexp.MustCompile(`^([A-Za-z]|(?i:file)):`)

// InvalidPath is MLflow's answer to a path that leads out or cannot be kept.
func InvalidPath() error { return track.Errorf(track.InvalidParameterValue, "Invalid path") }

// Clean checks a path below the root and answers it in its shortest form, "" for the root. The path must be
// harmless however often somebody decodes it.
func Clean(p string) (string, error) {
	if len(p) > pathBytesMax || !utf8.ValidString(p) {
		return "", InvalidPath()
	}
	for decoded, n := p, 0; ; n++ {
		if n == decodingsMax || !harmless(decoded) {
			return "", InvalidPath()
		}
		next, err := url.PathUnescape(decoded)
		if err != nil || next == decoded {
			break
		}
		decoded = next
	}
	if clean := path.Clean(p); clean != "." {
		return clean, nil
	}
	return "", nil
}

// CleanFile is Clean for the path of a file, which the root is not.
func CleanFile(p string) (string, error) {
	clean, err := Clean(p)
	if err == nil && clean == "" {
		err = InvalidPath()
	}
	return clean, err
}

func harmless(p string) bool {
	if strings.ContainsAny(p, "\x00\\#") || strings.HasPrefix(p, "/") || elsewhere.MatchString(p) {
		return false
	}
	for name := range strings.SplitSeq(p, "/") {
		if name == ".." {
			return false
		}
	}
	return true
}
