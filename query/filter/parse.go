package filter

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// Bounds of what one search may ask. MLflow has none; these are far above what its clients send.
const (
	// FilterBytesMax holds an IN list of some 25,000 run ids.
	FilterBytesMax = 1 << 20
	// ClausesMax bounds the depth of work for each row.
	ClausesMax = 200
	// MetricKeysMax bounds the aggregates of one query.
	MetricKeysMax = 100
)

// ParseRuns reads the filter of runs/search. Errors are track.Errors in MLflow's words.
func ParseRuns(filter string) (Expr, error) { return runGrammar.parse(filter) }

// ParseExperiments reads the filter of experiments/search.
func ParseExperiments(filter string) (Expr, error) { return experimentGrammar.parse(filter) }

// clause is a comparison as it was read: the comparator is not yet judged.
type clause struct {
	field Field
	op    string
	value Value
}

func (g *grammar) parse(filter string) (Expr, error) {
	e := Expr{subject: g.subject}
	if filter == "" {
		return e, nil
	}
	if len(filter) > FilterBytesMax {
		return Expr{}, invalid("Invalid filter: it is %d bytes long and at most %d are allowed", len(filter), FilterBytesMax)
	}
	var err error
	if g.or {
		e.root, err = (&nest{g: g, filter: filter}).parse()
	} else {
		e.root, err = g.conjunction(filter)
	}
	if err != nil {
		return Expr{}, err
	}
	if all, ok := e.root.(And); ok && len(all) == 0 { // of nothing but AND
		e.root = nil
	}
	if n := len(e.MetricKeys()); n > MetricKeysMax {
		return Expr{}, invalid("Invalid filter: it names %d metrics and at most %d are allowed", n, MetricKeysMax)
	}
	return e, nil
}

// conjunction reads a filter that knows only AND.
func (g *grammar) conjunction(filter string) (Node, error) {
	found, err := comparisons(filter, g.wrong)
	if err != nil {
		return nil, err
	}
	clauses := make([]clause, len(found))
	for i, parts := range found {
		if clauses[i], err = g.clause(parts); err != nil {
			return nil, err
		}
	}
	if len(clauses) > ClausesMax {
		return nil, invalid("Invalid filter: it has %d clauses and at most %d are allowed", len(clauses), ClausesMax)
	}
	all := make(And, len(clauses))
	for i, c := range clauses {
		if all[i], err = g.judge(c); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// comparisons splits a filter that knows only AND into the parts of its comparisons; wrong shows what is none.
func comparisons(filter string, wrong func(string) string) (found [][]tok, err error) {
	toks, err := statement(filter)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, t := range toks {
		switch {
		case t.class == comparison:
			found = append(found, t.parts)
		case !t.keyword("AND"):
			others = append(others, wrong(t.text))
		}
	}
	if len(others) > 0 {
		return nil, wrongClauses(others)
	}
	return found, nil
}

func wrongClauses(shown []string) error {
	return invalid("Invalid clause(s) in filter string: %s", strings.Join(shown, ", "))
}

// statement reads a text into comparisons and what stands between them.
func statement(text string) ([]tok, error) {
	toks := lex(text)
	if after(toks, -1) < 0 {
		return nil, invalid("Invalid filter '%s'. Could not be parsed.", text)
	}
	if manyStatements(toks) {
		return nil, invalid("Search filter contained multiple expression %s. Provide AND-ed expression list.", pythonString(text))
	}
	return joinWords(group(toks)), nil
}

// manyStatements says whether something follows a semicolon outside of parentheses.
func manyStatements(toks []tok) bool {
	depth := 0
	for i, t := range toks {
		switch {
		case t.class != mark:
		case t.text == "(":
			depth++
		case t.text == ")":
			depth--
		case t.text == ";" && depth <= 0 && after(toks, i) >= 0:
			return true
		}
	}
	return false
}

// joinWords makes comparisons of IN, NOT IN, IS NULL and IS NOT NULL, and drops spaces. It takes three or
// four tokens at a time from each identifier on, as MLflow does.
func joinWords(toks []tok) []tok {
	toks = slices.DeleteFunc(toks, func(t tok) bool { return t.class == space })
	var out []tok
	for len(toks) > 0 {
		if len(toks) < 3 {
			return append(out, toks...)
		}
		if toks[0].class != identifier {
			out, toks = append(out, toks[0]), toks[1:]
			continue
		}
		first, second, third := toks[0], toks[1], toks[2]
		is := func(word string) tok { return tok{class: keyword, text: word} }
		switch {
		case second.keyword("IN") && third.class == parenthesis:
			out, toks = append(out, tok{class: comparison, parts: []tok{first, second, third}}), toks[3:]
		case second.keyword("IS") && third.keyword("NULL"):
			out, toks = append(out, tok{class: comparison, parts: []tok{first, is("IS NULL")}}), toks[3:]
		case second.keyword("IS") && third.keyword("NOT NULL"):
			out, toks = append(out, tok{class: comparison, parts: []tok{first, is("IS NOT NULL")}}), toks[3:]
		case len(toks) > 3 && second.keyword("NOT") && third.keyword("IN") && toks[3].class == parenthesis:
			out, toks = append(out, tok{class: comparison, parts: []tok{first, is("NOT IN"), toks[3]}}), toks[4:]
		default:
			n := min(4, len(toks))
			out, toks = append(out, toks[:n]...), toks[n:]
		}
	}
	return out
}

func (g *grammar) clause(parts []tok) (clause, error) {
	if parts[0].class != identifier {
		return clause{}, invalid("Invalid comparison clause. Expected 'Identifier' found '%s'", parts[0].text)
	}
	field, err := g.field(parts[0].text, g.filterKeys)
	if err != nil {
		return clause{}, err
	}
	if len(parts) == 2 {
		if err := g.nullable(field); err != nil {
			return clause{}, err
		}
		return clause{field, parts[1].text, nil}, nil
	}
	value, err := g.value(field, parts[2])
	return clause{field, parts[1].text, value}, err
}

// value reads the right side of a clause.
func (g *grammar) value(f Field, t tok) (Value, error) {
	switch {
	case f.Entity == Metric:
		if !t.is(whole, fraction) {
			return nil, invalid("Expected numeric value type for metric. Found %s", t.text)
		}
		return Float(parseFloat(t.text)), nil
	case g.times[f.Key] && f.Entity == Attribute:
		return g.timeValue(f, t)
	case t.is(single, identifier):
		return textValue(t.text)
	case t.class == parenthesis && f.Entity == DatasetField:
		return listValue(t.text)
	case t.class == parenthesis && f.Entity == Attribute:
		if f.Key != g.listed {
			return nil, invalid("Only ['%s'] attributes support comparison with a list of quoted string values.", g.listed)
		}
		return listValue(t.text)
	case f.Entity == Attribute:
		return nil, invalid("Expected a quoted string value for attributes. Got value %s", t.text)
	case f.Entity == DatasetField:
		return nil, invalid("Expected a quoted string value for dataset attributes. Got value %s", t.text)
	}
	return nil, invalid("Expected a quoted string value for %s (e.g. 'my-value'). Got value %s", f.Entity, t.text)
}

func (g *grammar) timeValue(f Field, t tok) (Value, error) {
	switch t.class {
	case fraction:
		return Float(parseFloat(t.text)), nil
	case whole:
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, invalid("Invalid value for numeric attribute '%s': '%s'", f.Key, t.text)
		}
		return Integer(n), nil
	}
	return nil, invalid("Expected numeric value type for numeric attribute: %s. Found %s", f.Key, t.text)
}

// parseFloat reads what the lexer took for a number; one too great is infinite.
func parseFloat(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		panic("filter: the lexer took " + s + " for a number")
	}
	return f
}

func textValue(s string) (Value, error) {
	if quoted(s, '\'') || quoted(s, '"') {
		return Text(s[1 : len(s)-1]), nil
	}
	return nil, invalid("Parameter value is either not quoted or unidentified quote types used for string value %s. Use either single or double quotes.", s)
}

func quoted(s string, quote byte) bool {
	return len(s) >= 2 && s[0] == quote && s[len(s)-1] == quote
}

// field reads an identifier: [entity.]key, split at the first point, the key perhaps quoted.
func (g *grammar) field(s string, keys []string) (Field, error) {
	name, key, dotted := strings.Cut(s, ".")
	if !dotted {
		name, key = "attribute", s
	}
	entity, err := g.entity(name)
	if err != nil {
		return Field{}, err
	}
	if quoted(key, '\'') || quoted(key, '"') {
		key = key[1 : len(key)-1]
	}
	if quoted(key, '`') {
		key = key[1 : len(key)-1]
	}
	switch {
	case entity == Attribute && !slices.Contains(keys, key):
		return Field{}, invalid("Invalid attribute key '%s' specified. Valid keys are '%s'", key, pythonSet(keys))
	case entity == DatasetField && !slices.Contains(datasetKeys, key):
		return Field{}, invalid("Invalid dataset key '%s' specified. Valid keys are '%s'", key, pythonSet(datasetKeys))
	case entity == Attribute:
		if alias, ok := g.aliases[key]; ok {
			key = alias
		}
	}
	return Field{entity, key}, nil
}

var datasetKeys = []string{DatasetName, DatasetDigest, DatasetContext}

// run names are compared by their tag, which MLflow's own filter reads.
var runNameTag = Field{Tag, mlflow.RunNameTag}
