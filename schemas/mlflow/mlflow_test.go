package mlflow_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestFieldsNameWhatIsWrong(t *testing.T) {
	read := map[string]func(mlflow.Fields) error{
		"required": func(f mlflow.Fields) error { _, err := f.Required("key"); return err },
		"int":      func(f mlflow.Fields) error { _, err := f.Int64("step", 0); return err },
		"bool":     func(f mlflow.Fields) error { _, err := f.Bool("ascending", true); return err },
		"list":     func(f mlflow.Fields) error { _, err := f.KeyValues("tags"); return err },
	}
	for _, c := range []struct{ reader, body, want string }{
		{"required", `{}`, "Missing value for required parameter 'key'"},
		{"required", `{"key": ""}`, "Missing value for required parameter 'key'"},
		{"required", `{"key": null}`, "Missing value for required parameter 'key'"},
		{"required", `{"key": 5}`, "Invalid value 5 for parameter 'key' supplied:  Hint: Value was of type 'int'."},
		{"required", `{"key": [1, 2]}`, "Invalid value [1,2] for parameter 'key' supplied:  Hint: Value was of type 'list'."},
		{"int", `{"step": "x"}`, `Invalid value "x" for parameter 'step' supplied:  Hint: Value was of type 'str'.`},
		{"int", `{"step": 1.5}`, "Invalid value 1.5 for parameter 'step' supplied:  Hint: Value was of type 'float'."},
		{"int", `{"step": "17"}`, ""},
		{"int", `{"step": 1e3}`, ""},
		{"bool", `{"ascending": 3}`, "Invalid boolean value"},
		{"bool", `{"ascending": "false"}`, ""},
		{"list", `{"tags": [{"key": "a", "value": "b"}, {"value": "c"}]}`, "'tags[1].key'"},
		{"list", `{"tags": 1}`, "'tags'"},
	} {
		f, err := mlflow.ParseBody([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		err = read[c.reader](f)
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s of %s: %v, want %q", c.reader, c.body, err, c.want)
		}
	}
	if _, err := mlflow.ParseBody([]byte(`[1]`)); err == nil {
		t.Error("a list is taken for an object")
	}
	if f, err := mlflow.ParseBody([]byte(`"{\"key\": \"twice\"}"`)); err != nil || !f.Has("key") {
		t.Errorf("a body encoded twice: %v", err)
	}
}

func TestCheckKey(t *testing.T) {
	for key, ok := range map[string]bool{
		"loss": true, "a/b c.d-e:f_g": true, "größe": true, "a\nb": false, "a?b": false, "/abs": false, "a//b": false,
		"..": false, "..a": false, "../x": false, "a/../b": false, ".": false, "a/": false, strings.Repeat("k", 250): true, strings.Repeat("k", 251): false,
	} {
		if err := mlflow.CheckKey("key", key); (err == nil) != ok {
			t.Errorf("%q: %v, want ok %v", key, err, ok)
		}
	}
}

func TestRunJSON(t *testing.T) {
	run := &sgpb.Run{Id: "r", ExperimentId: "0", Name: "n", Status: sgpb.RunStatus_RUN_STATUS_FINISHED, StartMs: 1, EndMs: 2,
		Params: map[string]string{"b": "2", "a": "1"}, Tags: map[string]string{"mlflow.runName": "n"}}
	var w jx.Encoder
	mlflow.EncodeRun(&w, run, []mlflow.Metric{{Key: "x", Value: math.NaN(), TimeMS: 5, Step: 0}, {Key: "y", Value: math.Inf(-1)}})
	var got map[string]any
	if err := json.Unmarshal(w.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, w.Bytes())
	}
	for _, want := range []string{`"status":"FINISHED"`, `"run_uuid":"r"`, `"run_id":"r"`, `"lifecycle_stage":"active"`, `"value":"NaN"`, `"value":"-Infinity"`,
		`"params":[{"key":"a","value":"1"},{"key":"b","value":"2"}]`, `"step":0`, `"end_time":2`} {
		if !strings.Contains(w.String(), want) {
			t.Errorf("%s is not in %s", want, w.Bytes())
		}
	}
}

func TestVersionJSON(t *testing.T) {
	model := &sgpb.RegisteredModel{Name: "now", CreatedMs: 1, UpdatedMs: 9, RenamedMs: 9, Aliases: map[string]uint64{"b": 2, "a": 1}, Tags: map[string]string{"k": "v"}}
	version := &sgpb.ModelVersion{Name: "then", Version: 2, Stage: sgpb.Stage_STAGE_PRODUCTION, Status: "READY", CreatedMs: 1, UpdatedMs: 2, Source: "s3://b/x"}
	var w jx.Encoder
	mlflow.EncodeRegisteredModel(&w, model, []*sgpb.ModelVersion{version})
	// What MLflow's server answers, but for the order of the fields.
	const want = `{"name":"now","creation_timestamp":1,"last_updated_timestamp":9,"latest_versions":[` +
		`{"name":"now","version":"2","creation_timestamp":1,"last_updated_timestamp":9,"current_stage":"Production","description":"","source":"s3://b/x","run_id":"","status":"READY","run_link":""}` +
		`],"tags":[{"key":"k","value":"v"}],"aliases":[{"alias":"a","version":"1"},{"alias":"b","version":"2"}]}`
	if w.String() != want {
		t.Errorf("got  %s\nwant %s", w.String(), want)
	}
}

func TestRegistrations(t *testing.T) {
	for text, want := range map[string]string{
		"": "[]", "nonsense": "[]", `{"name":"a"}`: "[]", `[{"name":"a","version":"x"}]`: "[]",
		`[{"name": "a", "version": 1}, {"name": "ü", "version": "2"}]`: `[{"name": "a", "version": 1}, {"name": "ü", "version": 2}]`,
	} {
		if got := mlflow.RegistrationsText(mlflow.Registrations(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestErrorsAreClassifiedAsMLflowDoes(t *testing.T) {
	attribute := track.Errorf(track.InvalidParameterValue, "x")
	attribute.NoAttribute = true
	for _, tt := range []struct {
		err  error
		want string
	}{
		{track.Errorf(track.InvalidParameterValue, "x"), `{"error_code":"INVALID_PARAMETER_VALUE","message":"x","sqlstate":"KAM00","error_class":"INVALID_PARAMETER_VALUE"}`},
		{track.Errorf(track.ResourceAlreadyExists, "x"), `{"error_code":"RESOURCE_ALREADY_EXISTS","message":"x","sqlstate":"KAM00","error_class":"RESOURCE_ALREADY_EXISTS"}`},
		{errors.New("x"), `{"error_code":"INTERNAL_ERROR","message":"x","sqlstate":"XXM00","error_class":"CLIENT_INTERNAL_ERROR"}`},
		{track.Errorf(track.NotImplemented, "x"), `{"error_code":"NOT_IMPLEMENTED","message":"x"}`},
		{attribute, `{"error_code":"INVALID_PARAMETER_VALUE","message":"x","sqlstate":"KAM04","error_class":"ATTRIBUTE_NOT_FOUND"}`},
	} {
		if _, body, _ := mlflow.ErrorBody(tt.err); string(body) != tt.want {
			t.Errorf("%s", body)
		}
	}
}

// TestAnErrorIsValidUTF8 whatever an address had in it.
func TestAnErrorIsValidUTF8(t *testing.T) {
	_, body, _ := mlflow.ErrorBody(track.Errorf(track.ResourceDoesNotExist, "no run '%s'", "a\xff\xfe\"b"))
	var e struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &e); err != nil || !utf8.Valid(body) || e.Message != "no run 'a\uFFFD\"b'" {
		t.Errorf("%q, %v", body, err)
	}
}
