package models

import (
	"cmp"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// OrderTermsMax bounds an order; MLflow has no bound.
const OrderTermsMax = 50

// Wish is one entry of order_by as a client sent it.
type Wish struct {
	Field     string
	Ascending bool
	Dataset   Dataset
}

// Term is one term of an order.
type Term struct {
	Field Field
	Desc  bool
	// Dataset scopes a metric.
	Dataset Dataset
}

// Order is a total order of models: what was asked for, then the newest first, then by id. Models without a
// value come last in both directions.
type Order struct{ terms []Term }

// ParseOrder reads order_by.
func ParseOrder(wishes []Wish) (o Order, err error) {
	if len(wishes) > OrderTermsMax {
		return o, invalid("Invalid order_by: it has %d entries and at most %d are allowed", len(wishes), OrderTermsMax)
	}
	for _, w := range wishes {
		t := Term{Desc: !w.Ascending}
		entity, key, dotted := strings.Cut(w.Field, ".")
		switch {
		case !dotted:
			name := w.Field
			if alias, ok := aliases[name]; ok {
				name = alias
			}
			if !slices.Contains(attributes, name) {
				err := track.Errorf(track.InvalidParameterValue, "Invalid order by field name: %s", w.Field)
				err.NoAttribute = true
				return o, err
			}
			t.Field = Field{Attribute, name}
		case entity != Metric.String():
			return o, invalid("Invalid order by field name: %s. Only metrics are supported.", w.Field)
		default:
			t.Field, t.Dataset = Field{Metric, key}, w.Dataset
		}
		o.terms = append(o.terms, t)
	}
	for _, last := range []Term{{Field: Field{Attribute, Created}, Desc: true}, {Field: Field{Attribute, ID}}} {
		if !slices.ContainsFunc(o.terms, func(t Term) bool { return t.Field == last.Field }) {
			o.terms = append(o.terms, last)
		}
	}
	return o, nil
}

// metrics are the terms that ask for metrics.
func (o Order) metrics() []Term {
	var out []Term
	for _, t := range o.terms {
		if t.Field.Entity == Metric {
			out = append(out, t)
		}
	}
	return out
}

// kind is the type of a sort column, the same in Go and in SQL.
type kind uint8

const (
	integers kind = iota + 1
	floats
	texts
)

func (t Term) kind() kind {
	switch {
	case t.Field.Entity == Metric:
		return floats
	case t.Field.numeric():
		return integers
	}
	return texts
}

// optional says whether a model can be without the value.
func (t Term) optional() bool {
	return t.Field.Entity == Metric || t.Field.Key == StatusMessage
}

// Ranks of an optional value, ascending in both directions.
const (
	rankValue   = 0
	rankMissing = 1
)

// column is one column that models are sorted by: of an optional term first the rank, then the value.
type column struct {
	term   Term
	metric int // which of the order's metrics it is
	kind   kind
	desc   bool
	rank   bool
}

func (o Order) columns() []column {
	var out []column
	metric := -1
	for _, t := range o.terms {
		if t.Field.Entity == Metric {
			metric++
		}
		if t.optional() {
			out = append(out, column{t, metric, integers, false, true})
		}
		out = append(out, column{t, metric, t.kind(), t.Desc, false})
	}
	return out
}

// part is a model's value in one column; the field of the column's kind is set.
type part struct {
	integer int64
	float   float64
	text    string
}

// Key is where a model stands in an order.
type Key []part

// Key reads a model's place.
func (o Order) Key(m *sgpb.LoggedModel, f Facts) Key {
	var key Key
	for _, c := range o.columns() {
		p, ok := c.read(m, f)
		if c.rank {
			p = part{integer: rankValue}
			if !ok {
				p.integer = rankMissing
			}
		}
		key = append(key, p)
	}
	return key
}

func (c column) read(m *sgpb.LoggedModel, f Facts) (part, bool) {
	switch {
	case c.term.Field.Entity == Metric:
		if c.metric >= len(f.Latest) || !f.Latest[c.metric].Known {
			return part{}, false
		}
		p := part{float: f.Latest[c.metric].Value}
		if p.float == 0 {
			p.float = 0 // a negative zero is zero
		}
		return p, true
	case c.term.Field.numeric():
		return part{integer: number(m, c.term.Field.Key)}, true
	}
	v, ok := text(m, c.term.Field)
	return part{text: v}, ok
}

// CompareKeys says which of two places comes first: negative if a does.
func (o Order) CompareKeys(a, b Key) int {
	for i, c := range o.columns() {
		d := cmp.Or(cmp.Compare(a[i].integer, b[i].integer), cmp.Compare(a[i].float, b[i].float), strings.Compare(a[i].text, b[i].text))
		if c.desc {
			d = -d
		}
		if d != 0 {
			return d
		}
	}
	return 0
}
