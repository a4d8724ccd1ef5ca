package tracefilter

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/query/filter"
)

// span compares what a span has; all such clauses are of one span.
func (c *compiler) span(key string, r filter.RawClause) error {
	if err := must(r, span, filter.KindText, filter.KindList); err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(key, "attributes."); ok {
		return c.spanAttribute(strings.Trim(name, "`"), r)
	}
	column, ok := spans[key]
	if !ok {
		return invalid("Invalid span attribute '%s'. Supported attributes: name, status, type, attributes.<attribute_name>.", key)
	}
	ops := attributeOps
	if key == "content" {
		ops = contentOps
	}
	if !slices.Contains(ops, r.Op) {
		return invalid("span.%s comparator '%s' not one of '{%s}'", key, r.Op, quotedList(ops))
	}
	condition, err := c.compare(column, r)
	c.ofSpan = append(c.ofSpan, condition)
	return err
}

// spanAttribute looks into the span's JSON. Patterns see it from the attribute's name on, as they do in MLflow; other
// comparators see the attribute's value.
func (c *compiler) spanAttribute(name string, r filter.RawClause) error {
	if name == "" {
		return invalid("Span attribute name cannot be empty after 'attributes.'")
	}
	if !slices.Contains(attributeOps, r.Op) {
		return invalid("span.attributes.%s comparator '%s' not one of '{%s}'", name, r.Op, quotedList(attributeOps))
	}
	column := "content"
	switch r.Op {
	case "LIKE", "ILIKE":
		r.Text = `%"` + name + `"` + r.Text + "%"
	case "RLIKE":
		r.Text = attributePattern(name, r.Text)
	default:
		// The value is a JSON text within JSON; a text has its quotes off.
		raw := "JSONExtractString(content, 'attributes', " + c.text(name) + ")"
		column = "if(startsWith(" + raw + ", '\"'), JSONExtractString(" + raw + "), " + raw + ")"
	}
	condition, err := c.compare(column, r)
	c.ofSpan = append(c.ofSpan, condition)
	return err
}

// attributePattern lets ^ and $ mean the ends of the value, which stands as "name": "\"value\"".
func attributePattern(name, pattern string) string {
	begin, end := `"\\".*`, ""
	if rest, ok := strings.CutPrefix(pattern, "^"); ok {
		pattern, begin = rest, `"\\"`
	}
	if rest, ok := strings.CutSuffix(pattern, "$"); ok {
		pattern, end = rest, `\\"`
	}
	return `"` + regexp.QuoteMeta(name) + `": ` + begin + pattern + end
}

// assessment compares the value of a feedback or an expectation that still counts.
func (c *compiler) assessment(entity, name string, r filter.RawClause) error {
	if name == "" {
		return invalid("Assessment field name cannot be empty")
	}
	if !slices.Contains(assessmentOps, r.Op) {
		return invalid("assessment.%s comparator '%s' not one of '{%s}'", name, r.Op, quotedList(assessmentOps))
	}
	numeric := slices.Contains(orderingOps, r.Op)
	condition := "1"
	var err error
	switch {
	case r.Op == "IS NULL" || r.Op == "IS NOT NULL":
	case numeric && r.Kind != filter.KindNumber:
		return invalid("Expected a numeric value for %s when using comparator '%s'. Got value %s", entity, r.Op, r.Source)
	case numeric:
		condition = "ifNull(toFloat64OrNull(v) " + r.Op + " " + c.numeric(r.Source) + ", 0)"
	default:
		if err = must(r, entity, filter.KindText); err == nil {
			condition, err = c.assessed(r)
		}
	}
	if err != nil {
		return err
	}
	exists := "arrayExists((k, n, v, ok) -> k = '" + entity + "' AND n = " + c.text(name) + " AND ok = 1 AND " + condition +
		", assessment_kinds, assessment_names, assessment_values, assessment_valid)"
	if r.Op == "IS NULL" {
		exists = "NOT " + exists
	}
	c.add(exists)
	return nil
}

// assessed compares JSON: a text equals one with or without its quotes, so that 'true' is a boolean too.
func (c *compiler) assessed(r filter.RawClause) (string, error) {
	if r.Op != "=" && r.Op != "!=" {
		return c.compare("v", r)
	}
	quoted, err := json.Marshal(r.Text)
	if err != nil {
		return "", err
	}
	condition := "v IN (" + c.text(r.Text) + ", " + c.text(string(quoted)) + ")"
	if r.Op == "!=" {
		condition = "NOT " + condition
	}
	return condition, nil
}

func (c *compiler) issue(key string, r filter.RawClause) error {
	if key != "id" {
		return invalid("Invalid issue attribute '%s'. Supported attributes: id", key)
	}
	if r.Op != "=" {
		return invalid("issue.id comparator '%s' not one of '{'='}'", r.Op)
	}
	if err := must(r, issue, filter.KindText); err != nil {
		return err
	}
	c.add("arrayExists((k, n) -> k = 'issue' AND n = " + c.text(r.Text) + ", assessment_kinds, assessment_names)")
	return nil
}

// OrderBy compiles order_by into columns of table traces, newest first where nothing else is said; what is missing
// comes last.
func OrderBy(clauses []string, prefix string) (string, []filter.Bound, error) {
	terms, err := filter.ParseRawOrder(clauses)
	if err != nil {
		return "", nil, err
	}
	c := &compiler{prefix: prefix}
	var list []string
	seen := make(map[string]bool)
	for _, t := range terms {
		entity, key, err := field(t.Entity, t.Key, orderKeys)
		if err != nil {
			return "", nil, err
		}
		column, err := c.orderColumn(entity, key)
		if err != nil {
			return "", nil, err
		}
		if id := entity + "." + key; seen[id] {
			return "", nil, invalid("`order_by` contains duplicate fields: ['%s']", strings.Join(clauses, "', '"))
		} else {
			seen[id] = true
		}
		direction := " ASC"
		if t.Desc {
			direction = " DESC"
		}
		list = append(list, "isNull("+column+")", column+direction)
	}
	return strings.Join(append(list, "request_ms DESC", "trace_id ASC"), ", "), c.params, nil
}

func (c *compiler) orderColumn(entity, key string) (string, error) {
	column := ""
	switch entity {
	case tag:
		column = "tags"
	case metadata:
		column = "metadata"
	case attribute:
		if number, ok := numbers[key]; ok {
			return number, nil
		}
		return texts[key], nil
	default:
		return "", invalid("Invalid identifier type '%s'", entity)
	}
	k := c.text(key)
	return "if(mapContains(" + column + ", " + k + "), " + column + "[" + k + "], NULL)", nil
}
