package trace_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/trace"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// store remembers nothing: the writer does.
type store struct {
	selected write.Selection
	// gate holds writes up, nil for none.
	gate chan struct{}
}

func (*store) Load(context.Context, []string) (map[string]write.Stored, error) { return nil, nil }
func (*store) Delete(context.Context, []string) error                          { return nil }
func (s *store) Write(context.Context, *write.Lot) error {
	if s.gate != nil {
		<-s.gate
	}
	return nil
}
func (s *store) Select(_ context.Context, sel write.Selection) ([]string, error) {
	s.selected = sel
	return sel.IDs, nil
}

// experiments are 1, and 2, which is deleted.
type experiments struct{}

func (experiments) Experiment(_ context.Context, id string) (*sgpb.Experiment, error) {
	switch id {
	case "1":
		return &sgpb.Experiment{Id: "1", ArtifactLocation: "mlflow-artifacts:/1"}, nil
	case "2":
		return &sgpb.Experiment{Id: "2", Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED}, nil
	}
	return nil, track.Errorf(track.ResourceDoesNotExist, "No Experiment with id=%s exists", id)
}

type server struct {
	app   *fiber.App
	store *store
	full  error
}

func open(t *testing.T) *server {
	t.Helper()
	s := &server{store: new(store)}
	const above = 64 << 20
	s.app = fiber.New(fiber.Config{BodyLimit: above, ErrorHandler: func(c *fiber.Ctx, err error) error {
		var fe *fiber.Error
		if errors.As(err, &fe) {
			return c.Status(fe.Code).SendString(fe.Message)
		}
		status, b, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(b)
	}})
	w := write.New(s.store, time.Now)
	t.Cleanup(w.Close)
	trace.NewEdge(w, experiments{}, func() error { return s.full }).Routes(s.app)
	return s
}

func (s *server) ask(t *testing.T, method, target, body string, headers ...string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const (
	v2 = "/api/2.0/mlflow/traces"
	v3 = "/ajax-api/3.0/mlflow/traces"
)

func begin(id, experiment string) string {
	return `{"trace":{"trace_info":{"trace_id":"` + id + `","state":"OK","trace_location":{"mlflow_experiment":{"experiment_id":"` + experiment + `"}}}}}`
}

func TestRequests(t *testing.T) {
	s := open(t)
	const feedback = `{"assessment":{"assessment_id":"a-1","assessment_name":"q","feedback":{"value":1}}}`
	long := strings.Repeat("x", 251)
	for _, c := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"POST", v3, begin("tr-1", "1"), 200, `{"trace":{"trace_info":{"trace_id":"tr-1","trace_location":{"type":"MLFLOW_EXPERIMENT",`},
		{"POST", v3, begin("tr-1", "2"), 400, `must be in the 'active' state. Current state is deleted.`},
		{"POST", v3, begin("tr-1", "9"), 404, `No Experiment with id=9 exists`},
		{"POST", v3, begin("", "1"), 400, `trace.trace_info.trace_id`},
		{"POST", v3, begin(long, "1"), 400, `exceeds the maximum length of 250`},
		{"POST", v3, `{}`, 400, `Missing value for required parameter 'trace'`},
		{"POST", v3, `{"trace":{}}`, 400, `'trace.trace_info'`},
		{"POST", v3, `{"trace":{"trace_info":{"request_time":5}}}`, 400, `'trace.trace_info'`},
		{"POST", v3, `[`, 400, `not a JSON object`},
		{"PATCH", v3 + "/tr-1/tags", `{"key":"a","value":"b"}`, 200, `{}`},
		{"PATCH", v3 + "/tr-1/tags", `{"key":"a//b","value":"b"}`, 400, `must not resolve to other names`},
		{"PATCH", v3 + "/tr-1/tags", `{"value":"b"}`, 400, `'key'`},
		{"PATCH", v3 + "/tr-1/tags", `{"key":"mlflow.trace.spansLocation"}`, 400, `is immutable and cannot be set on a trace.`},
		{"PATCH", v2 + "/none/tags", `{"key":"a"}`, 404, `Trace with ID 'none' not found.`},
		{"PATCH", v3 + "/%ff/tags", `{"key":"a"}`, 400, `'trace_id' supplied: it is not UTF-8`},
		{"DELETE", v2 + "/tr-1/tags?key=%ff", ``, 400, `'key' supplied: it is not UTF-8`},
		{"DELETE", v2 + "/tr-1/tags", `{"key":"a"}`, 200, `{}`},
		{"DELETE", v2 + "/tr-1/tags?key=a", ``, 404, `No trace tag with key 'a'`},
		{"DELETE", v2 + "/tr-1/tags", `{}`, 400, `'key'`},
		{"DELETE", v2 + "/tr-1/tags", `{"key":"mlflow.trace.spansLocation"}`, 400, `cannot be deleted`},
		{"POST", v3 + "/tr-1/assessments", feedback, 200, `{"assessment":{"assessment_id":"a-1","assessment_name":"q","trace_id":"tr-1",`},
		{"POST", v3 + "/tr-1/assessments", `{}`, 400, `'assessment'`},
		{"POST", v3 + "/tr-1/assessments", `{"assessment":{}}`, 400, `Unknown assessment type: None`},
		{"POST", v3 + "/none/assessments", feedback, 404, `Trace with ID 'none' not found.`},
		{"PATCH", v3 + "/tr-1/assessments/a-1", `{"assessment":{"assessment_name":"p","rationale":"r"},"update_mask":"assessmentName,rationale"}`, 200, `"assessment_name":"p"`},
		{"PATCH", v3 + "/tr-1/assessments/a-1", `{"assessment":{"assessment_name":"o"},"update_mask":{"paths":["assessment_name"]}}`, 200, `"assessment_name":"o"`},
		{"PATCH", v3 + "/tr-1/assessments/a-1", `{"assessment":{}}`, 400, `'update_mask'`},
		{"DELETE", v3 + "/tr-1/assessments/a-1", ``, 200, `{}`},
		{"DELETE", v3 + "/tr-1/assessments/a-1", ``, 200, `{}`},
		{"POST", v2 + "/link-to-run", `{"trace_ids":["tr-1","none"],"run_id":"r"}`, 200, `{}`},
		{"POST", v2 + "/link-to-run", `{"run_id":"r"}`, 400, `'trace_ids'`},
		{"POST", v2 + "/link-to-run", `{"run_id":"r","trace_ids":["` + strings.Repeat(`x","`, 100) + `"]}`, 400, `more than 100 traces`},
		{"POST", v2 + "/link-prompts", `{"trace_id":"tr-1","prompt_versions":[{"name":"p","version":1}]}`, 200, `{}`},
		{"POST", v2 + "/link-prompts", `{"trace_id":"tr-1"}`, 400, `'prompt_versions'`},
		{"POST", v3 + "/delete-traces", `{"experiment_id":"1"}`, 400, "Either `max_timestamp_millis` or `trace_ids`"},
		{"POST", v3 + "/delete-traces", `{"experiment_id":"1","request_ids":["a"],"max_timestamp_millis":1}`, 400, "Only one of"},
		{"POST", v3 + "/delete-traces", `{"experiment_id":"1","request_ids":["a"],"max_traces":1}`, 400, "`max_traces` can't be specified"},
		{"POST", v3 + "/delete-traces", `{"experiment_id":"1","max_timestamp_millis":1,"max_traces":0}`, 400, "must be a positive integer, received 0"},
		{"POST", v3 + "/delete-traces", `{"experiment_id":"x","request_ids":["a"]}`, 400, "Invalid experiment ID 'x'"},
		{"POST", v3 + "/delete-traces", `{"experiment_id":"1","request_ids":["a","b"]}`, 200, `{"traces_deleted":2}`},
		{"POST", v2, `{"experiment_id":"1","timestamp_ms":1000,"tags":[{"key":"k","value":"v"}]}`, 200, `"timestamp_ms":1000,"execution_time_ms":0,"status":"IN_PROGRESS"`},
		{"POST", v2, `{"experiment_id":"2"}`, 400, `'active' state`},
		{"PATCH", v2 + "/tr-1", `{"timestamp_ms":2000,"status":"ERROR"}`, 200, `"status":"ERROR"`},
		{"PATCH", v2 + "/none", `{"timestamp_ms":2000,"status":"OK"}`, 404, `Trace with ID 'none' not found.`},
	} {
		if status, got := s.ask(t, c.method, c.target, c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %s %.80s: %d %s, want %d %s", c.method, c.target, c.body, status, got, c.status, c.want)
		}
	}
	if n := len(s.store.selected.IDs); n != 2 || s.store.selected.Experiment != 1 {
		t.Errorf("selected %+v", s.store.selected)
	}
}

func TestSpans(t *testing.T) {
	s := open(t)
	const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01","spanId":"02","name":"x"}]}]}]}`
	const id = "tr-00000000000000000000000000000001"
	if status, got := s.ask(t, "POST", "/v1/traces", body, "x-mlflow-experiment-id", "1", "x-mlflow-run-id", "0000000000000001"+strings.Repeat("0", 16)); status != 200 || got != "{}" {
		t.Errorf("%d %s", status, got)
	}
	if status, got := s.ask(t, "PATCH", v3+"/"+id+"/tags", `{"key":"a"}`); status != 200 {
		t.Errorf("the trace is not there: %d %s", status, got)
	}
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"no experiment":         {nil, 422},
		"an unknown experiment": {[]string{"x-mlflow-experiment-id", "9"}, 404},
		"another type":          {[]string{"x-mlflow-experiment-id", "1", "content-type", "text/plain"}, 400},
		"not protobuf":          {[]string{"x-mlflow-experiment-id", "1", "content-type", "application/x-protobuf"}, 400},
		"no run id":             {[]string{"x-mlflow-experiment-id", "1", "x-mlflow-run-id", "\xff"}, 400},
		"not compressed":        {[]string{"x-mlflow-experiment-id", "1", "content-encoding", "gzip"}, 400},
	} {
		if status, got := s.ask(t, "POST", "/v1/traces", body, c.headers...); status != c.status {
			t.Errorf("%s: %d %s, want %d", name, status, got, c.status)
		}
	}
}

func TestWhatIsNotTakenIn(t *testing.T) {
	s := open(t)
	if status, got := s.ask(t, "POST", v3, begin("tr-1", "1"), "content-type", "text/plain"); status != 400 || !strings.Contains(got, "Content-Type must be one of") {
		t.Errorf("a form: %d %s", status, got)
	}
	if status, _ := s.ask(t, "POST", v3, strings.Repeat(" ", 9<<20)); status != 413 {
		t.Errorf("9 MiB: %d", status)
	}
	s.full = track.Unavailable(track.TemporarilyUnavailable, 1, "the disk is full")
	if status, _ := s.ask(t, "POST", v3, begin("tr-1", "1")); status != 503 {
		t.Errorf("a full disk: %d", status)
	}
}

func TestWhatTagsTakeIsBounded(t *testing.T) {
	const (
		bodyBytes = 7 << 20
		requests  = 19 // of which 18 are 126 MiB
	)
	s := open(t)
	s.store.gate = make(chan struct{})
	body := strings.Replace(begin("tr-1", "1"), `"state"`, `"tags":{"a":"`+strings.Repeat("x", bodyBytes)+`"},"state"`, 1)
	answers := make(chan int, requests)
	for range requests {
		go func() {
			status, _ := s.ask(t, "POST", v3, body)
			answers <- status
		}()
	}
	select {
	case status := <-answers:
		if status != 429 {
			t.Errorf("while nothing is written: %d", status)
		}
	case <-time.After(2 * time.Minute): // the race detector takes its time
		t.Error("while nothing is written, all are taken")
	}
	close(s.store.gate)
	for range requests - 1 {
		if status := <-answers; status != 200 {
			t.Errorf("what waited: %d", status)
		}
	}
}

func TestSpansThatGrowTooLarge(t *testing.T) {
	s := open(t)
	span, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{
		TraceId: []byte{1}, SpanId: []byte{2}, Name: strings.Repeat("\x01", 31<<20),
	}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, e1 := w.Write(span)
	if err := errors.Join(e1, w.Close()); err != nil {
		t.Fatal(err)
	}
	// More at once than are parsed at once: the others wait, and leave the room that they had.
	const requests = 3
	answers := make(chan int, requests)
	for range requests {
		go func() {
			status, _ := s.ask(t, "POST", "/v1/traces", packed.String(), "x-mlflow-experiment-id", "1", "content-type", "application/x-protobuf", "content-encoding", "gzip")
			answers <- status
		}()
	}
	for range requests {
		if status := <-answers; status != 413 {
			t.Errorf("31 MiB of control characters: %d", status)
		}
	}
}
