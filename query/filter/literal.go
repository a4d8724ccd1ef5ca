package filter

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// listValue reads the list behind IN, which for MLflow is a Python tuple of strings, or one string.
func listValue(s string) (Value, error) {
	p := listParser{src: s}
	items, ok := p.tuple()
	switch {
	case !ok || p.pos != len(s):
		return nil, invalid("While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.")
	case len(items) == 0:
		return nil, invalid("While parsing a list in the query, expected a non-empty list of string values, but got empty list")
	case p.other:
		return nil, invalid("While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: %s", p.shown(items))
	}
	return List(items), nil
}

// listParser reads ('a', "b" 'c', ((1))). Parentheses around a tuple or a value change nothing.
type listParser struct {
	src string
	pos int
	// other says that a number stands among the strings; numbers keeps which items are none.
	other   bool
	numbers []bool
}

func (p *listParser) skip() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *listParser) take(c byte) bool {
	p.skip()
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// tuple reads a parenthesis. Nested ones are read without recursion: only ((...)) is meaningful.
func (p *listParser) tuple() (items []string, ok bool) {
	depth := 0
	for p.take('(') {
		depth++
	}
	comma := true
	for !p.take(')') {
		if !comma {
			return nil, false
		}
		if !p.item(&items) {
			return nil, false
		}
		comma = p.take(',')
	}
	for depth--; depth > 0; depth-- {
		if !p.take(')') {
			return nil, false
		}
	}
	return items, true
}

// item reads adjacent strings as one, or a number.
func (p *listParser) item(items *[]string) bool {
	var text strings.Builder
	n := 0
	for p.skip(); p.pos < len(p.src) && (p.src[p.pos] == '\'' || p.src[p.pos] == '"'); p.skip() {
		if !p.str(&text) {
			return false
		}
		n++
	}
	if n > 0 {
		*items, p.numbers = append(*items, text.String()), append(p.numbers, false)
		return true
	}
	from := p.pos
	for p.pos < len(p.src) && strings.IndexByte("+-.0123456789eE_", p.src[p.pos]) >= 0 {
		p.pos++
	}
	if _, err := strconv.ParseFloat(p.src[from:p.pos], 64); err != nil {
		return false
	}
	p.other = true
	*items, p.numbers = append(*items, p.src[from:p.pos]), append(p.numbers, true)
	return true
}

// str reads one Python string with its escapes; an unknown escape keeps its backslash.
func (p *listParser) str(text *strings.Builder) bool {
	quote := p.src[p.pos]
	for p.pos++; p.pos < len(p.src); {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c == quote:
			return true
		case c == '\n' || c == '\r':
			return false
		case c != '\\':
			text.WriteByte(c)
		case !p.escape(text):
			return false
		}
	}
	return false
}

var escapes = map[byte]string{'\\': `\`, '\'': `'`, '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '\n': ""}

func (p *listParser) escape(text *strings.Builder) bool {
	if p.pos == len(p.src) {
		return false
	}
	c := p.src[p.pos]
	p.pos++
	if s, ok := escapes[c]; ok {
		text.WriteString(s)
		return true
	}
	digits, base := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c], 16
	if '0' <= c && c <= '7' {
		p.pos--
		base = 8
		for digits < 3 && p.pos+digits < len(p.src) && '0' <= p.src[p.pos+digits] && p.src[p.pos+digits] <= '7' {
			digits++
		}
	}
	if digits == 0 {
		text.WriteByte('\\')
		text.WriteByte(c)
		return true
	}
	if p.pos+digits > len(p.src) {
		return false
	}
	n, err := strconv.ParseUint(p.src[p.pos:p.pos+digits], base, 32)
	if err != nil || n > utf8.MaxRune {
		return false
	}
	p.pos += digits
	text.WriteRune(rune(n))
	return true
}

// shown writes the items as Python shows a tuple.
func (p *listParser) shown(items []string) string {
	var s []string
	for i, it := range items {
		if !p.numbers[i] {
			it = pythonString(it)
		}
		s = append(s, it)
	}
	if len(s) == 1 {
		return "(" + s[0] + ",)"
	}
	return "(" + strings.Join(s, ", ") + ")"
}

// pythonString writes a string as Python's repr does.
func pythonString(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	s = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
	if quote == "'" {
		s = strings.ReplaceAll(s, "'", `\'`)
	}
	return quote + s + quote
}

func pythonList(items []string) string {
	var s []string
	for _, it := range items {
		s = append(s, pythonString(it))
	}
	return "[" + strings.Join(s, ", ") + "]"
}

// pythonSet writes a set; Python's order changes with every process, ours is sorted.
func pythonSet(items []string) string {
	var s []string
	for _, it := range items {
		s = append(s, pythonString(it))
	}
	slices.Sort(s)
	return "{" + strings.Join(s, ", ") + "}"
}

// quoteListed writes a string of a list.
func quoteListed(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, `"`, `\x22`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
}

// quoteText writes a value in quotes that do not occur in it, where there are such.
func quoteText(s string) string {
	if quotedLength("'"+s+"'") == len(s)+2 && !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	if quotedLength(`"`+s+`"`) == len(s)+2 {
		return `"` + s + `"`
	}
	return "'" + s + "'"
}

// quoteKey writes a key bare if it can stand so, else in quotes that do not occur in it.
func quoteKey(s string) string {
	if toks := lex("x." + s); len(toks) == 3 && toks[2].class == word && toks[2].text == s && s[0] != '`' {
		return s
	}
	for _, q := range []string{"`", `"`, "'"} {
		if quotedLength(q+s+q) == len(s)+2 && !strings.Contains(s, q) {
			return q + s + q
		}
	}
	return "`" + s + "`"
}

// formatLiteral writes a float so that the grammar reads it: an exponent has no plus, infinity no name.
func formatLiteral(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "1e999"
	case math.IsInf(f, -1):
		return "-1e999"
	}
	s := strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "e+", "e", 1)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}
