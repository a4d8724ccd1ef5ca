package tracefilter_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/tracefilter"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestRefusedFilters(t *testing.T) {
	for text, want := range map[string]string{
		"foo = 'a'":                    "Invalid attribute key 'foo' specified",
		"bar.x = 'a'":                  "Invalid entity type 'bar'",
		"status > 'a'":                 "Invalid comparator '>' not one of",
		"timestamp_ms = 'a'":           "Expected a numeric value for attribute 'timestamp_ms'",
		"timestamp_ms LIKE 'a'":        "Invalid comparator 'LIKE'",
		"status = 5":                   "attributes support comparison with numeric values",
		"name = 5":                     "attributes support comparison with numeric values",
		"status = ('a', 'b')":          "use IN or NOT IN",
		"tags.a > 'x'":                 "Invalid comparator '>'",
		"tags.a = 5":                   "Expected a quoted string value for tag",
		"span.foo = 'x'":               "Invalid span attribute 'foo'",
		"span.content = 'x'":           "span.content comparator '=' not one of",
		"span.attributes.x > 'x'":      "span.attributes.x comparator '>' not one of",
		"span.name = 5":                "Expected a quoted string value for span",
		"feedback.q > 'x'":             "Expected a numeric value for feedback when using comparator '>'",
		"feedback.q = 5":               "Expected a quoted string value for feedback",
		"feedback.q IN ('x')":          "assessment.q comparator 'IN' not one of",
		"issue.name = 'x'":             "Invalid issue attribute 'name'",
		"issue.id != 'x'":              "issue.id comparator '!='",
		"prompt = 'x'":                 "Invalid prompts filter value 'x'",
		"prompt LIKE 'x/1'":            "Invalid comparator 'LIKE' for prompts filter",
		"name RLIKE '('":               "Invalid regular expression '('",
		"a b c":                        "Invalid clause(s) in filter string",
		"status = OK":                  "either not quoted",
		"status = 'OK'; status = 'OK'": "multiple expression",
	} {
		_, _, err := tracefilter.Where(text, "w", []uint32{1})
		if track.CodeOf(err) != track.InvalidParameterValue || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for _, clauses := range [][]string{{"foo"}, {"span.name"}, {"timestamp_ms", "timestamp DESC"}, {"status sideways"}, {"a b c"}} {
		if _, _, err := tracefilter.OrderBy(clauses, "o"); track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%v: %v", clauses, err)
		}
	}
}

// rig has three traces in experiment 91: a (OK), b (ERROR) and c (IN_PROGRESS).
func rig(t *testing.T) *clickhouse.Store {
	t.Helper()
	e := enginetest.Start(t)
	if err := table.Migrate(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	const columns = "(experiment, trace_id, client_request_id, state, request_ms, duration_ms, tags, metadata, runs, prompts, assessment_kinds, assessment_names, assessment_values, assessment_valid, document, deleted, revision)"
	for _, q := range []string{
		"TRUNCATE TABLE streamgauge.traces", "TRUNCATE TABLE streamgauge.spans",
		"INSERT INTO streamgauge.traces " + columns + ` VALUES
			(91, 'a', NULL, 'IN_PROGRESS', 1, NULL, map(), map(), [], [], [], [], [], [], base64Decode('CgMKAWE='), 0, 1),
			(91, 'a', 'r1', 'OK', 1000, 500, map('mlflow.traceName', 'alpha', 'k', 'it''s 100% \\d'), map('mlflow.trace.session', 's1', 'mlflow.trace.tokenUsage', '{"input_tokens": 3}'),
				['run1'], ['p/1'], ['feedback', 'feedback', 'expectation', 'issue'], ['q', 'old', 'right', 'leak'], ['0.7', '1', '"yes"', '"x"'], [1, 0, 1, 1], base64Decode('CgMKAWE='), 0, 2),
			(91, 'b', NULL, 'ERROR', 2000, 100, map('mlflow.traceName', 'beta'), map('mlflow.sourceRun', 'run2'), ['run2'], [], ['feedback'], ['q'], ['true'], [1], base64Decode('CgMKAWI='), 0, 1),
			(91, 'c', NULL, 'IN_PROGRESS', 3000, NULL, map(), map(), [], [], [], [], [], [], base64Decode('CgMKAWM='), 0, 1),
			(92, 'd', NULL, 'OK', 1, 1, map(), map(), [], [], [], [], [], [], base64Decode('CgMKAWQ='), 0, 1)`,
		`INSERT INTO streamgauge.spans (trace_id, span_id, parent_id, name, type, status, start_ns, end_ns, content, otlp, revision) VALUES
			('a', '1', '', 'root', 'CHAIN', 'OK', 1000000000, 1500000000, '{"attributes": {"unit": "\\"litre\\"", "n": "5"}}', '{}', 1),
			('a', '2', '1', 'tool', 'TOOL', 'ERROR', 1000000000, 1200000000, '{"attributes": {"mlflow.llm.model": "\\"gpt\\"", "mlflow.llm.cost": "{\\"total_cost\\": 0.5}"}}', '{}', 1),
			('b', '3', '', 'root', 'LLM', 'OK', 2000000000, 2100000000, '{}', '{}', 1)`,
	} {
		if err := e.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	s := clickhouse.New(clickhouse.Options{Addr: e.Addr, Options: ask.Options{HTTPAddr: e.HTTPAddr, User: e.User, Password: e.Password}})
	t.Cleanup(s.Close)
	return s
}

func search(t *testing.T, s *clickhouse.Store, text string, order ...string) string {
	t.Helper()
	where, params, err := tracefilter.Where(text, "w", []uint32{91})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	by, more, err := tracefilter.OrderBy(order, "o")
	if err != nil {
		t.Fatalf("%v: %v", order, err)
	}
	found, err := s.Traces(context.Background(), filter.Query{Text: "SELECT document FROM traces FINAL WHERE " + where + " ORDER BY " + by, Params: append(params, more...)})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var ids string
	for _, x := range found {
		ids += x.GetInfo().GetTraceId()
	}
	return ids
}

func TestFiltersFindTheirTraces(t *testing.T) {
	s := rig(t)
	for text, want := range map[string]string{
		"": "cba", "status = 'OK'": "a", "status != 'OK'": "cb", "trace.status IN ('OK', 'ERROR')": "ba", "status NOT IN ('OK')": "cb",
		"attributes.status ILIKE 'o%'": "a", "request_id = 'b'": "b", "client_request_id = 'r1'": "a", "client_request_id != 'r2'": "a",
		"timestamp > 1000": "cb", "timestamp_ms >= 1000 AND timestamp_ms < 2000.5": "ba", "execution_time < 200": "b", "end_time = 3000": "c",
		"name = 'alpha'": "a", "name != 'alpha'": "b", "name IN ('beta', 'gamma')": "b", "name RLIKE '^(al|be)'": "ba", "tags.`mlflow.traceName` LIKE 'b%'": "b",
		`tags.k LIKE '%100% \d'`: "a", `tags.k = "it's 100% \d"`: "a", "tags.k IS NULL": "cb", "tags.k IS NOT NULL": "a",
		"metadata.mlflow.trace.session = 's1'": "a", "request_metadata.`mlflow.trace.session` IS NULL": "cb",
		"run_id = 'run1'": "a", "run_id = 'run2'": "b", "run_id LIKE 'run%'": "b", "prompt = 'p/1'": "a",
		"span.name = 'root'": "ba", "span.name = 'root' AND span.type = 'TOOL'": "", "span.name = 'tool' AND span.type = 'TOOL'": "a",
		"span.status IN ('ERROR')": "a", "span.attributes.unit LIKE '%litre%'": "a", "span.attributes.unit = 'litre'": "a", "span.attributes.n = '5'": "a",
		"span.attributes.unit RLIKE '^li'": "a", "span.attributes.unit RLIKE 'tre$'": "a", "span.attributes.unit RLIKE '^tre'": "",
		"trace.text ILIKE '%LITRE%'": "a", "span.content LIKE '%gpt%'": "a",
		"feedback.q > 0.5": "a", "feedback.q >= 0.7": "a", "feedback.q < 1": "a", "feedback.q = 'true'": "b", "feedback.q != 'true'": "a",
		"feedback.old = '1'": "", "expectation.right = 'yes'": "a", "expectation.right LIKE '%ye%'": "a", "feedback.q IS NULL": "c",
		"feedback.q IS NOT NULL": "ba", "issue.id = 'leak'": "a",
	} {
		if got := search(t, s, text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsMissingComesLast(t *testing.T) {
	s := rig(t)
	for order, want := range map[string]string{
		"timestamp_ms": "abc", "timestamp_ms DESC": "cba", "execution_time": "bac", "execution_time DESC": "abc", "end_time DESC": "cba",
		"name": "abc", "name DESC": "bac", "status": "bca", "request_id DESC": "cba", "tags.k": "acb", "run_id": "bca", "experiment_id": "cba",
		"metadata.`mlflow.trace.session`": "acb",
	} {
		if got := search(t, s, "", order); got != want {
			t.Errorf("by %s: %q, want %q", order, got, want)
		}
	}
	if got := search(t, s, "", "status DESC", "timestamp_ms"); got != "acb" {
		t.Errorf("by two: %q", got)
	}
}

func TestAggregates(t *testing.T) {
	s := rig(t)
	count := []tracefilter.Aggregation{{Type: "COUNT"}}
	for name, c := range map[string]struct {
		metric tracefilter.Metric
		want   []clickhouse.Aggregate
	}{
		"traces": {tracefilter.Metric{View: "TRACES", Name: "trace_count", Aggregations: count}, []clickhouse.Aggregate{{Values: []float64{3}}}},
		"in time": {tracefilter.Metric{View: "TRACES", Name: "trace_count", Aggregations: count, IntervalSeconds: 2}, []clickhouse.Aggregate{
			{Dimensions: []string{"0"}, Values: []float64{1}}, {Dimensions: []string{"2000"}, Values: []float64{2}},
		}},
		"from a time": {tracefilter.Metric{View: "TRACES", Name: "trace_count", Aggregations: count, FromMS: 2000}, []clickhouse.Aggregate{{Values: []float64{2}}}},
		"by name": {tracefilter.Metric{View: "TRACES", Name: "latency", Dimensions: []string{"trace_name"}, Aggregations: []tracefilter.Aggregation{
			{Type: "MAX"}, {Type: "PERCENTILE", Percentile: 50},
		}}, []clickhouse.Aggregate{{Dimensions: []string{"alpha"}, Values: []float64{500, 500}}, {Dimensions: []string{"beta"}, Values: []float64{100, 100}}}},
		"a percentile between": {tracefilter.Metric{View: "TRACES", Name: "latency", Aggregations: []tracefilter.Aggregation{{Type: "PERCENTILE", Percentile: 25}}}, []clickhouse.Aggregate{{Values: []float64{200}}}},
		"tokens":               {tracefilter.Metric{View: "TRACES", Name: "input_tokens", Aggregations: []tracefilter.Aggregation{{Type: "SUM"}}}, []clickhouse.Aggregate{{Values: []float64{3}}}},
		"sessions":             {tracefilter.Metric{View: "TRACES", Name: "session_count", Aggregations: count}, []clickhouse.Aggregate{{Values: []float64{1}}}},
		"of a run":             {tracefilter.Metric{View: "TRACES", Name: "trace_count", Aggregations: count, Filters: []string{"trace.metadata.`mlflow.sourceRun` = 'run1'"}}, []clickhouse.Aggregate{{Values: []float64{1}}}},
		"of a status":          {tracefilter.Metric{View: "TRACES", Name: "trace_count", Aggregations: count, Filters: []string{"trace.status = 'OK'", "trace.tag.k = 'no'"}}, []clickhouse.Aggregate{{Values: []float64{0}}}},
		"spans": {tracefilter.Metric{View: "SPANS", Name: "span_count", Aggregations: count, Dimensions: []string{"span_name"}, Filters: []string{"span.status = 'OK'"}}, []clickhouse.Aggregate{
			{Dimensions: []string{"root"}, Values: []float64{2}},
		}},
		"costs": {tracefilter.Metric{View: "SPANS", Name: "total_cost", Aggregations: []tracefilter.Aggregation{{Type: "SUM"}}, Dimensions: []string{"span_model_name"}}, []clickhouse.Aggregate{
			{Dimensions: []string{"gpt"}, Values: []float64{0.5}},
		}},
		"assessments": {tracefilter.Metric{View: "ASSESSMENTS", Name: "assessment_value", Aggregations: []tracefilter.Aggregation{{Type: "AVG"}}, Dimensions: []string{"assessment_name"}, Filters: []string{"assessment.type = 'feedback'"}}, []clickhouse.Aggregate{
			{Dimensions: []string{"q"}, Values: []float64{0.85}},
		}},
	} {
		m := c.metric
		m.Experiments, m.ToMS, m.Limit = []uint32{91}, 1<<60, 10
		q, err := tracefilter.Aggregate(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := s.Aggregates(t.Context(), q)
		same := slices.EqualFunc(got, c.want, func(a, b clickhouse.Aggregate) bool {
			return slices.Equal(a.Dimensions, b.Dimensions) && slices.Equal(a.Values, b.Values)
		})
		if err != nil || !same {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestRefusedAggregates(t *testing.T) {
	count := []tracefilter.Aggregation{{Type: "COUNT"}}
	for want, m := range map[string]tracefilter.Metric{
		"view_type must be one of":                        {View: "RUNS", Name: "trace_count", Aggregations: count},
		"metric_name must be one of":                      {View: "TRACES", Name: "span_count", Aggregations: count},
		"Found invalid aggregation_type(s)":               {View: "TRACES", Name: "latency", Aggregations: count},
		"Found invalid dimension(s)":                      {View: "TRACES", Name: "trace_count", Aggregations: count, Dimensions: []string{"x"}},
		"Filtering by span is only":                       {View: "TRACES", Name: "trace_count", Aggregations: count, Filters: []string{"span.name = 'x'"}},
		"Filtering by assessment is only":                 {View: "SPANS", Name: "span_count", Aggregations: count, Filters: []string{"assessment.name = 'x'"}},
		"Filtering by tag requires a key":                 {View: "TRACES", Name: "trace_count", Aggregations: count, Filters: []string{"trace.tag = 'x'"}},
		"Invalid entity 'foo'":                            {View: "TRACES", Name: "trace_count", Aggregations: count, Filters: []string{"trace.foo = 'x'"}},
		"only '=' with a quoted string":                   {View: "TRACES", Name: "trace_count", Aggregations: count, Filters: []string{"trace.status != 'x'"}},
		"Expected one filter clause":                      {View: "TRACES", Name: "trace_count", Aggregations: count, Filters: []string{"trace.status = 'x' AND trace.status = 'y'"}},
		"time_interval_seconds must be positive, got -60": {View: "TRACES", Name: "trace_count", Aggregations: count, IntervalSeconds: -60},
	} {
		if _, err := tracefilter.Aggregate(m); track.CodeOf(err) != track.InvalidParameterValue || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
