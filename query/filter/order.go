package filter

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Term is one wish of an order.
type Term struct {
	Field Field
	Desc  bool
}

// String prints the term so that it parses again.
func (t Term) String() string {
	if t.Desc {
		return t.Field.String() + " DESC"
	}
	return t.Field.String() + " ASC"
}

// Order is a total order of rows: the terms asked for, then MLflow's tie-breaks down to the unique id.
// Whatever the direction, numbers come before NaN and NaN before missing values.
type Order struct {
	subject Subject
	terms   []Term
}

// Terms are all terms, tie-breaks included. They are shared: do not change them.
func (o Order) Terms() []Term { return o.terms }

// String prints all terms.
func (o Order) String() string {
	var s []string
	for _, t := range o.terms {
		s = append(s, t.String())
	}
	return strings.Join(s, ", ")
}

// MetricKeys lists the metrics that the order asks for, sorted, each once.
func (o Order) MetricKeys() []string {
	var keys []string
	for _, t := range o.terms {
		if t.Field.Entity == Metric {
			keys = append(keys, t.Field.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (o Order) has(f Field) bool {
	return slices.ContainsFunc(o.terms, func(t Term) bool { return t.Field == f })
}

// runOrder adds the tie-breaks of runs.
func runOrder(terms []Term) Order {
	o := Order{Runs, terms}
	if start := (Field{Attribute, StartTime}); !o.has(start) {
		o.terms = append(o.terms, Term{start, true})
	}
	if id := (Field{Attribute, RunID}); !o.has(id) {
		o.terms = append(o.terms, Term{id, false})
	}
	return o
}

// experimentOrder adds the default or the tie-break of experiments.
func experimentOrder(terms []Term) Order {
	id := Field{Attribute, ExperimentID}
	if len(terms) == 0 {
		return Order{Experiments, []Term{{Field{Attribute, CreationTime}, true}, {id, false}}}
	}
	o := Order{Experiments, terms}
	if !o.has(id) {
		o.terms = append(o.terms, Term{id, true})
	}
	return o
}

// kind is the type of a sort column, the same in Go and in SQL.
type kind uint8

const (
	integers kind = iota + 1
	floats
	texts
)

// Ranks of a term's values, ascending in both directions.
const (
	rankValue   = 0
	rankNaN     = 1
	rankMissing = 2
)

// ranked says whether a row can be without the value.
func (f Field) ranked() bool { return f.Entity != Attribute || f.Key == EndTime }

// column is one column that rows are sorted by. A term has one, or two if its value can be missing: first
// the rank, ascending, then the value in the term's direction, zero for all without one.
type column struct {
	term Term
	kind kind
	desc bool
	rank bool
}

// columns is the one description of the order that both evaluators follow.
func (o Order) columns() []column {
	var cs []column
	for _, t := range o.terms {
		k := texts
		switch {
		case t.Field.Entity == Metric:
			k = floats
		case t.Field.numeric(), o.subject == Experiments && t.Field.Key == ExperimentID:
			k = integers
		}
		if t.Field.ranked() {
			cs = append(cs, column{t, integers, false, true})
		}
		cs = append(cs, column{t, k, t.Desc, false})
	}
	return cs
}

// part is a row's value in one column; the field of the column's kind is set.
type part struct {
	integer int64
	float   float64
	text    string
}

// Key is where a row stands in an order. Keys of one order compare with that order's Compare.
type Key []part

// Key reads a row's place.
func (o Order) Key(row Row) Key { return o.AppendKey(make(Key, 0, 2*len(o.terms)), row) }

// AppendKey appends a row's place to key, which is empty.
func (o Order) AppendKey(key Key, row Row) Key {
	for _, t := range o.terms {
		rank, p := t.place(row, o.subject)
		if t.Field.ranked() {
			key = append(key, part{integer: rank})
		}
		key = append(key, p)
	}
	return key
}

func (t Term) place(row Row, s Subject) (rank int64, p part) {
	var ok bool
	switch {
	case t.Field.Entity == Metric:
		p.float, ok = row.Metric(t.Field.Key)
		if ok && math.IsNaN(p.float) {
			return rankNaN, part{}
		}
	case t.Field.numeric(), s == Experiments && t.Field.Key == ExperimentID:
		p.integer, ok = row.Number(t.Field.Key)
	default:
		p.text, ok = row.Text(t.Field)
	}
	if !ok {
		return rankMissing, part{}
	}
	return rankValue, p
}

// CompareKeys says which of two places comes first: negative if a does.
func (o Order) CompareKeys(a, b Key) int {
	i := 0
	next := func(desc bool) int {
		c := cmp.Or(cmp.Compare(a[i].integer, b[i].integer), cmp.Compare(a[i].float, b[i].float), strings.Compare(a[i].text, b[i].text))
		i++
		if desc {
			return -c
		}
		return c
	}
	for _, t := range o.terms {
		if t.Field.ranked() {
			if c := next(false); c != 0 {
				return c
			}
		}
		if c := next(t.Desc); c != 0 {
			return c
		}
	}
	return 0
}

// Compare says which of two rows comes first: negative if a does. Rows compare equal only if they have the
// same id. To sort many rows take their keys once and use CompareKeys.
func (o Order) Compare(a, b Row) int { return o.CompareKeys(o.Key(a), o.Key(b)) }
