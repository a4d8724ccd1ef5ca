package tracefilter

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Entities of a key; where none is said it is an attribute.
const (
	attribute   = "attribute"
	tag         = "tag"
	metadata    = "request_metadata"
	span        = "span"
	feedback    = "feedback"
	expectation = "expectation"
	issue       = "issue"
)

var entities = map[string]string{
	"": attribute, "attribute": attribute, "attributes": attribute, "trace": attribute, "tag": tag, "tags": tag,
	"request_metadata": metadata, "metadata": metadata, "span": span, "feedback": feedback, "expectation": expectation, "issue": issue,
}

// Keys that stand for a tag or for metadata.
const (
	nameTag        = "mlflow.traceName"
	sourceRunField = "mlflow.sourceRun"
)

var (
	filterKeys = []string{
		"request_id", "timestamp", "timestamp_ms", "execution_time", "execution_time_ms", "end_time", "end_time_ms", "status",
		"client_request_id", "name", "run_id", "prompt", "text",
	}
	orderKeys = []string{
		"experiment_id", "timestamp", "timestamp_ms", "execution_time", "execution_time_ms", "end_time", "end_time_ms", "status",
		"request_id", "name", "run_id",
	}
	// numbers and texts are the columns of attributes.
	numbers = map[string]string{
		"timestamp_ms": "request_ms", "execution_time_ms": "duration_ms", "end_time_ms": endColumn, "experiment_id": "experiment",
	}
	texts = map[string]string{"request_id": "trace_id", "status": "state", "client_request_id": "client_request_id"}
	spans = map[string]string{"name": "name", "type": "type", "status": "status", "content": "content"}
)

const endColumn = "(request_ms + ifNull(duration_ms, 0))"

var (
	numberOps     = []string{"!=", "=", "<", "<=", ">", ">="}
	attributeOps  = []string{"!=", "=", "IN", "NOT IN", "LIKE", "ILIKE", "RLIKE"}
	mapOps        = []string{"!=", "=", "LIKE", "ILIKE", "RLIKE", "IS NULL", "IS NOT NULL"}
	contentOps    = []string{"LIKE", "ILIKE"}
	orderingOps   = []string{"<", "<=", ">", ">="}
	assessmentOps = append([]string{"<", "<=", ">", ">="}, mapOps...)
)

// compiler collects conditions and the values bound in them.
type compiler struct {
	conditions []string
	// ofSpan must all hold for one and the same span.
	ofSpan []string
	params []filter.Bound
	prefix string
}

func (c *compiler) bind(kind string, v any) string {
	name := c.prefix + strconv.Itoa(len(c.params))
	c.params = append(c.params, filter.Bound{Name: name, Value: v})
	return "{" + name + ":" + kind + "}"
}

func (c *compiler) text(s string) string { return c.bind("String", s) }

// Where compiles a filter on traces of experiments into a condition on table traces; prefix keeps the names of its
// values apart from those of others in the same statement.
func Where(text, prefix string, experiments []uint32) (string, []filter.Bound, error) {
	clauses, err := filter.ParseRaw(text)
	if err != nil {
		return "", nil, err
	}
	c := &compiler{prefix: prefix}
	within := "experiment IN " + c.bind("Array(UInt32)", experiments)
	c.conditions = append(c.conditions, within)
	for _, clause := range clauses {
		if err := c.clause(clause); err != nil {
			return "", nil, err
		}
	}
	if len(c.ofSpan) > 0 {
		c.conditions = append(c.conditions, "trace_id IN (SELECT trace_id FROM spans FINAL WHERE trace_id IN (SELECT trace_id FROM traces WHERE "+within+") AND "+strings.Join(c.ofSpan, " AND ")+")")
	}
	return strings.Join(c.conditions, " AND "), c.params, nil
}

func (c *compiler) clause(r filter.RawClause) error {
	entity, key, err := field(r.Entity, r.Key, filterKeys)
	if err != nil {
		return err
	}
	if _, ok := numbers[key]; entities[r.Entity] == attribute && !ok && r.Kind == filter.KindNumber {
		return invalid("Only the '{%s}' attributes support comparison with numeric values.", quotedList([]string{
			"timestamp_ms", "timestamp", "execution_time_ms", "execution_time", "end_time_ms", "end_time",
		}))
	}
	switch entity {
	case tag, metadata:
		return c.pair(entity, key, r)
	case span:
		return c.span(key, r)
	case feedback, expectation:
		return c.assessment(entity, key, r)
	case issue:
		return c.issue(key, r)
	}
	if column, ok := numbers[key]; ok {
		return c.number(column, key, r)
	}
	return c.attribute(key, r)
}

// field finds what a key means.
func field(entity, key string, keys []string) (string, string, error) {
	e, ok := entities[entity]
	if !ok {
		return "", "", invalid("Invalid entity type '%s'. Valid values are {%s}", entity, quotedList([]string{
			"attribute", "attributes", "expectation", "feedback", "issue", "metadata", "request_metadata", "span", "tag", "tags", "trace",
		}))
	}
	if e != attribute {
		return e, key, nil
	}
	if !slices.Contains(keys, key) {
		return "", "", invalid("Invalid attribute key '%s' specified. Valid keys are '{%s}'", key, quotedList(keys))
	}
	switch key {
	case "name":
		return tag, nameTag, nil
	case "run_id":
		return metadata, sourceRunField, nil
	case "text":
		return span, "content", nil
	case "timestamp", "execution_time", "end_time":
		key += "_ms"
	}
	return e, key, nil
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

func quotedList(list []string) string {
	sorted := slices.Sorted(slices.Values(list))
	return "'" + strings.Join(sorted, "', '") + "'"
}

// allowed refuses a comparator that does not go with what it compares.
func allowed(op string, ops []string) error {
	if !slices.Contains(ops, op) {
		return invalid("Invalid comparator '%s' not one of '{%s}'", op, quotedList(ops))
	}
	return nil
}

// must refuses a value of another kind.
func must(r filter.RawClause, entity string, kinds ...filter.ValueKind) error {
	if !slices.Contains(kinds, r.Kind) {
		return invalid("Expected a quoted string value for %s (e.g. 'my-value'). Got value %s", entity, r.Source)
	}
	return nil
}

func (c *compiler) add(condition string) { c.conditions = append(c.conditions, condition) }

func (c *compiler) number(column, key string, r filter.RawClause) error {
	if err := allowed(r.Op, numberOps); err != nil {
		return err
	}
	if r.Kind != filter.KindNumber {
		return invalid("Expected a numeric value for attribute '%s'. Got value %s", key, r.Source)
	}
	c.add(column + " " + r.Op + " " + c.numeric(r.Source))
	return nil
}

// numeric binds a number that the lexer took for one.
func (c *compiler) numeric(source string) string {
	if n, err := strconv.ParseInt(source, 10, 64); err == nil {
		return c.bind("Int64", n)
	}
	return "toFloat64(" + c.text(source) + ")"
}

func (c *compiler) attribute(key string, r filter.RawClause) error {
	if key == "prompt" {
		return c.prompt(r)
	}
	if err := allowed(r.Op, attributeOps); err != nil {
		return err
	}
	if err := must(r, "attributes", filter.KindText, filter.KindList); err != nil {
		return err
	}
	condition, err := c.compare(texts[key], r)
	c.add(condition)
	return err
}

func (c *compiler) prompt(r filter.RawClause) error {
	if r.Op != "=" {
		return invalid("Invalid comparator '%s' for prompts filter. Only '=' is supported with format: prompt = \"name/version\"", r.Op)
	}
	if strings.Count(r.Text, "/") != 1 {
		return invalid("Invalid prompts filter value '%s'. Expected format: prompt = \"name/version\"", r.Text)
	}
	c.add("has(prompts, " + c.text(r.Text) + ")")
	return nil
}

// pair compares a tag or metadata; one that is missing fits nothing but IS NULL.
func (c *compiler) pair(entity, key string, r filter.RawClause) error {
	ops := mapOps
	if key == nameTag {
		ops = append(slices.Clone(mapOps), "IN", "NOT IN")
	}
	if err := allowed(r.Op, ops); err != nil {
		return err
	}
	column := "tags"
	if entity == metadata {
		column = "metadata"
	}
	if key == sourceRunField && entity == metadata && r.Op == "=" && r.Kind == filter.KindText {
		c.add("has(runs, " + c.text(r.Text) + ")")
		return nil
	}
	k := c.text(key)
	switch r.Op {
	case "IS NULL":
		c.add("NOT mapContains(" + column + ", " + k + ")")
		return nil
	case "IS NOT NULL":
		c.add("mapContains(" + column + ", " + k + ")")
		return nil
	}
	if err := must(r, entity, filter.KindText, filter.KindList); err != nil {
		return err
	}
	condition, err := c.compare(column+"["+k+"]", r)
	c.add("mapContains(" + column + ", " + k + ") AND " + condition)
	return err
}

// compare writes a comparison of a text.
func (c *compiler) compare(column string, r filter.RawClause) (string, error) {
	switch {
	case r.Op == "IN" || r.Op == "NOT IN":
		list := r.List
		if r.Kind == filter.KindText {
			list = []string{r.Text}
		}
		return column + " " + r.Op + " " + c.bind("Array(String)", list), nil
	case r.Kind == filter.KindList:
		return "", invalid("Invalid comparator '%s' for a list of values; use IN or NOT IN", r.Op)
	case r.Op == "LIKE" || r.Op == "ILIKE":
		// MLflow's patterns have no escape.
		return column + " " + r.Op + " " + c.text(strings.ReplaceAll(r.Text, `\`, `\\`)), nil
	case r.Op == "RLIKE":
		// Go and ClickHouse have the same regular expressions, RE2's.
		if _, err := regexp.Compile(r.Text); err != nil {
			return "", invalid("Invalid regular expression '%s': %v", r.Text, err)
		}
		return "match(" + column + ", " + c.text(r.Text) + ")", nil
	}
	return column + " " + r.Op + " " + c.text(r.Text), nil
}
