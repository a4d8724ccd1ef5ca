package filter

import "strings"

// ValueKind is what the right side of a raw clause is.
type ValueKind uint8

// The kinds of values. KindNone goes with IS NULL and IS NOT NULL.
const (
	KindNone ValueKind = iota
	KindText
	KindNumber
	KindList
	KindOther
)

// RawClause is a comparison whose meaning others judge: searches for traces have a language of their own on
// MLflow's grammar.
type RawClause struct {
	// Entity is empty where the key stands alone.
	Entity, Key string
	Op          string
	Kind        ValueKind
	// Source is the value as it was written, Text a text without its quotes, List the texts of a list.
	Source, Text string
	List         []string
}

// ParseRaw splits a filter. Errors are track.Errors in MLflow's words.
func ParseRaw(filter string) ([]RawClause, error) {
	if filter == "" {
		return nil, nil
	}
	if len(filter) > FilterBytesMax {
		return nil, invalid("Invalid filter: it is %d bytes long and at most %d are allowed", len(filter), FilterBytesMax)
	}
	found, err := comparisons(filter, func(text string) string { return "'" + text + "'" })
	if err != nil {
		return nil, err
	}
	if len(found) > ClausesMax {
		return nil, invalid("Invalid filter: it has %d clauses and at most %d are allowed", len(found), ClausesMax)
	}
	out := make([]RawClause, len(found))
	for i, parts := range found {
		if out[i], err = rawClause(parts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func rawClause(parts []tok) (c RawClause, err error) {
	if parts[0].class != identifier {
		return c, invalid("Invalid comparison clause. Expected 'Identifier' found '%s'", parts[0].text)
	}
	c.Entity, c.Key = rawKey(parts[0].text)
	c.Op = strings.ToUpper(parts[1].text)
	if len(parts) == 2 {
		return c, nil
	}
	value := parts[2]
	c.Source, c.Kind = value.text, KindOther
	switch {
	case value.is(single, identifier):
		c.Kind = KindText
		var v Value
		if v, err = textValue(value.text); err == nil {
			c.Text = string(v.(Text))
		}
	case value.is(whole, fraction):
		c.Kind = KindNumber
	case value.class == parenthesis:
		c.Kind = KindList
		var v Value
		if v, err = listValue(value.text); err == nil {
			c.List = v.(List)
		}
	}
	return c, err
}

// rawKey splits an identifier at its first point and takes the quotes off the key.
func rawKey(s string) (entity, key string) {
	entity, key, dotted := strings.Cut(s, ".")
	if !dotted {
		entity, key = "", s
	}
	if quoted(key, '\'') || quoted(key, '"') {
		key = key[1 : len(key)-1]
	}
	if quoted(key, '`') {
		key = key[1 : len(key)-1]
	}
	return strings.Trim(entity, "`"), key
}

// RawTerm is one clause of an order.
type RawTerm struct {
	Entity, Key string
	Desc        bool
}

// ParseRawOrder reads order_by.
func ParseRawOrder(clauses []string) ([]RawTerm, error) {
	if len(clauses) > OrderTermsMax {
		return nil, invalid("Invalid order_by: it has %d clauses and at most %d are allowed", len(clauses), OrderTermsMax)
	}
	out := make([]RawTerm, len(clauses))
	for i, c := range clauses {
		key, desc, err := orderKey(c)
		if err != nil {
			return nil, err
		}
		out[i].Entity, out[i].Key = rawKey(key)
		out[i].Desc = desc
	}
	return out, nil
}
