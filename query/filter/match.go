package filter

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Match says whether a row satisfies the filter.
func (e Expr) Match(row Row) bool { return matchNode(e.root, row) }

func matchNode(n Node, row Row) bool {
	switch n := n.(type) {
	case Or:
		return slices.ContainsFunc(n, func(m Node) bool { return matchNode(m, row) })
	case And:
		for _, m := range n {
			if !matchNode(m, row) {
				return false
			}
		}
		return true
	case Compare:
		return n.match(row)
	}
	return true
}

func (c Compare) match(row Row) bool {
	switch {
	case c.Field.Entity == Metric:
		v, ok := row.Metric(c.Field.Key)
		want, _ := c.Value.(Float)
		return ok && holds(c.Op, v, float64(want))
	case c.Field.Entity == DatasetField:
		return slices.ContainsFunc(row.Datasets(), func(d Dataset) bool {
			v, ok := d.text(c.Field.Key)
			return ok && c.matchText(v)
		})
	case c.Field.numeric():
		v, ok := row.Number(c.Field.Key)
		return ok && c.matchNumber(v)
	}
	v, ok := row.Text(c.Field)
	if c.Op == IsNull || c.Op == IsNotNull {
		return ok == (c.Op == IsNotNull)
	}
	return ok && c.matchText(v)
}

func (c Compare) matchNumber(v int64) bool {
	switch want := c.Value.(type) {
	case Integer:
		return holds(c.Op, v, int64(want))
	case Float:
		return holds(c.Op, float64(v), float64(want))
	}
	return false
}

func (c Compare) matchText(v string) bool {
	switch want := c.Value.(type) {
	case Text:
		switch c.Op {
		case Like:
			return like(v, string(want))
		case ILike:
			return like(lowerASCII(v), lowerASCII(string(want)))
		}
		return holds(c.Op, v, string(want))
	case List:
		return slices.Contains(want, v) == (c.Op == In)
	}
	return false
}

// holds compares with Go's operators: for floats that is IEEE 754, where NaN satisfies only !=.
func holds[T cmp.Ordered](op Op, a, b T) bool {
	switch op {
	case Equal:
		return a == b
	case NotEqual:
		return a != b
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	case GreaterEqual:
		return a >= b
	}
	return false
}

// like matches a whole text: % is any run of characters, _ one character, and there is no escape. It goes
// back only to the last %, so its time is at most len(text) * len(pattern).
func like(text, pattern string) bool {
	star, mark := -1, 0
	t, p := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '%':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == '_':
			_, n := utf8.DecodeRuneInString(text[t:])
			t += n
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			t++
			p++
		case star >= 0:
			_, n := utf8.DecodeRuneInString(text[mark:])
			mark += n
			t, p = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "%") == ""
}

// lowerASCII folds the letters A to Z only, as SQLite's lower and ClickHouse's lower do.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
