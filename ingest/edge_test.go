package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest"
	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/ingest/mem"
	"github.com/streamgauge/streamgauge/ingest/quota"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	activeRun  = "000000000000000a0000000000000000"
	deletedRun = "000000000000000b0000000000000000"
)

// fakeRuns keeps the documents of two runs and remembers the commands.
type fakeRuns struct {
	mu       sync.Mutex
	commands []track.Command
	tags     map[string]string
	refuse   error
}

func (f *fakeRuns) Lookup(_ context.Context, id string) (track.RunFacts, error) {
	if id != activeRun && id != deletedRun {
		return track.RunFacts{}, track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", id)
	}
	n, _ := track.ParseRunID(id)
	return track.RunFacts{ID: id, Number: n, Lanes: []uint16{0}, Deleted: id == deletedRun}, nil
}

func (f *fakeRuns) Do(_ context.Context, c track.Command) (*sgpb.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return nil, f.refuse
	}
	f.commands = append(f.commands, c)
	if b, ok := c.(track.LogBatch); ok {
		for _, t := range b.Tags {
			if f.tags == nil {
				f.tags = make(map[string]string)
			}
			f.tags[t.Key] = t.Value
		}
	}
	return &sgpb.Run{Id: activeRun, ExperimentId: "0", Name: "n", Tags: f.tags}, nil
}

// server is an edge behind HTTP.
type server struct {
	app  *fiber.App
	runs *fakeRuns
	bus  *mem.Bus
	acks *feed.Acks
}

func serve(t *testing.T, o ingest.Options) *server {
	t.Helper()
	s := &server{runs: new(fakeRuns), bus: new(mem.Bus), acks: new(feed.Acks)}
	o.Acks = s.acks
	return s.open(t, s.bus, o)
}

func (s *server) open(t *testing.T, a ingest.Appender, o ingest.Options) *server {
	t.Helper()
	e := ingest.New(s.runs, a, o)
	t.Cleanup(e.Close)
	s.app = fiber.New(fiber.Config{
		StreamRequestBody: true, CaseSensitive: true, BodyLimit: 1 << 40, ReadBufferSize: 64 << 10, DisableStartupMessage: true,
		ErrorHandler: func(c *fiber.Ctx, err error) error {
			var fe *fiber.Error
			if errors.As(err, &fe) {
				return c.Status(fe.Code).SendString(fe.Message)
			}
			status, body, retry := mlflow.ErrorBody(err)
			if retry > 0 {
				c.Set(fiber.HeaderRetryAfter, strconv.Itoa(retry))
			}
			return c.Status(status).Send(body)
		},
	})
	e.Routes(s.app)
	return s
}

func (s *server) send(t *testing.T, route, body string) (int, string, http.Header) {
	t.Helper()
	return s.sendAs(t, route, body, "application/json")
}

func (s *server) sendAs(t *testing.T, route, body, contentType string) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, route, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	answer, err := s.app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b), answer.Header
}

// points counts the points on the lane by key.
func (s *server) points(t *testing.T) map[string]int {
	t.Helper()
	out := make(map[string]int)
	for _, b := range s.bus.Frames(0) {
		f, err := frame.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range f.GetSections() {
			p := frame.UnpackPoints(section.GetPoints())
			for i := range p.Key {
				out[p.Keys[p.Key[i]]]++
			}
		}
	}
	return out
}

func TestARefusedBatchLeavesNothing(t *testing.T) {
	s := serve(t, ingest.Options{})
	s.runs.refuse = track.Errorf(track.InvalidParameterValue, "Changing param values is not allowed.")
	body := `{"run_id":"` + activeRun + `","metrics":[{"key":"k","value":1,"timestamp":1}],"params":[{"key":"p","value":"v"}]}`
	if status, text, _ := s.send(t, "/api/2.0/mlflow/runs/log-batch", body); status != 400 || !strings.Contains(text, "Changing param values") {
		t.Errorf("%d %s", status, text)
	}
	if got := s.points(t); len(got) != 0 {
		t.Errorf("points of a refused batch: %v", got)
	}
	s.runs.refuse = nil
	bad := strings.Replace(body, `"timestamp":1`, `"timestamp":-1`, 1)
	if status, _, _ := s.send(t, "/api/2.0/mlflow/runs/log-batch", bad); status != 400 || len(s.runs.commands) != 0 {
		t.Errorf("status %d, commands %v: params of a batch with a bad metric are written", status, s.runs.commands)
	}
	if status, _, _ := s.send(t, "/ajax-api/2.0/mlflow/runs/log-batch", body); status != 200 || len(s.runs.commands) != 1 || s.points(t)["k"] != 1 {
		t.Errorf("status %d, commands %v, points %v", status, s.runs.commands, s.points(t))
	}
	if s.acks.Lane(0) != 1 {
		t.Errorf("acknowledged up to %d, want 1", s.acks.Lane(0))
	}
}

func TestAFullBusAndAFullDiskAskToComeBack(t *testing.T) {
	metric := `{"run_id":"` + activeRun + `","key":"k","value":1,"timestamp":1}`
	s := &server{runs: new(fakeRuns), bus: &mem.Bus{LaneBytesMax: 10}, acks: new(feed.Acks)}
	s.open(t, s.bus, ingest.Options{})
	if status, text, h := s.send(t, "/api/2.0/mlflow/runs/log-metric", metric); status != 429 || h.Get("Retry-After") == "" || !strings.Contains(text, "RESOURCE_EXHAUSTED") {
		t.Errorf("a full lane: %d %s %v", status, text, h)
	}
	s = serve(t, ingest.Options{Space: func() error { return track.Unavailable(track.TemporarilyUnavailable, 5, "the disk is full") }})
	for _, route := range []string{"log-metric", "log-batch", "create", "set-tag", "log-inputs"} {
		if status, text, h := s.send(t, "/api/2.0/mlflow/runs/"+route, metric); status != 503 || h.Get("Retry-After") != "5" {
			t.Errorf("%s on a full disk: %d %s", route, status, text)
		}
	}
	if len(s.runs.commands)+len(s.points(t)) != 0 {
		t.Error("something was accepted on a full disk")
	}
}

type lostAppender struct{}

func (lostAppender) Append(context.Context, uint16, []byte) (uint64, error) {
	return 0, errors.New("connection lost")
}

func TestABusThatDoesNotAnswerIs503(t *testing.T) {
	s := &server{runs: new(fakeRuns), acks: new(feed.Acks)}
	s.open(t, lostAppender{}, ingest.Options{Lane: lane.Options{GiveUpAfter: 1, PauseMin: 1}})
	status, text, h := s.send(t, "/api/2.0/mlflow/runs/log-metric", `{"run_id":"`+activeRun+`","key":"k","value":1,"timestamp":1}`)
	if status != 503 || h.Get("Retry-After") == "" {
		t.Errorf("%d %s", status, text)
	}
}

func TestABodyThatIsTooLargeIs413(t *testing.T) {
	s := serve(t, ingest.Options{})
	status, text, _ := s.send(t, "/api/2.0/mlflow/runs/set-tag", `{"key":"`+strings.Repeat("k", 33<<20)+`"}`)
	if status != 413 || !strings.Contains(text, "32 MiB") {
		t.Errorf("%d %.100s", status, text)
	}
}

func TestCommandsAreWhatRequestsSay(t *testing.T) {
	s := serve(t, ingest.Options{})
	for _, c := range []struct {
		route, body string
		want        track.Command
	}{
		{"update", `{"run_uuid":"RUN","status":"FAILED","end_time":"7"}`, track.UpdateRun{RunID: activeRun, Status: sgpb.RunStatus_RUN_STATUS_FAILED, EndMS: 7}},
		{"update", `{"run_id":"RUN","status":3,"run_name":"x"}`, track.UpdateRun{RunID: activeRun, Status: sgpb.RunStatus_RUN_STATUS_FINISHED, Name: "x"}},
		{"delete", `{"run_id":"RUN"}`, track.DeleteRun{RunID: activeRun}},
		{"restore", `{"run_id":"RUN"}`, track.RestoreRun{RunID: activeRun}},
		{"log-parameter", `{"run_id":"RUN","key":"a","value":"b"}`, track.LogBatch{RunID: activeRun, Params: []*track.KeyValue{{Key: "a", Value: "b"}}}},
		{"set-tag", `{"run_id":"RUN","key":"a"}`, track.LogBatch{RunID: activeRun, Tags: []*track.KeyValue{{Key: "a"}}}},
		{"delete-tag", `{"run_id":"RUN","key":"a"}`, track.DeleteTag{RunID: activeRun, Key: "a"}},
		{"outputs", `{"run_id":"RUN","models":[{"model_id":"m-1","step":4}]}`, track.LogOutputs{RunID: activeRun, Models: []*sgpb.ModelOutput{{ModelId: "m-1", Step: 4}}}},
		{"create", `{"experiment_id":"3","user_id":"u","start_time":5,"run_name":"n","tags":[{"key":"a","value":"b"}]}`,
			track.CreateRun{ExperimentID: "3", User: "u", StartMS: 5, Name: "n", Tags: []*track.KeyValue{{Key: "a", Value: "b"}}}},
		{"log-inputs", `{"run_id":"RUN","models":[{"model_id":"m-1"}],"datasets":[{"tags":[{"key":"c","value":"train"}],"dataset":{"name":"d","digest":"x","source_type":"code","source":"s","profile":"p"}}]}`,
			track.LogInputs{RunID: activeRun, Models: []string{"m-1"}, Datasets: []*sgpb.DatasetInput{{Tags: map[string]string{"c": "train"}, Dataset: &sgpb.Dataset{Name: "d", Digest: "x", SourceType: "code", Source: "s", Profile: "p"}}}}},
	} {
		s.runs.commands = nil
		status, text, _ := s.send(t, "/api/2.0/mlflow/runs/"+c.route, strings.ReplaceAll(c.body, "RUN", activeRun))
		if status != 200 || len(s.runs.commands) != 1 {
			t.Errorf("%s: %d %s, commands %v", c.route, status, text, s.runs.commands)
			continue
		}
		got, _ := json.Marshal(s.runs.commands[0])
		want, _ := json.Marshal(c.want)
		if string(got) != string(want) {
			t.Errorf("%s is read as %s, want %s", c.route, got, want)
		}
	}
}

func TestLegacyModelsAreAppendedToATag(t *testing.T) {
	s := serve(t, ingest.Options{})
	for i := range 50 {
		model := `{"run_id":"` + activeRun + `","artifact_path":"m` + strconv.Itoa(i) + `","utc_time_created":"now","signature":{},"flavors":{"sklearn":{"config":1,"data":"` + strings.Repeat("d", 300) + `"}}}`
		b, _ := json.Marshal(map[string]string{"run_id": activeRun, "model_json": model})
		if status, text, _ := s.send(t, "/api/2.0/mlflow/runs/log-model", string(b)); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
	}
	var history []struct {
		ArtifactPath string `json:"artifact_path"`
		Flavors      map[string]map[string]any
		Signature    any
	}
	tag := s.runs.tags["mlflow.log-model.history"]
	if err := json.Unmarshal([]byte(tag), &history); err != nil || len(tag) > mlflow.TagValueMax {
		t.Fatalf("a tag of %d bytes: %v", len(tag), err)
	}
	last := history[len(history)-1]
	if last.ArtifactPath != "m49" || len(last.Flavors["sklearn"]) != 1 || last.Signature != nil {
		t.Errorf("the newest entry is %+v", last)
	}
}

func TestARunThatIsTooFastIsToldToWait(t *testing.T) {
	s := serve(t, ingest.Options{Rates: quota.Limits{Run: 0.1}})
	metric := `{"run_id":"` + activeRun + `","key":"loss","value":1,"timestamp":1,"step":1}`
	const route = "/api/2.0/mlflow/runs/log-metric"
	for range 2 { // one point a burst, and the next one makes a debt
		if status, body, _ := s.send(t, route, metric); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	batch := `{"run_id":"` + activeRun + `","tags":[{"key":"a","value":"b"}]}`
	tag := `{"run_id":"` + activeRun + `","key":"a","value":"b"}`
	for route, request := range map[string]string{
		route: metric, "/api/2.0/mlflow/runs/log-batch": batch, "/api/2.0/mlflow/runs/set-tag": tag, "/api/2.0/mlflow/runs/log-parameter": tag,
	} {
		status, body, header := s.send(t, route, request)
		if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || !strings.Contains(body, "--run-rate") {
			t.Errorf("%s: %d %s", route, status, body)
		}
	}
	if s.points(t)["loss"] != 2 || len(s.runs.commands) != 0 {
		t.Errorf("what was refused is there: %v, %v", s.points(t), s.runs.commands)
	}
	if status, body, _ := s.send(t, "/api/2.0/mlflow/runs/update", `{"run_id":"`+activeRun+`","status":"FINISHED","end_time":1}`); status != http.StatusOK {
		t.Errorf("the end of a run that wrote too much: %d %s", status, body)
	}
}

func TestLanesAreToldToJobs(t *testing.T) {
	s := serve(t, ingest.Options{Bus: ingest.Bus{Lanes: 2, URL: "nats://127.0.0.1:4222"}})
	answer, err := s.app.Test(httptest.NewRequest(http.MethodGet, "/v1/lanes", nil), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	want := `{"lanes":[{"lane":0,"bus":"nats","stream":"SG_LANE_0","subject_prefix":"sg.points.0."},{"lane":1,"bus":"nats","stream":"SG_LANE_1","subject_prefix":"sg.points.1."}],"nats_url":"nats://127.0.0.1:4222","frame_bytes_max":1040384}`
	if string(b) != want {
		t.Errorf("%s\nwant %s", b, want)
	}
}

func TestLanesOfARunAreTold(t *testing.T) {
	s := &server{runs: new(fakeRuns), bus: new(mem.Bus)}
	e := ingest.New(s.runs, s.bus, ingest.Options{Bus: ingest.Bus{Lanes: 16}})
	t.Cleanup(e.Close)
	const unknown = "0123456789abcdef0123456789abcdef"
	for question, want := range map[string]string{
		`{"run_id":"` + activeRun + `","ranks":1000}`: `"run_lanes":[0]}`, // as its document says
		`{"run_id":"` + unknown + `","ranks":1000}`:   `"run_lanes":[5,6,7,8]}`,
		`{"run_id":"` + unknown + `"}`:                `"run_lanes":[5]}`,
		`{}`:                                          `"frame_bytes_max":1040384}`,
		``:                                            `"frame_bytes_max":1040384}`,
		`{"run_id":"x"}`:                              `"error_code":"INVALID_PARAMETER_VALUE","message":"Invalid value for parameter 'run_id'`,
		`what`:                                        `"error_code":"INVALID_PARAMETER_VALUE","message":"The question is no JSON`,
	} {
		if got := string(e.Lanes(context.Background(), []byte(question))); !strings.Contains(got, want) {
			t.Errorf("%s: %s", question, got)
		}
	}
	app := fiber.New()
	e.Routes(app)
	answer, err := app.Test(httptest.NewRequest(http.MethodGet, "/v1/lanes?ranks=1000&run_id="+unknown, nil), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(b), `"run_lanes":[5,6,7,8]}`) {
		t.Errorf("over HTTP: %s, %v", b, err)
	}
}
