package folder

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// nameBytesMax bounds one name as it is stored: file systems take 255, and an upload's temporary name is 21
// longer.
const nameBytesMax = 230

// temporaryEnd is how the file store ends the name of an upload under way: its start in nanoseconds.
const temporaryEnd = `\.([12][0-9a-f]{15})\.tmp$`

// temporary matches the names of uploads under way; encodeName keeps users' files from having such.
var temporary = regexp.MustCompile(temporaryEnd)

// uploadBegun says when the upload began that a temporary name belongs to.
func uploadBegun(p string) (time.Time, bool) {
	found := temporary.FindStringSubmatch(p)
	if found == nil {
		return time.Time{}, false
	}
	ns, err := strconv.ParseInt(found[1], 16, 64)
	return time.Unix(0, ns), err == nil
}

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

// key is a path as the folder keeps it.
func key(p string) (string, error) {
	names := strings.Split(p, "/")
	for i, n := range names {
		names[i] = encodeName(n)
		if len(names[i]) > nameBytesMax {
			return "", track.Errorf(track.InvalidParameterValue, "Invalid path: a name of %d bytes; at most %d are kept", len(n), nameBytesMax)
		}
	}
	return strings.Join(names, "/"), nil
}
