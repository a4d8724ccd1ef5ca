package models

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/query/filter"
)

// ClausesMax bounds the work for each model; MLflow has no bound.
const ClausesMax = 100

var (
	numberOps = []filter.Op{filter.Less, filter.LessEqual, filter.Greater, filter.GreaterEqual, filter.Equal, filter.NotEqual}
	textOps   = []filter.Op{filter.Equal, filter.NotEqual, filter.Like, filter.ILike, filter.In, filter.NotIn}
)

// Parse reads the filter of logged-models/search.
func Parse(text string) ([]Clause, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > filter.FilterBytesMax {
		return nil, invalid("Invalid filter string: it is %d bytes long and at most %d are allowed", len(text), filter.FilterBytesMax)
	}
	statements, single := filter.Split(text)
	if !single {
		return nil, invalid("Invalid filter string: %s. Expected a single SQL expression.", filter.Repr(text))
	}
	var out []Clause
	for _, s := range statements {
		switch {
		case s.Parts != nil:
			c, err := clause(s)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		case !strings.EqualFold(strings.TrimSpace(s.Text), "AND"):
			return nil, invalid("Invalid filter string: %s. Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = 0.01').", filter.Repr(text))
		}
	}
	if len(out) > ClausesMax {
		return nil, invalid("Invalid filter string: it has %d comparisons and at most %d are allowed", len(out), ClausesMax)
	}
	return out, nil
}

func clause(s filter.Statement) (c Clause, err error) {
	if len(s.Parts) != 3 {
		return c, invalid("Invalid comparison: %s. Expected a comparison with 3 tokens.", s.Text)
	}
	if c.Field, err = field(s.Parts[0]); err != nil {
		return c, err
	}
	name := strings.ToUpper(s.Parts[1])
	allowed := textOps
	if c.Field.numeric() {
		allowed = numberOps
	}
	at := slices.IndexFunc(allowed, func(op filter.Op) bool { return op.String() == name })
	if at < 0 {
		return c, invalid("Invalid comparison operator for %s: %s. Expected one of %s.", c.Field, filter.Repr(name), reprOps(allowed))
	}
	c.Op = allowed[at]
	if c.Field.Entity == Attribute && !slices.Contains(attributes, c.Field.Key) {
		return c, invalid("Invalid attribute name: %s. Expected one of %s.", c.Field.Key, filter.ReprList(attributes))
	}
	return c, c.value(s.Parts[2])
}

// value reads the right side. Single quotes at its ends are taken away, however many; other text counts as it
// stands.
func (c *Clause) value(text string) error {
	if c.Field.numeric() {
		n, ok := pythonFloat(text)
		if !ok {
			return invalid("Invalid value for numeric field %s: %s. Expected a number.", c.Field, filter.Repr(text))
		}
		c.Number = n
		return nil
	}
	listed := c.Op == filter.In || c.Op == filter.NotIn
	if list := strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")"); list != listed {
		return invalid("Invalid value for %s: %s. A list is compared with IN or NOT IN, and nothing else is.", c.Field, filter.Repr(text))
	}
	if !listed {
		c.Text = c.canonical(strings.Trim(text, "'"))
		return nil
	}
	items, ok := filter.ListValue(text)
	if !ok {
		return invalid("Invalid value for %s: %s. Expected a list of quoted texts.", c.Field, filter.Repr(text))
	}
	c.List = []string{}
	for _, it := range items {
		c.List = append(c.List, c.canonical(it))
	}
	return nil
}

// canonical reads a status by its number or its long name too; both occur in MLflow.
func (c *Clause) canonical(text string) string {
	if c.Field != (Field{Attribute, Status}) {
		return text
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < len(statuses) {
		return statuses[n]
	}
	return strings.TrimPrefix(text, "LOGGED_MODEL_")
}

// statuses by MLflow's number.
var statuses = []string{"UNSPECIFIED", "PENDING", "READY", "UPLOAD_FAILED"}

var dotted = regexp.MustCompile(`^([a-z]+)\.(.+)$`)

// field reads entity.key, or an attribute's bare name.
func field(text string) (Field, error) {
	m := dotted.FindStringSubmatch(text)
	if m == nil {
		return Field{Attribute, attribute(text)}, nil
	}
	entity := slices.Index(entityNames[:], m[1])
	if entity < 1 {
		return Field{}, invalid("Invalid entity type: %s. Expected one of %s.", filter.Repr(m[1]), filter.ReprList(entityNames[1:]))
	}
	f := Field{Entity(entity), strings.Trim(m[2], "`")}
	if f.Entity == Attribute {
		f.Key = attribute(m[2])
	}
	return f, nil
}

func attribute(name string) string {
	name = strings.Trim(name, "`")
	if alias, ok := aliases[name]; ok {
		return alias
	}
	return name
}

func reprOps(ops []filter.Op) string {
	var names []string
	for _, op := range ops {
		names = append(names, filter.Repr(op.String()))
	}
	return "(" + strings.Join(names, ", ") + ")"
}

var underscored = regexp.MustCompile(`(\d)_(\d)`)

// pythonFloat reads what Python's float does.
func pythonFloat(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	// Twice: matches do not overlap.
	plain := underscored.ReplaceAllString(underscored.ReplaceAllString(text, "$1$2"), "$1$2")
	if strings.ContainsAny(plain, "xXpP_") {
		return 0, false
	}
	n, err := strconv.ParseFloat(plain, 64)
	if err != nil && n == 0 {
		return 0, false
	}
	return n, true
}
