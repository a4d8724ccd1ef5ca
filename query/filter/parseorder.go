package filter

import (
	"slices"
	"strings"
)

// OrderTermsMax bounds an order; MLflow has no bound.
const OrderTermsMax = 50

// ParseRunOrder reads order_by of runs/search and adds the tie-breaks; nil is MLflow's default order.
func ParseRunOrder(clauses []string) (Order, error) {
	terms, err := runGrammar.terms(clauses)
	if err != nil {
		return Order{}, err
	}
	for i, t := range terms {
		if t.Field.Entity == DatasetField {
			return Order{}, invalid("Invalid identifier type 'dataset'")
		}
		if slices.ContainsFunc(terms[:i], func(u Term) bool { return u.Field == t.Field }) {
			return Order{}, invalid("`order_by` contains duplicate fields: %s", pythonList(clauses))
		}
	}
	return runOrder(terms), nil
}

// ParseExperimentOrder reads order_by of experiments/search; a field that comes again adds nothing.
func ParseExperimentOrder(clauses []string) (Order, error) {
	terms, err := experimentGrammar.terms(clauses)
	if err != nil {
		return Order{}, err
	}
	var distinct []Term
	for _, t := range terms {
		if t.Field.Entity != Attribute {
			return Order{}, invalid("Invalid order_by entity: %s", t.Field.Entity)
		}
		if !slices.ContainsFunc(distinct, func(u Term) bool { return u.Field == t.Field }) {
			distinct = append(distinct, t)
		}
	}
	return experimentOrder(distinct), nil
}

func (g *grammar) terms(clauses []string) ([]Term, error) {
	if len(clauses) > OrderTermsMax {
		return nil, invalid("Invalid order_by: it has %d clauses and at most %d are allowed", len(clauses), OrderTermsMax)
	}
	var terms []Term
	for _, c := range clauses {
		t, err := g.term(c)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return terms, nil
}

func (g *grammar) term(clause string) (Term, error) {
	key, desc, err := wish(clause)
	if err != nil {
		return Term{}, err
	}
	f, err := g.field(key, g.orderKeys)
	return Term{Field: f, Desc: desc}, err
}

// wish reads a clause of order_by: what to order by, and the direction.
func wish(clause string) (key string, desc bool, err error) {
	unparsed := func() error { return invalid("Invalid order_by clause '%s'. Could not be parsed.", clause) }
	if len(clause) > FilterBytesMax {
		return "", false, invalid("Invalid order_by clause: it is %d bytes long and at most %d are allowed", len(clause), FilterBytesMax)
	}
	toks := group(lex(clause))
	if len(toks) != 1 || toks[0].class != identifier {
		return "", false, unparsed()
	}
	words, ok := shellWords(strings.ReplaceAll(clause, "`", `"`))
	if !ok || len(words) > 2 {
		return "", false, unparsed()
	}
	key = clause
	if len(words) == 2 {
		switch strings.ToLower(words[1]) {
		case "asc":
		case "desc":
			desc = true
		default:
			return "", false, invalid("Invalid ordering key in order_by clause '%s'.", clause)
		}
		key = words[0]
	}
	return strings.TrimSpace(key), desc, nil
}

// shellWords splits as a shell does, which is how MLflow parts the key from its direction: quotes join and
// vanish, a backslash takes the next character as it is (between double quotes, only a quote or itself).
func shellWords(s string) (words []string, ok bool) {
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'':
			i++
			if i == len(s) {
				return nil, false
			}
			if quote == '"' && s[i] != '"' && s[i] != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(s[i])
			inWord = true
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, inWord = c, true
		case strings.IndexByte(" \t\r\n", c) >= 0:
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, quote == 0
}
