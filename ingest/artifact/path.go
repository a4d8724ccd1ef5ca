package artifact

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// pathBytesMax bounds a whole path; file systems take 4096.
	pathBytesMax = 2048
	// nameBytesMax bounds one name as it is stored: file systems take 255, and an upload's temporary name is 21
	// longer.
	nameBytesMax = 230
	// decodingsMax is how often a path may be encoded over before it is refused.
	decodingsMax = 8
)

var drive = regexp.MustCompile(`^[A-Za-z]:`)

func invalidPath() error { return track.Errorf(track.InvalidParameterValue, "Invalid path") }

// Clean checks a path below the root and answers it in its shortest form, "" for the root. The path must be
// harmless however often somebody decodes it.
func Clean(p string) (string, error) {
	if len(p) > pathBytesMax || !utf8.ValidString(p) {
		return "", invalidPath()
	}
	for decoded, n := p, 0; ; n++ {
		if n == decodingsMax || !harmless(decoded) {
			return "", invalidPath()
		}
		next, err := url.PathUnescape(decoded)
		if err != nil || next == decoded {
			break
		}
		decoded = next
	}
	clean := path.Clean(p)
	if clean == "." {
		return "", nil
	}
	for name := range strings.SplitSeq(clean, "/") {
		if len(encodeName(name)) > nameBytesMax {
			return "", track.Errorf(track.InvalidParameterValue, "Invalid path: a name of %d bytes; at most %d are kept", len(name), nameBytesMax)
		}
	}
	return clean, nil
}

func harmless(p string) bool {
	if strings.ContainsAny(p, "\x00\\#") || strings.HasPrefix(p, "/") || drive.MatchString(p) {
		return false
	}
	for name := range strings.SplitSeq(p, "/") {
		if name == ".." {
			return false
		}
	}
	return true
}

// temporaryEnd is how the file store ends the name of an upload under way: its start in nanoseconds.
const temporaryEnd = `\.[12][0-9a-f]{15}\.tmp$`

// special matches what the file store must not see in a name: control characters, its own escapes and suffixes,
// temporary names, and what would be taken for our escapes.
var special = regexp.MustCompile(`[\x00-\x1f\x7f]|__0x|\.attrs$|\.\.$|` + temporaryEnd + `|%[0-9A-F]{2}`)

// encodeName writes a name so that the file store keeps it as it is; most names do not change. Escaping the
// first byte of what is special is enough: the rest means nothing without it.
func encodeName(name string) string {
	var out strings.Builder
	for at := special.FindStringIndex(name); at != nil; at = special.FindStringIndex(name) {
		out.WriteString(name[:at[0]])
		out.WriteString(escape(name[at[0]]))
		name = name[at[0]+1:]
	}
	out.WriteString(name)
	return out.String()
}

func escape(b byte) string { return fmt.Sprintf("%%%02X", b) }

var escaped = regexp.MustCompile(`%[0-9A-F]{2}`)

// decodeName undoes encodeName.
func decodeName(name string) string {
	return escaped.ReplaceAllStringFunc(name, func(e string) string {
		b, err := strconv.ParseUint(e[1:], 16, 8)
		if err != nil {
			return e // cannot be: the expression matches hex digits only
		}
		return string([]byte{byte(b)})
	})
}

// key is a path as the store keeps it.
func key(p string) string {
	names := strings.Split(p, "/")
	for i, n := range names {
		names[i] = encodeName(n)
	}
	return strings.Join(names, "/")
}
