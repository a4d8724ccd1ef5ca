package filter

// group joins tokens as sqlparse does, in its order: parentheses, functions, dotted names, sort orders,
// arithmetic, comparisons, aliases, lists.
func group(toks []tok) []tok {
	toks = groupParentheses(toks)
	toks = groupFunctions(toks)
	toks = groupPeriods(toks)
	for i, t := range toks {
		if t.is(word, double) {
			toks[i].class = identifier
		}
	}
	toks = groupSorting(toks)
	toks = groupAround(toks, operation, func(t tok) bool { return t.class == operator }, operand)
	toks = groupAround(toks, comparison, func(t tok) bool { return t.class == relation }, func(t tok) bool { return comparable(t) || t.class == comparison })
	toks = groupAround(toks, identifier, func(t tok) bool { return t.keyword("AS") }, func(t tok) bool { return !t.is(keyword) })
	toks = groupAliases(toks)
	return groupAround(toks, listing, func(t tok) bool { return t.class == mark && t.text == "," }, func(t tok) bool {
		return comparable(t) || t.is(comparison, listing, keyword, remark)
	})
}

func operand(t tok) bool {
	return t.is(parenthesis, function, identifier, operation, whole, fraction, single, placeholder)
}

func comparable(t tok) bool { return operand(t) || t.keyword("NULL") }

// join makes one token of several; what they were is kept only for comparisons.
func join(c class, toks []tok) tok {
	first, last := toks[0], toks[len(toks)-1]
	out := tok{class: c, text: first.rest[:len(first.rest)-len(last.rest)+len(last.text)], rest: first.rest}
	if c == comparison {
		for _, t := range toks {
			if t.class != space {
				out.parts = append(out.parts, t)
			}
		}
	}
	return out
}

func groupParentheses(toks []tok) []tok {
	var out []tok
	var open []int
	for _, t := range toks {
		out = append(out, t)
		switch {
		case t.class != mark:
		case t.text == "(":
			open = append(open, len(out)-1)
		case t.text == ")" && len(open) > 0:
			from := open[len(open)-1]
			open = open[:len(open)-1]
			out = append(out[:from], join(parenthesis, out[from:]))
		}
	}
	return out
}

// after is the index of the first token behind i that is no space, -1 if there is none.
func after(toks []tok, i int) int {
	for i++; i < len(toks); i++ {
		if toks[i].class != space {
			return i
		}
	}
	return -1
}

// before is the index of the last token that is no space, -1 if there is none.
func before(toks []tok) int {
	for i := len(toks) - 1; i >= 0; i-- {
		if toks[i].class != space {
			return i
		}
	}
	return -1
}

func groupFunctions(toks []tok) []tok {
	var out []tok
	for i := 0; i < len(toks); i++ {
		if n := after(toks, i); toks[i].class == word && n >= 0 && toks[n].class == parenthesis {
			out = append(out, join(function, toks[i:n+1]))
			i = n
			continue
		}
		out = append(out, toks[i])
	}
	return out
}

// groupPeriods joins a.b; the part behind the point may be missing or be something that is not joined.
func groupPeriods(toks []tok) []tok {
	var out []tok
	for i := 0; i < len(toks); i++ {
		p := before(out)
		if toks[i].class != mark || toks[i].text != "." || p < 0 || !out[p].is(word, double, identifier) {
			out = append(out, toks[i])
			continue
		}
		n := after(toks, i)
		if n < 0 || !(toks[n].is(word, double, single, function) || toks[n].text == "*") {
			n = i
		}
		joined := append(append([]tok{}, out[p:]...), toks[i:n+1]...)
		out = append(out[:p], join(identifier, joined))
		i = n
	}
	return out
}

func groupSorting(toks []tok) []tok {
	var out []tok
	for _, t := range toks {
		out = append(out, t)
		if p := before(out[:len(out)-1]); t.class == sorting && p >= 0 && out[p].is(identifier, whole, fraction, hex) {
			out = append(out[:p], join(identifier, out[p:]))
		}
	}
	return out
}

// groupAround joins a token in the middle with its neighbours where both are valid, from the left.
func groupAround(toks []tok, c class, middle, valid func(tok) bool) []tok {
	var out []tok
	for i := 0; i < len(toks); i++ {
		p, n := before(out), after(toks, i)
		if !middle(toks[i]) || p < 0 || n < 0 || !valid(out[p]) || !valid(toks[n]) {
			out = append(out, toks[i])
			continue
		}
		joined := append(append([]tok{}, out[p:]...), toks[i:n+1]...)
		out = append(out[:p], join(c, joined))
		i = n
	}
	return out
}

// groupAliases joins what can be given another name with a name behind it.
func groupAliases(toks []tok) []tok {
	var out []tok
	for i := 0; i < len(toks); i++ {
		n := after(toks, i)
		if n >= 0 && toks[n].class == identifier && toks[i].is(parenthesis, function, identifier, operation, comparison, whole, fraction, hex) {
			out = append(out, join(identifier, toks[i:n+1]))
			i = n
			continue
		}
		out = append(out, toks[i])
	}
	return out
}
