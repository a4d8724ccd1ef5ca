package models

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// compiler writes conditions and collects the values. Only column names, fixed text and parameter names are
// ever joined into SQL.
type compiler struct {
	params []filter.Bound
}

func (c *compiler) bind(kind string, v any) string {
	name := "p" + strconv.Itoa(len(c.params))
	c.params = append(c.params, filter.Bound{Name: name, Value: v})
	return "{" + name + ":" + kind + "}"
}

func (c *compiler) text(s string) string   { return c.bind("String", s) }
func (c *compiler) list(s []string) string { return c.bind("Array(String)", s) }

// float travels as its bits: the engine's own parser may miss the last one.
func (c *compiler) float(f float64) string {
	return "reinterpretAsFloat64(" + c.bind("UInt64", math.Float64bits(f)) + ")"
}

// Page says which of the found are wanted of ClickHouse.
type Page struct {
	// After is the key of the last model before the page, nil for the first page.
	After Key
	// Except are ids of models that are answered from elsewhere.
	Except []string
	Limit  int
}

// SQL writes the search: columns, which are of streamgauge.logged_models AS m and fixed text of the caller, and the
// facts that the order is made of, since a point may come after the search: known, ts, step, run, value.
func (s *Search) SQL(columns string, p Page) filter.Query {
	c := &compiler{}
	var b strings.Builder
	b.WriteString("SELECT " + columns + ", " + strings.Join(s.latest("f."), ", ") + " FROM " + table.Database + ".logged_models AS m FINAL")
	if s.NeedsPoints() {
		b.WriteString(" LEFT ANY JOIN (SELECT model, " + s.facts(c) + " FROM (" + s.points(c, nil) + ") GROUP BY model) AS f ON f.model = m.id")
	}
	// The row of id '' is the watermark.
	conditions := []string{"m.experiment IN " + c.bind("Array(UInt32)", s.Experiments), "m.id != ''", "m.lifecycle != 'deleted'"}
	if len(p.Except) > 0 {
		conditions = append(conditions, "m.id NOT IN "+c.list(p.Except))
	}
	for i := range s.probes() {
		conditions = append(conditions, "f.c"+strconv.Itoa(i))
	}
	for _, cl := range s.Where {
		if cl.Field.Entity != Metric {
			conditions = append(conditions, c.clause(cl))
		}
	}
	if p.After != nil {
		conditions = append(conditions, c.after(s.Order, p.After))
	}
	var order []string
	for _, col := range s.Order.columns() {
		direction := " ASC"
		if col.desc {
			direction = " DESC"
		}
		order = append(order, c.column(col)+direction)
	}
	b.WriteString(" WHERE " + strings.Join(conditions, " AND ") + " ORDER BY " + strings.Join(order, ", ") + " LIMIT " + strconv.Itoa(p.Limit))
	return filter.Query{Text: b.String(), Params: c.params}
}

// FactsSQL writes the question for the facts of some models: id, holds, known, ts, step, run, value, all but
// the first as arrays.
func (s *Search) FactsSQL(models []string) filter.Query {
	c := &compiler{}
	inner := "SELECT model, " + s.facts(c) + " FROM (" + s.points(c, models) + ") GROUP BY model"
	columns := append([]string{
		"CAST(model, 'String') AS id",
		array("UInt8", "holds", len(s.probes()), func(i string) string { return "c" + i }),
	}, s.latest("")...)
	return filter.Query{Text: "SELECT " + strings.Join(columns, ", ") + " FROM (" + inner + ")", Params: c.params}
}

// array writes n values as one column.
func array(kind, column string, n int, value func(i string) string) string {
	var items []string
	for i := range n {
		items = append(items, value(strconv.Itoa(i)))
	}
	return "CAST([" + strings.Join(items, ", ") + "], 'Array(" + kind + ")') AS " + column
}

// latest writes the newest points of the order's metrics: known, ts, step, run, value. table is that of the facts.
func (s *Search) latest(table string) []string {
	n := len(s.Order.metrics())
	part := func(at string) func(string) string {
		return func(i string) string { return "tupleElement(" + table + "l" + i + ", " + at + ")" }
	}
	return []string{
		array("UInt8", "known", n, func(i string) string { return table + "h" + i }),
		array("Int64", "ts", n, part("1")), array("Int64", "step", n, part("2")),
		array("UInt64", "run", n, func(i string) string { return "bitNot(" + part("3")(i) + ")" }),
		array("Float64", "value", n, part("4")),
	}
}

// points reads what the search needs of the points. The skip index by_model passes over what has no model.
func (s *Search) points(c *compiler, models []string) string {
	conditions := []string{"model != ''"}
	if models != nil {
		conditions = []string{"model IN " + c.list(models)}
	}
	if keys, all := s.keys(); !all {
		conditions = append(conditions, "key IN "+c.list(keys))
	}
	return "SELECT model, key, dataset, run, ts, step, if(isNaN(v), 0, v) AS v0 FROM " +
		table.Database + ".points WHERE " + strings.Join(conditions, " AND ")
}

// keys are the metrics that matter; all says that any may.
func (s *Search) keys() (keys []string, all bool) {
	for _, p := range s.probes() {
		all = all || p.clause == nil
		keys = append(keys, p.key)
	}
	for _, t := range s.Order.metrics() {
		keys = append(keys, t.Field.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys), all
}

// facts writes the aggregates c0.. of the conditions, and h0.., l0.. of the order's metrics.
func (s *Search) facts(c *compiler) string {
	var out []string
	for i, p := range s.probes() {
		condition := c.onAny(p.datasets)
		if p.clause != nil {
			condition = "key = " + c.text(p.key) + " AND " + c.number("v0", *p.clause) + " AND " + condition
		}
		out = append(out, "countIf("+condition+") > 0 AS c"+strconv.Itoa(i))
	}
	for i, t := range s.Order.metrics() {
		n, condition := strconv.Itoa(i), "key = "+c.text(t.Field.Key)+" AND "+c.on(t.Dataset)
		out = append(out,
			"countIf("+condition+") > 0 AS h"+n,
			// bitNot turns the order of runs around.
			"maxIf(tuple(ts, step, bitNot(run), v0), "+condition+") AS l"+n)
	}
	return strings.Join(out, ", ")
}

func (c *compiler) onAny(datasets []Dataset) string {
	if len(datasets) == 0 {
		return "1"
	}
	var any []string
	for _, d := range datasets {
		any = append(any, c.on(d))
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

func (c *compiler) on(d Dataset) string {
	switch {
	case d.Name != "" && d.Digest != "":
		return "dataset = " + c.text(d.Name+separator+d.Digest)
	case d.Name != "":
		return "startsWith(dataset, " + c.text(d.Name+separator) + ")"
	case d.Digest != "":
		return "endsWith(dataset, " + c.text(separator+d.Digest) + ")"
	}
	return "1"
}

var columnNames = map[string]string{
	ID: "m.id", Name: "m.name", ModelType: "m.model_type", Status: "m.status", SourceRun: "m.source_run", ExperimentID: "toString(m.experiment)",
	ArtifactURI: "m.artifact_uri", StatusMessage: "m.status_message", LifecycleStage: "m.lifecycle", Created: "m.created_ms", Updated: "m.updated_ms",
}

// read answers the condition that a model has the field, empty if every model has it, and the field's value.
func (c *compiler) read(t Term, metric int) (has, value string) {
	switch t.Field.Entity {
	case Metric:
		n := strconv.Itoa(metric)
		return "f.h" + n, "tupleElement(f.l" + n + ", 4)"
	case Param, Tag:
		m := "m.tags"
		if t.Field.Entity == Param {
			m = "m.params"
		}
		key := c.text(t.Field.Key)
		return "mapContains(" + m + ", " + key + ")", m + "[" + key + "]"
	}
	value = columnNames[t.Field.Key]
	if t.optional() {
		has = "notEmpty(" + value + ")"
	}
	return has, value
}

func (c *compiler) clause(cl Clause) string {
	has, value := c.read(Term{Field: cl.Field}, 0)
	if cl.Field.numeric() {
		return c.number("toFloat64("+value+")", cl)
	}
	condition := c.relation(value, cl)
	if has == "" {
		return condition
	}
	return "(" + has + " AND " + condition + ")"
}

func (c *compiler) number(value string, cl Clause) string {
	if math.IsNaN(cl.Number) {
		return "0"
	}
	return value + " " + cl.Op.String() + " " + c.float(cl.Number)
}

func (c *compiler) relation(value string, cl Clause) string {
	switch cl.Op {
	case filter.Like:
		return value + " LIKE " + c.text(filter.EscapeLike(cl.Text))
	case filter.ILike:
		return "lower(" + value + ") LIKE " + c.text(filter.EscapeLike(filter.FoldASCII(cl.Text)))
	case filter.In, filter.NotIn:
		return value + " " + cl.Op.String() + " " + c.list(cl.List)
	}
	return value + " " + cl.Op.String() + " " + c.text(cl.Text)
}

// column writes one sort column.
func (c *compiler) column(col column) string {
	has, value := c.read(col.term, col.metric)
	switch {
	case col.rank:
		return fmt.Sprintf("if(%s, %d, %d)", has, rankValue, rankMissing)
	case col.kind == floats:
		// A negative zero sorts as zero, and so does a value that is missing.
		return fmt.Sprintf("if(%s AND %s != 0, %s, toFloat64(0))", has, value, value)
	}
	return value
}

// after writes the condition that a model comes behind the key: a > x OR (a = x AND (b > y OR ...)).
func (c *compiler) after(o Order, key Key) string {
	columns := o.columns()
	condition := "0"
	for i := len(columns) - 1; i >= 0; i-- {
		value := c.column(columns[i])
		var bound string
		switch columns[i].kind {
		case integers:
			bound = c.bind("Int64", key[i].integer)
		case floats:
			bound = c.float(key[i].float)
		case texts:
			bound = c.text(key[i].text)
		}
		op := " > "
		if columns[i].desc {
			op = " < "
		}
		condition = "(" + value + op + bound + " OR (" + value + " = " + bound + " AND " + condition + "))"
	}
	return condition
}
