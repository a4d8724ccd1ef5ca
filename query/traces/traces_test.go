package traces_test

import (
	"context"
	"io"
	"math"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/traces"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// store has the traces "whole", of two spans, "part", of which one of two is there, and "far", whose spans are a file.
type store struct {
	aggregates []clickhouse.Aggregate
	asked      string
}

func trace(id string, tags map[string]string) *sgpb.Trace {
	return &sgpb.Trace{Info: &sgpb.TraceInfo{
		TraceId: id, Tags: tags, TraceMetadata: map[string]string{"mlflow.trace.sizeStats": `{"num_spans": 2}`},
		TraceLocation: &sgpb.TraceLocation{MlflowExperiment: &sgpb.TraceExperiment{ExperimentId: "1"}},
		Assessments:   []*sgpb.Assessment{{AssessmentId: "a-1", AssessmentName: "q"}},
	}}
}

var here = map[string]string{"mlflow.trace.spansLocation": "TRACKING_STORE", "mlflow.artifactLocation": "at"}

var all = map[string]*sgpb.Trace{
	"whole": trace("whole", here), "part": trace("part", here), "far": trace("far", map[string]string{"mlflow.artifactLocation": "at"}),
}

func (s *store) Traces(_ context.Context, q filter.Query) ([]*sgpb.Trace, error) {
	s.asked = q.Text
	return []*sgpb.Trace{all["whole"], all["part"]}, nil
}

func (s *store) TracesByID(_ context.Context, ids []string) (out []*sgpb.Trace, _ error) {
	for id, t := range all {
		for _, want := range ids {
			if id == want {
				out = append(out, t)
			}
		}
	}
	return out, nil
}

func (s *store) Spans(_ context.Context, ids []string, stored bool) (map[string][]string, error) {
	first := `{"n":1}`
	if stored {
		first = `{"s":1}`
	}
	return map[string][]string{"whole": {first, `{"n":2}`}, "part": {first}}, nil
}

func (s *store) Aggregates(_ context.Context, q filter.Query) ([]clickhouse.Aggregate, error) {
	s.asked = q.Text
	return s.aggregates, nil
}

// ask answers status and body.
func ask(t *testing.T, s *store, method, target, body string) (int, string) {
	t.Helper()
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, b, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(b)
	}})
	traces.New(s, func(c *fiber.Ctx, location, path string) error { return c.SendString(location + " " + path) }).Routes(app)
	resp, err := app.Test(httptest.NewRequest(method, target, strings.NewReader(body)), -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const v3 = "/api/3.0/mlflow/traces"

func TestReads(t *testing.T) {
	info := func(id string) string { return `"trace_info":{"trace_id":"` + id + `"` }
	for _, c := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"GET", v3 + "/whole", "", 200, `{"trace":{` + info("whole")},
		{"GET", v3 + "/none", "", 404, `Trace with ID 'none' not found.`},
		{"GET", v3 + "/get?trace_id=whole", "", 200, `"spans":[{"n":1},{"n":2}]}}`},
		{"GET", v3 + "/get?trace_id=part&allow_partial=true", "", 200, `"spans":[{"n":1}]}}`},
		{"GET", v3 + "/get?trace_id=far", "", 400, `Trace data not stored in tracking store`},
		{"GET", v3 + "/get?trace_id=none", "", 404, `Trace with ID none is not found.`},
		{"GET", v3 + "/get", "", 400, `Missing value for required parameter 'trace_id'`},
		{"GET", v3 + "/batchGet?trace_ids=part&trace_ids=whole&trace_ids=none", "", 200, `{"traces":[{` + info("whole")},
		{"GET", v3 + "/batchGet?trace_ids=whole&experiment_ids=2", "", 200, `{}`},
		{"GET", v3 + "/batchGet", "", 400, `Missing value for required parameter 'trace_ids'`},
		{"POST", v3 + "/batchGetInfos", `{"trace_ids":["part","whole"]}`, 200, `{"trace_infos":[{"trace_id":"part"`},
		{"POST", v3 + "/batchGetInfos", `{"trace_ids":["` + strings.Repeat(`x","`, 1001) + `"]}`, 400, `at most 1000 are allowed`},
		{"GET", v3 + "/whole/assessments/a-1", "", 200, `{"assessment":{"assessment_id":"a-1"`},
		{"GET", v3 + "/whole/assessments/a-2", "", 404, `Assessment with ID 'a-2' not found for trace 'whole'`},
		{"GET", v3 + "/none/assessments/a-1", "", 404, `Trace with request_id 'none' not found`},
		{"GET", "/api/2.0/mlflow/traces/whole/info", "", 200, `{"trace_info":{"request_id":"whole"`},
		{"GET", "/ajax-api/2.0/mlflow/get-trace-artifact?request_id=whole", "", 200, `{"spans":[{"s":1},{"n":2}]}`},
		{"GET", "/ajax-api/3.0/mlflow/get-trace-artifact?request_id=far", "", 200, `at traces.json`},
		{"GET", "/ajax-api/2.0/mlflow/get-trace-artifact?request_id=whole&path=p", "", 200, `at attachments/p`},
		{"GET", "/ajax-api/2.0/mlflow/get-trace-artifact", "", 400, `request_id`},
	} {
		if status, got := ask(t, &store{}, c.method, c.target, c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.target, status, got, c.status, c.want)
		}
	}
}

func TestSearchesArePaged(t *testing.T) {
	const locations = `"locations":[{"mlflow_experiment":{"experiment_id":"1"}},{"inference_table":{}}]`
	s := new(store)
	status, got := ask(t, s, "POST", v3+"/search", `{`+locations+`,"max_results":2,"page_token":"eyJvZmZzZXQiOiA0fQ=="}`)
	if status != 200 || !strings.HasSuffix(got, `"next_page_token":"eyJvZmZzZXQiOiA2fQ=="}`) || !strings.HasSuffix(s.asked, "LIMIT 2 OFFSET 4") {
		t.Errorf("%d %s\n%s", status, got, s.asked)
	}
	if _, got = ask(t, s, "POST", v3+"/search", `{`+locations+`}`); strings.Contains(got, "next_page_token") {
		t.Errorf("the last page has a token: %s", got)
	}
	if status, got = ask(t, s, "GET", "/api/2.0/mlflow/traces?experiment_ids=1&filter="+url.QueryEscape("status = 'OK'"), ""); status != 200 || !strings.HasPrefix(got, `{"traces":[{"request_id":"whole"`) {
		t.Errorf("%d %s", status, got)
	}
	for body, want := range map[string]string{
		`{}`:                                                          "'locations'",
		`{"locations":[]}`:                                            "'locations'",
		`{` + locations + `,"max_results":501}`:                       "'max_results'",
		`{` + locations + `,"max_results":0}`:                         "positive integer",
		`{` + locations + `,"page_token":"?"}`:                        "base64",
		`{` + locations + `,"page_token":"e30="}`:                     "parsing failed",
		`{` + locations + `,"filter":"x"}`:                            "Invalid clause",
		`{` + locations + `,"order_by":["x"]}`:                        "Invalid attribute key 'x'",
		`{"locations":[{"mlflow_experiment":{"experiment_id":"x"}}]}`: "Invalid experiment ID 'x'",
	} {
		if status, got := ask(t, s, "POST", v3+"/search", body); status != 400 || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s, want %s", body, status, got, want)
		}
	}
}

func TestCorrelation(t *testing.T) {
	const body = `{"experiment_ids":["1"],"filter_string1":"status = 'OK'","filter_string2":"status = 'ERROR'"}`
	for name, c := range map[string]struct {
		counts []float64
		want   string
	}{
		"never together":  {[]float64{5, 5, 0, 10}, `"npmi":-1,`},
		"always together": {[]float64{10, 10, 10, 10}, `"npmi":1,"npmi_smoothed":1,`},
		"unknown":         {[]float64{0, 4, 0, 10}, `{"filter1_count":0,`},
	} {
		if status, got := ask(t, &store{aggregates: []clickhouse.Aggregate{{Values: c.counts}}}, "POST", v3+"/calculate-filter-correlation", body); status != 200 || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s, want %s", name, status, got, c.want)
		}
	}
	if status, _ := ask(t, &store{}, "POST", v3+"/calculate-filter-correlation", `{"experiment_ids":["1"]}`); status != 400 {
		t.Errorf("without filters: %d", status)
	}
}

func TestAggregatesAreNamed(t *testing.T) {
	s := &store{aggregates: []clickhouse.Aggregate{
		{Dimensions: []string{"3600000", "OK"}, Values: []float64{1.5, math.NaN()}}, {Dimensions: []string{"0", "OK"}, Values: []float64{math.NaN(), math.NaN()}},
	}}
	const body = `{"experiment_ids":["1"],"view_type":"TRACES","metric_name":"latency","time_interval_seconds":3600,"dimensions":["trace_name"],
		"aggregations":[{"aggregation_type":"PERCENTILE","percentile_value":99.9},{"aggregation_type":"AVG"}]}`
	const want = `{"data_points":[{"metric_name":"latency","dimensions":{"time_bucket":"1970-01-01T01:00:00+00:00","trace_name":"OK"},"values":{"P99.9":1.5}}]}`
	if status, got := ask(t, s, "POST", v3+"/metrics", body); status != 200 || got != want {
		t.Errorf("%d %s\nwant %s", status, got, want)
	}
	for _, body := range []string{
		`{}`, `{"experiment_ids":["1"],"view_type":"TRACES","metric_name":"trace_count","aggregations":[]}`,
		`{"experiment_ids":["1"],"view_type":"TRACES","metric_name":"latency","aggregations":[{"aggregation_type":"PERCENTILE","percentile_value":101}]}`,
		`{"experiment_ids":["1"],"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}],"max_results":10001}`,
	} {
		if status, got := ask(t, s, "POST", v3+"/metrics", body); status != 400 {
			t.Errorf("%s: %d %s", body, status, got)
		}
	}
	for _, name := range []string{"dimensions", "filters"} {
		body := `{"experiment_ids":["1"],"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}],
			"` + name + `":["x"` + strings.Repeat(`,"x"`, 20) + `]}`
		if status, got := ask(t, s, "POST", v3+"/metrics", body); status != 400 || !strings.Contains(got, "INVALID_PARAMETER_VALUE") || !strings.Contains(got, name+" has 21 items") {
			t.Errorf("21 %s: %d %s", name, status, got)
		}
	}
}
