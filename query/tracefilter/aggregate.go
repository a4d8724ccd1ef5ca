package tracefilter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/query/filter"
)

// Metric is a request for aggregates.
type Metric struct {
	// View is TRACES, SPANS or ASSESSMENTS.
	View, Name      string
	Experiments     []uint32
	Aggregations    []Aggregation
	Dimensions      []string
	Filters         []string
	IntervalSeconds int64
	// FromMS and ToMS bound the start of the trace, both included.
	FromMS, ToMS int64
	Limit        int64
}

// Aggregation is COUNT, SUM, AVG, MIN, MAX or PERCENTILE, the last with a value of 0 to 100.
type Aggregation struct {
	Type       string
	Percentile float64
}

// measure is one metric of a view: what is aggregated, how, and by what it can be grouped.
type measure struct {
	name string
	// value is Nullable(Float64), or what is counted.
	value        string
	aggregations []string
	dimensions   []string
}

// view is a set of rows; from has one row for each thing that is measured and the columns that its dimensions and the
// filters name.
type view struct {
	from, time string
	measures   []measure
	dimensions map[string]string
}

var (
	onlyCount = []string{"COUNT"}
	spreads   = []string{"AVG", "MAX", "MIN", "PERCENTILE"}
	sums      = []string{"AVG", "MAX", "MIN", "PERCENTILE", "SUM"}
)

// spanText is an attribute of a span that is a text, NULL if there is none.
func spanText(name string) string {
	raw := "JSONExtractString(content, 'attributes', '" + name + "')"
	return "nullIf(if(startsWith(" + raw + ", '\"'), JSONExtractString(" + raw + "), " + raw + "), '')"
}

func tokens(name string) measure {
	return measure{name, "JSONExtract(metadata['mlflow.trace.tokenUsage'], '" + name + "', 'Nullable(Float64)')", sums, []string{"trace_name"}}
}

func cost(name string) measure {
	value := "JSONExtract(JSONExtractString(content, 'attributes', 'mlflow.llm.cost'), '" + name + "', 'Nullable(Float64)')"
	return measure{name, value, sums, []string{"span_model_name", "span_model_provider"}}
}

// assessed is the number that an assessment is for: yes and true are 1.
const assessed = `multiIf(lower(v) IN ('true', '"yes"'), 1, lower(v) IN ('false', '"no"'), 0, toFloat64OrNull(v))`

var views = map[string]view{
	"TRACES": {
		from: "(SELECT * FROM traces FINAL WHERE {where})", time: "request_ms",
		measures: []measure{
			{"trace_count", "1", onlyCount, []string{"trace_name", "trace_status"}},
			{"session_count", "nullIf(metadata['mlflow.trace.session'], '')", onlyCount, nil},
			{"latency", "duration_ms", spreads, []string{"trace_name"}},
			tokens("input_tokens"), tokens("output_tokens"), tokens("total_tokens"),
			tokens("cache_read_input_tokens"), tokens("cache_creation_input_tokens"),
		},
		dimensions: map[string]string{"trace_name": "nullIf(tags['mlflow.traceName'], '')", "trace_status": "state"},
	},
	"SPANS": {
		from: "(SELECT s.* FROM (SELECT * FROM spans FINAL WHERE trace_id IN (SELECT trace_id FROM traces FINAL WHERE {where})) AS s)",
		time: "intDiv(start_ns, 1000000)",
		measures: []measure{
			{"span_count", "1", onlyCount, []string{"span_model_name", "span_model_provider", "span_name", "span_status", "span_type"}},
			{"latency", "intDiv(end_ns - start_ns, 1000000)", spreads, []string{"span_name", "span_status"}},
			cost("input_cost"), cost("output_cost"), cost("total_cost"),
		},
		dimensions: map[string]string{
			"span_name": "name", "span_type": "type", "span_status": "status",
			"span_model_name": spanText("mlflow.llm.model"), "span_model_provider": spanText("mlflow.llm.provider"),
		},
	},
	"ASSESSMENTS": {
		from: "(SELECT request_ms, k, n, v FROM traces FINAL ARRAY JOIN assessment_kinds AS k, assessment_names AS n, assessment_values AS v, assessment_valid AS ok WHERE {where} AND ok = 1)",
		time: "request_ms",
		measures: []measure{
			{"assessment_count", "1", onlyCount, []string{"assessment_name", "assessment_value"}},
			{"assessment_value", assessed, spreads, []string{"assessment_name"}},
		},
		dimensions: map[string]string{"assessment_name": "n", "assessment_value": "v"},
	},
}

// Aggregate compiles a request for aggregates into a statement that gives arrays dimensions and aggregates.
func Aggregate(m Metric) (filter.Query, error) {
	v, ok := views[m.View]
	if !ok {
		return filter.Query{}, invalid("view_type must be one of ['TRACES', 'SPANS', 'ASSESSMENTS'], got '%s'", m.View)
	}
	of, err := v.judge(m)
	if err != nil {
		return filter.Query{}, err
	}
	c := &compiler{prefix: "m"}
	c.add("experiment IN " + c.bind("Array(UInt32)", m.Experiments))
	c.add("request_ms BETWEEN " + c.bind("Int64", m.FromMS) + " AND " + c.bind("Int64", m.ToMS))
	var own []string
	for _, text := range m.Filters {
		if err := c.metricFilter(m.View, text, &own); err != nil {
			return filter.Query{}, err
		}
	}
	groups := v.groups(m)
	conditions := []string{"1"}
	for _, g := range append(groups, of.value) {
		// An unnamed group is left out, and so is what has no value.
		conditions = append(conditions, "isNotNull("+g+")")
	}
	if of.name == "session_count" {
		conditions = conditions[:1]
	}
	conditions = append(conditions, own...)
	text := "SELECT [" + strings.Join(shown(groups), ", ") + "]::Array(String) AS dimensions, [" + strings.Join(of.aggregates(m), ", ") +
		"]::Array(Float64) AS aggregates FROM " + strings.Replace(v.from, "{where}", strings.Join(c.conditions, " AND "), 1) +
		" WHERE " + strings.Join(conditions, " AND ")
	if len(groups) > 0 {
		text += " GROUP BY " + strings.Join(groups, ", ") + " ORDER BY " + strings.Join(groups, ", ")
	}
	return filter.Query{Text: text + " LIMIT " + strconv.FormatInt(m.Limit, 10), Params: c.params}, nil
}

// judge finds what is measured, or refuses it in MLflow's words.
func (v view) judge(m Metric) (measure, error) {
	i := slices.IndexFunc(v.measures, func(x measure) bool { return x.name == m.Name })
	if i < 0 {
		var names []string
		for _, x := range v.measures {
			names = append(names, x.name)
		}
		return measure{}, invalid("metric_name must be one of ['%s'], got '%s'", strings.Join(names, "', '"), m.Name)
	}
	of := v.measures[i]
	var wrong []string
	for _, a := range m.Aggregations {
		if !slices.Contains(of.aggregations, a.Type) {
			wrong = append(wrong, a.Type)
		}
	}
	if len(wrong) > 0 {
		return of, invalid("Found invalid aggregation_type(s): [%s]. Supported aggregation types: [%s]", quotedList(wrong), quotedList(of.aggregations))
	}
	for _, d := range m.Dimensions {
		if !slices.Contains(of.dimensions, d) {
			return of, invalid("Found invalid dimension(s): ['%s']. Supported dimensions: [%s]", d, quotedList(of.dimensions))
		}
	}
	if m.IntervalSeconds < 0 {
		return of, invalid("time_interval_seconds must be positive, got %d", m.IntervalSeconds)
	}
	return of, nil
}

// groups are the expressions that rows are grouped by.
func (v view) groups(m Metric) []string {
	var out []string
	if m.IntervalSeconds > 0 {
		const millisecondsPerSecond = 1000
		size := strconv.FormatInt(m.IntervalSeconds*millisecondsPerSecond, 10)
		out = append(out, "toInt64(floor("+v.time+" / "+size+") * "+size+")")
	}
	for _, d := range m.Dimensions {
		out = append(out, v.dimensions[d])
	}
	return out
}

// shown makes texts of groups, none of which is NULL.
func shown(groups []string) []string {
	out := make([]string, len(groups))
	for i, g := range groups {
		out[i] = "assumeNotNull(toString(" + g + "))"
	}
	return out
}

// aggregates are of Float64, NaN where there is nothing to aggregate.
func (of measure) aggregates(m Metric) []string {
	functions := map[string]string{"SUM": "sum", "AVG": "avg", "MIN": "min", "MAX": "max"}
	out := make([]string, len(m.Aggregations))
	for i, a := range m.Aggregations {
		x := "toFloat64(" + of.value + ")"
		switch {
		case of.name == "session_count":
			out[i] = "toFloat64(uniqExact(" + of.value + "))"
		case a.Type == "COUNT":
			out[i] = "toFloat64(count(" + of.value + "))"
		case a.Type == "PERCENTILE":
			const percent = 100
			level := strconv.FormatFloat(a.Percentile/percent, 'f', -1, 64)
			out[i] = "ifNull(quantileExactInclusive(" + level + ")(" + x + "), nan)"
		default:
			out[i] = "ifNull(" + functions[a.Type] + "(" + x + "), nan)"
		}
	}
	return out
}

// metricFilter compiles one filter: trace.status, trace.tag.k, trace.metadata.k, span.name, assessment.name and so on,
// each compared by =. Those of spans and assessments go to own, for they are about rows of the view.
func (c *compiler) metricFilter(view, text string, own *[]string) error {
	clauses, err := filter.ParseRaw(text)
	if err != nil {
		return err
	}
	if len(clauses) != 1 {
		return invalid("Invalid filter: '%s'. Expected one filter clause.", text)
	}
	r := clauses[0]
	if r.Op != "=" || r.Kind != filter.KindText {
		return invalid("Invalid comparator '%s' in '%s'; only '=' with a quoted string is supported", r.Op, text)
	}
	entity, key, _ := strings.Cut(r.Key, ".")
	key = strings.Trim(key, "`\"'")
	switch r.Entity + "." + entity {
	case "trace.status":
		c.add("state = " + c.text(r.Text))
	case "trace.tag", "trace.metadata":
		if key == "" {
			return invalid("Filtering by %s requires a key, e.g. 'trace.%s.<key> = <value>'", entity, entity)
		}
		if entity == "metadata" && key == sourceRunField {
			c.add("has(runs, " + c.text(r.Text) + ")")
			return nil
		}
		column := map[string]string{"tag": "tags", "metadata": "metadata"}[entity]
		c.add(column + "[" + c.text(key) + "] = " + c.text(r.Text))
	case "span.name", "span.status", "span.type":
		if view != "SPANS" {
			return invalid("Filtering by span is only supported for SPANS view type, got %s", view)
		}
		*own = append(*own, entity+" = "+c.text(r.Text))
	case "assessment.name", "assessment.type":
		if view != "ASSESSMENTS" {
			return invalid("Filtering by assessment is only supported for ASSESSMENTS view type, got %s", view)
		}
		*own = append(*own, map[string]string{"name": "n", "type": "k"}[entity]+" = "+c.text(r.Text))
	default:
		return invalid("Invalid entity '%s' specified for view type '%s'.", entity, r.Entity)
	}
	return nil
}
