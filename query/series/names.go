package series

import (
	"fmt"
	"regexp"
	"strings"
)

// Names is a condition on names of metrics; the zero value holds for all. It means what ClickHouse's functions
// startsWith, positionCaseInsensitiveUTF8, LIKE and match mean.
type Names struct {
	Prefix, Contains, Like, Regex string
	like, regex                   *regexp.Regexp
}

// patternBytesMax bounds an expression: compiled, it may be a thousand times as large.
const patternBytesMax = 1_000

// ParseNames compiles a condition.
func ParseNames(prefix, contains, like, regex string) (n Names, err error) {
	n = Names{Prefix: prefix, Contains: contains, Like: like, Regex: regex}
	for name, text := range map[string]string{"prefix": prefix, "contains": contains, "like": like, "regex": regex} {
		if len(text) > patternBytesMax {
			return n, fmt.Errorf("'%s' is longer than %d bytes", name, patternBytesMax)
		}
	}
	if like != "" {
		if n.like, err = regexp.Compile(likeRegex(like)); err != nil {
			return n, fmt.Errorf("'like' is no pattern: %w", err)
		}
	}
	if regex != "" {
		// ClickHouse's dot takes line ends, too.
		if n.regex, err = regexp.Compile("(?s)" + regex); err != nil {
			return n, fmt.Errorf("'regex' is no RE2 expression: %w", err)
		}
	}
	return n, nil
}

// likeRegex is a pattern of SQL as an expression.
func likeRegex(like string) string {
	var b strings.Builder
	b.WriteString("(?s)^")
	for i := 0; i < len(like); i++ {
		switch c := like[i]; {
		case c == '%':
			b.WriteString(".*")
		case c == '_':
			b.WriteString(".")
		case c == '\\' && i+1 < len(like) && strings.IndexByte(`%_\`, like[i+1]) >= 0:
			i++
			b.WriteString(regexp.QuoteMeta(like[i : i+1]))
		case c >= 0x80: // part of a character: as it stands
			b.WriteByte(c)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	b.WriteString("$")
	return b.String()
}

// Match says whether the condition holds for a name.
func (n *Names) Match(name string) bool {
	return strings.HasPrefix(name, n.Prefix) &&
		(n.Contains == "" || strings.Contains(strings.ToLower(name), strings.ToLower(n.Contains))) &&
		(n.like == nil || n.like.MatchString(name)) &&
		(n.regex == nil || n.regex.MatchString(name))
}
