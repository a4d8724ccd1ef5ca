package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MLflow reads filters with sqlparse, a tolerant SQL tokenizer, and its accepted language and messages follow
// from that. Lexer and grouping do what sqlparse does for the part of SQL that can be in a filter.

// class is what a token or a group is.
type class uint8

const (
	space class = iota + 1
	remark
	word     // a name, back-ticked or not
	keyword  // AND, NULL and the like, never a name
	sorting  // ASC, DESC
	whole    // integer
	fraction // float
	hex
	single // 'text'
	double // "text", a name to SQL
	relation
	operator
	placeholder
	mark // punctuation
	unknown
	parenthesis
	function
	identifier
	operation
	comparison
	listing
)

// tok is a token or, after grouping, several: text is always the source's.
type tok struct {
	class class
	text  string
	// rest is the source from the token's beginning.
	rest string
	// parts are the three or two tokens of a comparison.
	parts []tok
}

func (t tok) is(classes ...class) bool {
	for _, c := range classes {
		if t.class == c {
			return true
		}
	}
	return false
}

// keyword says whether t is this keyword, whatever its case; words of several words have one space apart.
func (t tok) keyword(k string) bool { return t.class == keyword && strings.EqualFold(t.text, k) }

// reserved are never names, wherever they stand.
var reserved = map[string]bool{"CASE": true, "IN": true, "VALUES": true, "USING": true, "FROM": true, "AS": true}

// keywords are names only behind or before a point. sqlparse knows some 900; these are those that can be
// taken for an operator or a value.
var keywords = map[string]bool{
	"AND": true, "OR": true, "NOT": true, "IS": true, "NULL": true, "TRUE": true, "FALSE": true, "BETWEEN": true,
	"EXISTS": true, "ANY": true, "ALL": true, "SELECT": true, "WHERE": true, "HAVING": true, "LIMIT": true, "ORDER": true,
	"GROUP": true, "UNION": true, "SOURCE": true, "SET": true, "ON": true, "USER": true, "KEY": true, "VERSION": true, "END": true,
}

type lexer struct {
	src string
	pos int
}

// lex splits a text into tokens; together they are the text.
func lex(src string) []tok {
	l := lexer{src: src}
	var toks []tok
	for l.pos < len(src) {
		c, n := l.next()
		toks = append(toks, tok{class: c, text: src[l.pos : l.pos+n], rest: src[l.pos:]})
		l.pos += n
	}
	return toks
}

// next answers the class and the length of the token at the position.
func (l *lexer) next() (class, int) {
	s := l.src[l.pos:]
	r, size := utf8.DecodeRuneInString(s)
	if n := l.number(s); n.class != 0 {
		return n.class, n.length
	}
	switch {
	case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "# "):
		return remark, lineLength(s)
	case strings.HasPrefix(s, "/*") && strings.Contains(s[2:], "*/"):
		return remark, strings.Index(s[2:], "*/") + 4
	case unicode.IsSpace(r):
		return space, size
	case r == '`', r == '\'', r == '"':
		if n := quotedLength(s); n > 0 {
			return map[rune]class{'`': word, '\'': single, '"': double}[r], n
		}
		return unknown, size
	case r == '?':
		return placeholder, size
	case isWord(r):
		return l.word(s)
	case strings.ContainsRune(";:()[],.", r):
		return mark, size
	case strings.HasPrefix(s, "->"), strings.HasPrefix(s, "#>"), strings.HasPrefix(s, "@>"), strings.HasPrefix(s, "<@"):
		return operator, 2
	case r == '*', r == '-':
		return operator, size
	case strings.ContainsRune("<>=~!", r):
		return relation, spanLength(s, "<>=~!")
	case strings.ContainsRune("+/@#%^&|", r):
		return operator, spanLength(s, "+/@#%^&|-")
	}
	return unknown, size
}

func lineLength(s string) int {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return i + 1
	}
	return len(s)
}

func spanLength(s, set string) int { return len(s) - len(strings.TrimLeft(s, set)) }

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// isLetter is sqlparse's [A-ZÀ-Ü] without regard to case: what a name begins with.
func isLetter(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || 'À' <= r && r <= 'Ü' || 'à' <= r && r <= 'ü'
}

// quotedLength is the length of the quoted text that s begins with, 0 if it has no end. A doubled quote
// does not end it, nor does one behind a backslash, unless nothing else would.
func quotedLength(s string) int {
	quote, end := s[0], 0
	for i := 1; i < len(s); i++ {
		next := byte(0)
		if i+1 < len(s) {
			next = s[i+1]
		}
		switch {
		case s[i] == quote && next == quote:
			end = i + 1
			i++
		case s[i] == '\\' && next == quote && quote != '`':
			end = i + 2
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return end
}

// word reads a name, a keyword, or an operator made of letters.
func (l *lexer) word(s string) (class, int) {
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !isWord(r) {
			break
		}
		n += size
	}
	upper := strings.ToUpper(s[:n])
	if reserved[upper] {
		return keyword, n
	}
	first, _ := utf8.DecodeRuneInString(s)
	if isLetter(first) && (namedByPoint(s[n:]) || l.pos > 0 && l.src[l.pos-1] == '.' || strings.HasPrefix(s[n:], "(")) {
		return word, n
	}
	switch upper {
	case "NOT":
		if m := followedBy(s[n:], "NULL"); m > 0 {
			return keyword, n + m
		}
		for _, op := range []string{"LIKE", "ILIKE", "RLIKE"} {
			if m := followedBy(s[n:], op); m > 0 {
				return relation, n + m
			}
		}
	case "LIKE", "ILIKE", "RLIKE", "REGEXP":
		return relation, n
	case "ASC", "DESC":
		if m := followedBy(s[n:], "NULLS"); m > 0 {
			return sorting, n + m + max(followedBy(s[n+m:], "FIRST"), followedBy(s[n+m:], "LAST"))
		}
		return sorting, n
	}
	if keywords[upper] {
		return keyword, n
	}
	return word, n
}

// namedByPoint says whether s goes on with a point that begins no number: what is before is a name.
func namedByPoint(s string) bool {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	return strings.HasPrefix(s, ".") && (len(s) == 1 || s[1] < '0' || s[1] > '9')
}

// followedBy is the length of spaces and this word at the beginning of s, 0 if it begins otherwise.
func followedBy(s, upper string) int {
	t := strings.TrimLeftFunc(s, unicode.IsSpace)
	n := len(s) - len(t)
	if n == 0 || len(t) < len(upper) || !strings.EqualFold(t[:len(upper)], upper) {
		return 0
	}
	if r, _ := utf8.DecodeRuneInString(t[len(upper):]); isWord(r) {
		return 0
	}
	return n + len(upper)
}
