package filter

import (
	"strings"
	"unicode/utf8"
)

// Filters of runs may have alternatives and parentheses, which MLflow refuses:
//
//	filter   = together { OR together }
//	together = term { [AND] term }
//	term     = comparison | "(" filter ")"

// NestedMax bounds parentheses within parentheses.
const NestedMax = 20

// branch is a comparison, or alternatives in parentheses.
type branch struct {
	parts  []tok
	clause clause
	nested [][]branch
}

// nest reads one filter.
type nest struct {
	g      *grammar
	filter string
	// others are what is neither a comparison nor between two, as messages show it.
	others  []string
	clauses int
}

// parse answers the tree of a filter. As in MLflow all words are looked at first, then all fields and values, then
// all comparators.
func (n *nest) parse() (Node, error) {
	any, err := n.alternatives(n.filter, 0, 0)
	if err != nil {
		return nil, err
	}
	if len(n.others) > 0 {
		return nil, wrongClauses(n.others)
	}
	if err := n.read(any); err != nil {
		return nil, err
	}
	if n.clauses > ClausesMax {
		return nil, invalid("Invalid filter: it has %d clauses and at most %d are allowed", n.clauses, ClausesMax)
	}
	return n.g.tree(any)
}

// character is where a byte of the filter is, as people count.
func (n *nest) character(at int) int { return utf8.RuneCountInString(n.filter[:at]) + 1 }

// alternatives splits a part of the filter that begins at a byte of it.
func (n *nest) alternatives(text string, at, depth int) ([][]branch, error) {
	toks, err := statement(text)
	if err != nil {
		return nil, err
	}
	any := make([][]branch, 1)
	or, fits := 0, true // whether a term may follow
	for _, t := range splitJoints(toks) {
		last, begin, fitted := len(any)-1, at+len(text)-len(t.rest), fits
		fits = t.is(comparison, parenthesis) || t.keyword("AND") || t.keyword("OR") || t.class == mark
		switch {
		case t.class == comparison:
			any[last] = append(any[last], branch{parts: t.parts})
		case t.class == parenthesis && fitted:
			nested, err := n.inside(t.text, begin, depth)
			if err != nil {
				return nil, err
			}
			any[last] = append(any[last], branch{nested: nested})
		case t.keyword("OR") && len(any[last]) == 0:
			return nil, invalid("Invalid filter: a comparison must stand before 'OR' at character %d", n.character(begin))
		case t.keyword("OR"):
			any, or = append(any, nil), begin
		case t.class == mark && t.text == "(" && fitted:
			return nil, invalid("Invalid filter: '(' at character %d is not closed", n.character(begin))
		case t.class == mark && t.text == ")" && fitted:
			return nil, invalid("Invalid filter: ')' at character %d closes nothing", n.character(begin))
		case !t.keyword("AND"):
			n.others = append(n.others, n.g.wrong(t.text))
		}
	}
	if last := len(any) - 1; last > 0 && len(any[last]) == 0 {
		return nil, invalid("Invalid filter: a comparison must follow 'OR' at character %d", n.character(or))
	}
	return any, nil
}

// inside reads what stands in parentheses, which begin at a byte of the filter.
func (n *nest) inside(text string, at, depth int) ([][]branch, error) {
	inner := text[1 : len(text)-1]
	switch {
	case depth == NestedMax:
		return nil, invalid("Invalid filter: '(' at character %d is within %d others, and not more are allowed", n.character(at), NestedMax)
	case strings.TrimSpace(inner) == "":
		return nil, invalid("Invalid filter: a comparison must follow '(' at character %d", n.character(at))
	}
	return n.alternatives(inner, at+1, depth+1)
}

// splitJoints takes AND(...) and OR(...) apart, which without a space between look like functions.
func splitJoints(toks []tok) (out []tok) {
	for _, t := range toks {
		name, _, _ := strings.Cut(t.text, "(")
		joint := tok{class: keyword, text: strings.TrimSpace(name), rest: t.rest}
		if t.class == function && (joint.keyword("AND") || joint.keyword("OR")) {
			out = append(out, joint, tok{class: parenthesis, text: t.text[len(name):], rest: t.rest[len(name):]})
			continue
		}
		out = append(out, t)
	}
	return out
}

// read reads fields and values of all comparisons.
func (n *nest) read(any [][]branch) (err error) {
	for _, together := range any {
		for i := range together {
			b := &together[i]
			if b.nested != nil {
				err = n.read(b.nested)
			} else {
				n.clauses++
				b.clause, err = n.g.clause(b.parts)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// tree judges comparators and makes the tree, in the one form that it has: an Or of Ands of comparisons and further Ors,
// and no Or or And within one of its kind.
func (g *grammar) tree(any [][]branch) (Node, error) {
	var or Or
	for _, together := range any {
		and := make(And, 0, len(together))
		for _, b := range together {
			node, err := g.leaf(b)
			if err != nil {
				return nil, err
			}
			if inner, ok := node.(And); ok {
				and = append(and, inner...)
				continue
			}
			and = append(and, node)
		}
		if len(and) == 1 {
			if inner, ok := and[0].(Or); ok {
				or = append(or, inner...)
				continue
			}
		}
		or = append(or, and)
	}
	if len(or) == 1 {
		return or[0], nil
	}
	return or, nil
}

func (g *grammar) leaf(b branch) (Node, error) {
	if b.nested != nil {
		return g.tree(b.nested)
	}
	return g.judge(b.clause)
}
