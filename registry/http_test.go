package registry_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func app(r *registry.Registry) *fiber.App {
	a := fiber.New(fiber.Config{CaseSensitive: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, body, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(body)
	}})
	r.Routes(a)
	return a
}

func call(t testing.TB, r *registry.Registry, method, path, body string) (int, string) {
	t.Helper()
	q := httptest.NewRequest(method, "/api/2.0/mlflow/"+path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	a, err := app(r).Test(q, -1)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Error(err)
	}
	return a.StatusCode, string(b)
}

// TestAnswers walks through requests whose answers were taken from MLflow's server 3.17.2.
func TestAnswers(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{})
	missing := func(field string) string {
		return "Missing value for required parameter '" + field + "'. See the API docs for more information about request parameters."
	}
	long := strings.Repeat("x", 501)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, part         string
	}{
		{"POST", "experiments/create", `{"name":"a"}`, 200, "", `"experiment_id":"1"`},
		{"POST", "experiments/create", `{"name":"a"}`, 400, "RESOURCE_ALREADY_EXISTS", "Experiment(name=a) already exists."},
		{"POST", "experiments/create", `{"name":""}`, 400, "INVALID_PARAMETER_VALUE", missing("name")},
		{"POST", "experiments/create", `{}`, 400, "INVALID_PARAMETER_VALUE", missing("name")},
		{"POST", "experiments/create", `{"name":5}`, 400, "INVALID_PARAMETER_VALUE", "Invalid value 5 for parameter 'name' supplied:"},
		{"POST", "experiments/create", `{"name":"` + long + `"}`, 400, "INVALID_PARAMETER_VALUE", "'name' exceeds the maximum length of 500 characters"},
		{"POST", "experiments/create", `{"name":"b","artifact_location":"runs:/x"}`, 400, "INVALID_PARAMETER_VALUE", "Artifact location cannot be a runs:/ URI. Given: 'runs:/x'"},
		{"POST", "experiments/create", `{"name":"b","artifact_location":"s3://b/x#f"}`, 400, "INVALID_PARAMETER_VALUE", "'artifact_location' URL can't include fragments or params."},
		{"POST", "experiments/create", `{"name":"b","artifact_location":"s3://b/x?a=../b"}`, 400, "INVALID_PARAMETER_VALUE", "Invalid query string"},
		{"POST", "experiments/create", `{"name":"b","tags":[{"key":"a$","value":"v"}]}`, 400, "INVALID_PARAMETER_VALUE", "Names may only contain alphanumerics"},
		{"POST", "experiments/create", `{"name":"b","tags":"x"}`, 400, "INVALID_PARAMETER_VALUE", "parameter 'tags'"},
		{"POST", "experiments/create", `{"name":"b","artifact_location":"s3://b/x?a=1","tags":[{"key":"k","value":"v"}]}`, 200, "", `"experiment_id":"2"`},
		{"GET", "experiments/get?experiment_id=2", "", 200, "", `"artifact_location":"s3://b/x?a=1","lifecycle_stage":"active"`},
		{"GET", "experiments/get?experiment_id=99", "", 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=99 exists"},
		{"GET", "experiments/get?experiment_id=-1", "", 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=-1 exists"},
		{"GET", "experiments/get?experiment_id=abc", "", 400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."},
		{"GET", "experiments/get", "", 400, "INVALID_PARAMETER_VALUE", missing("experiment_id")},
		{"GET", "experiments/get-by-name?experiment_name=b", "", 200, "", `"experiment_id":"2"`},
		{"GET", "experiments/get-by-name?experiment_name=zz", "", 404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment with name 'zz'"},
		{"GET", "experiments/get-by-name", "", 400, "INVALID_PARAMETER_VALUE", missing("experiment_name")},
		{"POST", "experiments/update", `{"experiment_id":"1"}`, 400, "INVALID_PARAMETER_VALUE", missing("new_name")},
		{"POST", "experiments/update", `{"experiment_id":"1","new_name":"b"}`, 400, "RESOURCE_ALREADY_EXISTS", "Experiment(name=b) already exists."},
		{"POST", "experiments/update", `{"experiment_id":"1","new_name":"a"}`, 200, "", "{}"},
		{"POST", "experiments/update", `{"experiment_id":"1","new_name":"a2"}`, 200, "", "{}"},
		{"POST", "experiments/create", `{"name":"a"}`, 200, "", `"experiment_id":"3"`},
		{"POST", "experiments/set-experiment-tag", `{"experiment_id":"1","key":"k","value":"v"}`, 200, "", "{}"},
		{"POST", "experiments/set-experiment-tag", `{"experiment_id":"1","value":"v"}`, 400, "INVALID_PARAMETER_VALUE", missing("key")},
		{"POST", "experiments/delete-experiment-tag", `{"experiment_id":"1","key":"none"}`, 404, "RESOURCE_DOES_NOT_EXIST", "No tag with name: none in experiment with id 1"},
		{"POST", "experiments/delete-experiment-tag", `{"experiment_id":"1","key":"k"}`, 200, "", "{}"},
		{"POST", "experiments/restore", `{"experiment_id":"1"}`, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=1 exists"},
		{"POST", "experiments/delete", `{"experiment_id":"1"}`, 200, "", "{}"},
		{"POST", "experiments/delete", `{"experiment_id":"1"}`, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=1 exists"},
		{"POST", "experiments/update", `{"experiment_id":"1","new_name":"q"}`, 500, "INVALID_STATE", "Cannot rename a non-active experiment."},
		{"POST", "experiments/set-experiment-tag", `{"experiment_id":"1","key":"k","value":"v"}`, 400, "INVALID_PARAMETER_VALUE", "The experiment 1 must be in the 'active' state. Current state is deleted."},
		{"POST", "logged-models", `{"experiment_id":"1"}`, 400, "INVALID_PARAMETER_VALUE", "The experiment 1 must be in the 'active' state. Current state is deleted."},
		{"GET", "experiments/get?experiment_id=1", "", 200, "", `"lifecycle_stage":"deleted"`},
		{"POST", "logged-models", `{"experiment_id":"99"}`, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=99 exists"},
		{"POST", "logged-models", `{}`, 400, "INVALID_PARAMETER_VALUE", missing("experiment_id")},
		{"POST", "logged-models", `{"experiment_id":"2","name":"a/b"}`, 400, "INVALID_PARAMETER_VALUE", `Invalid model name ('a/b') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")`},
		{"GET", "logged-models/m-nope", "", 404, "RESOURCE_DOES_NOT_EXIST", "Logged model with ID 'm-nope' not found."},
		{"DELETE", "logged-models/m-nope", "", 404, "RESOURCE_DOES_NOT_EXIST", "Logged model with ID 'm-nope' not found."},
		{"POST", "experiments/create", `[1]`, 400, "BAD_REQUEST", ""},
	} {
		check(t, r, c.method, c.path, c.body, c.status, c.code, c.part)
	}
}

func check(t *testing.T, r *registry.Registry, method, path, body string, status int, code, part string) string {
	t.Helper()
	got, answer := call(t, r, method, path, body)
	var e struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(answer), &e); err != nil {
		t.Errorf("%s %s %s: %s is not JSON: %v", method, path, body, answer, err)
	}
	if got != status || e.Code != code || !strings.Contains(answer, part) && !strings.Contains(e.Message, part) {
		t.Errorf("%s %s %.200s: %d %s, want %d %s %s", method, path, body, got, answer, status, code, part)
	}
	return answer
}

func TestALifeOfALoggedModel(t *testing.T) {
	metrics := func(_ context.Context, model string) ([]mlflow.Metric, error) {
		return []mlflow.Metric{{Key: "acc", Value: 0.5, RunID: model}}, nil
	}
	r := open(t, new(mem.Journal), registry.Options{ModelMetrics: metrics})
	answer := check(t, r, "POST", "logged-models", `{"experiment_id":"0","model_type":"t","params":[{"key":"p","value":"1"}],"tags":[{"key":"t","value":"1"}]}`, 200, "", `"status":"LOGGED_MODEL_PENDING"`)
	var created struct {
		Model struct {
			Info struct {
				ID   string `json:"model_id"`
				URI  string `json:"artifact_uri"`
				Name string `json:"name"`
			} `json:"info"`
		} `json:"model"`
	}
	if err := json.Unmarshal([]byte(answer), &created); err != nil {
		t.Fatal(err)
	}
	id := created.Model.Info.ID
	if created.Model.Info.URI != "mlflow-artifacts:/0/models/"+id+"/artifacts" || len(strings.Split(created.Model.Info.Name, "-")) != 3 {
		t.Errorf("created %s", answer)
	}
	at := "logged-models/" + id
	check(t, r, "PATCH", at, `{"model_id":"`+id+`","status":"LOGGED_MODEL_READY"}`, 200, "", `"status":"LOGGED_MODEL_READY"`)
	check(t, r, "PATCH", at, `{"status":3}`, 200, "", `"status":"LOGGED_MODEL_UPLOAD_FAILED"`)
	check(t, r, "PATCH", at, `{}`, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'status'.")
	check(t, r, "PATCH", at, `{"status":"XX"}`, 400, "INVALID_PARAMETER_VALUE", "'status'")
	check(t, r, "POST", at+"/params", `{"params":[{"key":"q","value":"2"}]}`, 200, "", "{}")
	check(t, r, "POST", at+"/params", `{"params":[{"key":"q","value":"3"}]}`, 400, "INVALID_PARAMETER_VALUE", "Changing param values is not allowed.")
	check(t, r, "PATCH", at+"/tags", `{"tags":[{"key":"t","value":"2"},{"key":"u/v w","value":"x"}]}`, 200, "", "{}")
	check(t, r, "DELETE", at+"/tags/u%2Fv%20w", "", 200, "", "{}")
	check(t, r, "DELETE", at+"/tags/u", "", 404, "RESOURCE_DOES_NOT_EXIST", "No tag with key 'u' found for model with ID '"+id+"'.")
	check(t, r, "GET", at, "", 200, "", `"params":[{"key":"p","value":"1"},{"key":"q","value":"2"}],"metrics":[{"key":"acc"`)
	check(t, r, "DELETE", at, "", 200, "", "{}")
	check(t, r, "DELETE", at, "", 200, "", "{}")
	check(t, r, "GET", at, "", 404, "RESOURCE_DOES_NOT_EXIST", "Logged model with ID '"+id+"' not found.")
	check(t, r, "GET", at+"?allow_deleted=true", "", 200, "", `"tags":[{"key":"t","value":"2"}]`)
}

// What was written is answered well although the metrics beside it cannot be read: else the client would write
// it again.
func TestModelsAreWrittenWhileClickHouseIsAway(t *testing.T) {
	away := func(context.Context, string) ([]mlflow.Metric, error) {
		return nil, track.Unavailable(track.TemporarilyUnavailable, 1, "ClickHouse is away")
	}
	r := open(t, new(mem.Journal), registry.Options{ModelMetrics: away})
	answer := check(t, r, "POST", "logged-models", `{"experiment_id":"0"}`, 200, "", `"status":"LOGGED_MODEL_PENDING"`)
	_, id, _ := strings.Cut(answer, `"model_id":"`)
	id, _, _ = strings.Cut(id, `"`)
	check(t, r, "PATCH", "logged-models/"+id, `{"status":"LOGGED_MODEL_READY"}`, 200, "", `"status":"LOGGED_MODEL_READY"`)
	check(t, r, "GET", "logged-models/"+id, "", 503, "TEMPORARILY_UNAVAILABLE", "ClickHouse is away")
}
