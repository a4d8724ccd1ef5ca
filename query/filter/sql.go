package filter

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Query is a statement for ClickHouse and the values of its named parameters, {p0:String} and so on.
type Query struct {
	Text   string
	Params []Bound
}

// Bound is the value of a named parameter: string, int64, uint64, []string, []uint32 or []uint64. Texts are
// as they are; the client escapes them on their way.
type Bound struct {
	Name  string
	Value any
}

// compiler writes conditions over one subject's table and collects the values. Only column names, fixed
// text and parameter names are ever joined into SQL.
type compiler struct {
	subject Subject
	// metrics are the joined metric keys; the position of a key names its columns.
	metrics []string
	params  []Bound
}

// bind names a value and answers its placeholder.
func (c *compiler) bind(kind string, v any) string {
	name := "p" + strconv.Itoa(len(c.params))
	c.params = append(c.params, Bound{name, v})
	return "{" + name + ":" + kind + "}"
}

func (c *compiler) text(s string) string    { return c.bind("String", s) }
func (c *compiler) list(s []string) string  { return c.bind("Array(String)", s) }
func (c *compiler) integer(n int64) string  { return c.bind("Int64", n) }
func (c *compiler) ids(ids []uint32) string { return c.bind("Array(UInt32)", ids) }

// float travels as its bits: the engine's own float parser may miss the last one.
func (c *compiler) float(f float64) string {
	return "reinterpretAsFloat64(" + c.bind("UInt64", math.Float64bits(f)) + ")"
}

// attributes are the columns of attributes.
var attributes = map[Subject]map[string]string{
	Runs: {
		RunID: "r.run_id", RunName: "r.name", Status: "r.status", ArtifactURI: "r.artifact_uri", UserID: "r.user",
		StartTime: "r.start_ms", EndTime: "r.end_ms",
	},
	Experiments: {
		Name: "r.name", ExperimentID: "r.id", CreationTime: "r.created_ms", LastUpdateTime: "r.updated_ms",
	},
}

// read answers the condition that a row has the field (empty if every row has it) and the field's value.
func (c *compiler) read(f Field) (has, value string) {
	switch f.Entity {
	case Metric:
		i := strconv.Itoa(c.metric(f.Key))
		return "m.has" + i, "m.v" + i
	case Param, Tag:
		m := "r.tags"
		if f.Entity == Param {
			m = "r.params"
		}
		key := c.text(f.Key)
		return "mapContains(" + m + ", " + key + ")", m + "[" + key + "]"
	}
	value = attributes[c.subject][f.Key]
	if f.Key == EndTime {
		has = value + " != 0"
	}
	return has, value
}

func (c *compiler) metric(key string) int {
	for i, k := range c.metrics {
		if k == key {
			return i
		}
	}
	panic("filter: metric " + key + " is compared but not joined")
}

// node writes a tree; the empty one holds.
func (c *compiler) node(n Node) string {
	switch n := n.(type) {
	case Or:
		return "((" + strings.Join(c.nodes(n), ") OR (") + "))"
	case And:
		return conjunction(c.nodes(n))
	case Compare:
		return c.compare(n)
	}
	return "1"
}

func (c *compiler) nodes(of []Node) (all []string) {
	for _, n := range of {
		all = append(all, c.node(n))
	}
	return all
}

func conjunction(conditions []string) string {
	if len(conditions) == 0 {
		return "1"
	}
	return strings.Join(conditions, " AND ")
}

func (c *compiler) compare(n Compare) string {
	if n.Field.Entity == DatasetField {
		return c.dataset(n)
	}
	has, value := c.read(n.Field)
	if n.Op == IsNull {
		return "NOT " + has
	}
	if n.Op == IsNotNull {
		return has
	}
	condition := c.relation(value, n)
	if has == "" {
		return condition
	}
	return "(" + has + " AND " + condition + ")"
}

func (c *compiler) dataset(n Compare) string {
	switch n.Field.Key {
	case DatasetName:
		return "arrayExists(x -> " + c.relation("x", n) + ", r.dataset_names)"
	case DatasetDigest:
		return "arrayExists(x -> " + c.relation("x", n) + ", r.dataset_digests)"
	}
	return "arrayExists(x -> notEmpty(x) AND " + c.relation("x", n) + ", r.dataset_contexts)"
}

func (c *compiler) relation(column string, n Compare) string {
	switch v := n.Value.(type) {
	case Text:
		switch n.Op {
		case Like:
			return column + " LIKE " + c.text(escapeLike(string(v)))
		case ILike:
			return "lower(" + column + ") LIKE " + c.text(escapeLike(lowerASCII(string(v))))
		}
		return column + " " + n.Op.String() + " " + c.text(string(v))
	case List:
		return column + " " + n.Op.String() + " " + c.list(v)
	case Integer:
		return column + " " + n.Op.String() + " " + c.integer(int64(v))
	case Float:
		return "toFloat64(" + column + ") " + n.Op.String() + " " + c.float(float64(v))
	}
	panic(fmt.Sprintf("filter: comparison %v without a value", n))
}

// escapeLike makes ClickHouse read a backslash as itself; MLflow's LIKE has no escape.
func escapeLike(pattern string) string { return strings.ReplaceAll(pattern, `\`, `\\`) }

// column writes one sort column.
func (c *compiler) column(col column) string {
	has, value := c.read(col.term.Field)
	switch {
	case col.rank && col.term.Field.Entity == Metric:
		return fmt.Sprintf("multiIf(NOT %s, %d, isNaN(%s), %d, %d)", has, rankMissing, value, rankNaN, rankValue)
	case col.rank:
		return fmt.Sprintf("if(%s, %d, %d)", has, rankValue, rankMissing)
	case col.kind == floats:
		// A negative zero sorts as zero; NaN and missing have no order among themselves.
		return fmt.Sprintf("if(isNaN(%s) OR %s = 0, toFloat64(0), %s)", value, value, value)
	case col.kind == integers && col.term.Field.Key == ExperimentID:
		return "toInt64OrZero(" + value + ")"
	}
	return value
}

// orderBy writes the ORDER BY list.
func (c *compiler) orderBy(o Order) string {
	var list []string
	for _, col := range o.columns() {
		direction := " ASC"
		if col.desc {
			direction = " DESC"
		}
		list = append(list, c.column(col)+direction)
	}
	return strings.Join(list, ", ")
}

// after writes the condition that a row comes behind the key: a > x OR (a = x AND (b > y OR ...)).
func (c *compiler) after(o Order, key Key) string {
	cs := o.columns()
	condition := "0"
	for i := len(cs) - 1; i >= 0; i-- {
		col := c.column(cs[i])
		var bound string
		switch cs[i].kind {
		case integers:
			bound = c.integer(key[i].integer)
		case floats:
			bound = c.float(key[i].float)
		case texts:
			bound = c.text(key[i].text)
		}
		op := " > "
		if cs[i].desc {
			op = " < "
		}
		condition = "(" + col + op + bound + " OR (" + col + " = " + bound + " AND " + condition + "))"
	}
	return condition
}
