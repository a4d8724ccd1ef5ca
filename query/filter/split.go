package filter

import "strings"

// Statement is one piece of a filter as MLflow's parser groups it.
type Statement struct {
	Text string
	// Parts are the sides of a comparison with the comparator between them, or a field and IS [NOT] NULL; nil
	// if the piece is no comparison.
	Parts []string
}

// Split reads a filter as far as all of MLflow's searches read it alike: into comparisons and what stands
// between them. single is false if the text is not exactly one statement.
func Split(text string) (statements []Statement, single bool) {
	toks := lex(text)
	if after(toks, -1) < 0 || manyStatements(toks) {
		return nil, false
	}
	for _, t := range joinWords(group(toks)) {
		s := Statement{Text: t.text}
		if t.class == comparison {
			for _, p := range t.parts {
				s.Parts = append(s.Parts, p.text)
			}
			if s.Text == "" {
				s.Text = strings.Join(s.Parts, "")
			}
		}
		statements = append(statements, s)
	}
	return statements, true
}

// MatchLike says whether a whole text matches a pattern of LIKE: % is any run of characters, _ one character.
func MatchLike(text, pattern string) bool { return like(text, pattern) }

// FoldASCII makes two texts comparable for ILIKE.
func FoldASCII(s string) string { return lowerASCII(s) }

// EscapeLike makes ClickHouse read a pattern of LIKE as MLflow does, which knows no escape.
func EscapeLike(pattern string) string { return escapeLike(pattern) }

// ListValue reads the list behind IN, which for MLflow is a Python tuple; numbers in it are texts.
func ListValue(text string) (List, bool) {
	p := listParser{src: text}
	items, ok := p.tuple()
	return List(items), ok && p.pos == len(text)
}

// Repr writes a text as Python shows it, which is how MLflow's messages quote.
func Repr(s string) string { return pythonString(s) }

// ReprList writes texts as Python shows a list.
func ReprList(items []string) string { return pythonList(items) }
