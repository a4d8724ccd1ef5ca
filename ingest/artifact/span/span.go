// Package span reads what part of a file a request asks for.
package span

import (
	"strconv"
	"strings"
)

// Span is a part of a file; a length below 0 is all of it.
type Span struct{ From, Length int64 }

// Whole is all of a file.
var Whole = Span{0, -1}

// Parse reads a Range header of one range. What it does not understand, several ranges too, means the whole file
// (RFC 9110, 14.2); ok is false for a range that holds nothing of the file.
func Parse(header string, size int64) (part Span, ok bool) {
	text, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, isRange := strings.Cut(strings.TrimSpace(text), "-")
	if !isBytes || !isRange {
		return Whole, true
	}
	from, fromErr := strconv.ParseUint(first, 10, 63)
	to, toErr := strconv.ParseUint(last, 10, 63)
	switch {
	case first == "" && toErr == nil: // the last bytes
		n := min(int64(to), size)
		return Span{size - n, n}, n > 0
	case fromErr != nil || last != "" && (toErr != nil || to < from):
		return Whole, true
	case int64(from) >= size:
		return Whole, false
	case last == "":
		return Span{int64(from), size - int64(from)}, true
	}
	return Span{int64(from), min(int64(to), size-1) - int64(from) + 1}, true
}
