package registry_test

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// TestALifeOfARegisteredModel walks through requests whose answers were taken from MLflow's server 3.17.2.
func TestALifeOfARegisteredModel(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{})
	missing := func(field string) string {
		return "Missing value for required parameter '" + field + "'. See the API docs for more information about request parameters."
	}
	const invalid, unknown = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"
	for _, c := range []struct {
		method, path, body string
		status             int
		code, part         string
	}{
		{"POST", "registered-models/create", `{"name":"a","description":"d","tags":[{"key":"k","value":"v"},{"key":"k","value":"w"}]}`, 200, "", `"description":"d","tags":[{"key":"k","value":"w"}]}`},
		{"POST", "registered-models/create", `{"name":"a"}`, 400, "RESOURCE_ALREADY_EXISTS", "Registered Model (name=a) already exists."},
		{"POST", "registered-models/create", `{}`, 400, invalid, missing("name")},
		{"POST", "registered-models/create", `{"name":" "}`, 400, invalid, "Missing value for required parameter 'name'."},
		{"GET", "registered-models/get?name=a", "", 200, "", `{"registered_model":{"name":"a","creation_timestamp":`},
		{"GET", "registered-models/get?name=b", "", 404, unknown, "Registered Model with name=b not found"},
		{"PATCH", "registered-models/update", `{"name":"a","description":"e"}`, 200, "", `"description":"e"`},
		{"POST", "model-versions/create", `{"name":"a","source":"s3://b/1"}`, 200, "", `"current_stage":"None","description":"","source":"s3://b/1","run_id":"","status":"READY","run_link":""}}`},
		{"POST", "model-versions/create", `{"name":"a","source":"s3://b/2","run_id":"r","tags":[{"key":"k","value":"v"}]}`, 200, "", `"version":"2"`},
		{"POST", "model-versions/create", `{"name":"a"}`, 400, invalid, missing("source")},
		{"POST", "model-versions/create", `{"name":"a","source":"/etc/passwd"}`, 400, invalid, "Invalid model version source: '/etc/passwd'."},
		{"GET", "model-versions/get?name=a&version=2", "", 200, "", `"run_id":"r","status":"READY","tags":[{"key":"k","value":"v"}]`},
		{"GET", "model-versions/get?name=a", "", 400, invalid, missing("version")},
		{"GET", "model-versions/get?name=a&version=x", "", 400, invalid, "Parameter 'version' must be an integer, got 'x'."},
		{"GET", "model-versions/get?name=a&version=3", "", 404, unknown, "Model Version (name=a, version=3) not found"},
		{"GET", "model-versions/get?name=b&version=1", "", 404, unknown, "Model Version (name=b, version=1) not found"},
		{"GET", "model-versions/get-download-uri?name=a&version=2", "", 200, "", `{"artifact_uri":"s3://b/2"}`},
		{"GET", "model-versions/get-download-uri?version=2", "", 400, invalid, "Missing value for required parameter 'name'."},
		{"PATCH", "model-versions/update", `{"name":"a","version":"1","description":"x"}`, 200, "", `"description":"x"`},
		{"PATCH", "model-versions/update", `{"name":"a","version":"1"}`, 200, "", `"current_stage":"None","source"`},
		{"PATCH", "model-versions/update", `{"name":"a","version":1}`, 400, invalid, "Invalid value 1 for parameter 'version' supplied:"},
		{"POST", "model-versions/transition-stage", `{"name":"a","version":"1","stage":"production","archive_existing_versions":false}`, 200, "", `"current_stage":"Production"`},
		{"POST", "model-versions/transition-stage", `{"name":"a","version":"2","stage":"Production","archive_existing_versions":true}`, 200, "", `"current_stage":"Production"`},
		{"POST", "model-versions/transition-stage", `{"name":"a","version":"2","stage":"None","archive_existing_versions":"maybe"}`, 400, invalid, `Invalid value "maybe" for parameter 'archive_existing_versions' supplied:`},
		{"POST", "model-versions/transition-stage", `{"name":"a","version":"2"}`, 400, invalid, missing("stage")},
		{"POST", "registered-models/alias", `{"name":"a","alias":"champ","version":"2"}`, 200, "", "{}"},
		{"POST", "registered-models/alias", `{"name":"a","alias":"best","version":"2"}`, 200, "", "{}"},
		{"GET", "registered-models/alias?name=a&alias=champ", "", 200, "", `"aliases":["best","champ"]}`},
		{"GET", "registered-models/alias?name=a&alias=Latest", "", 200, "", `"version":"2"`},
		{"GET", "registered-models/alias?name=a&alias=none", "", 400, invalid, "Registered model alias none not found."},
		{"GET", "registered-models/alias?name=b&alias=none", "", 404, unknown, "Registered Model with name=b not found"},
		{"GET", "registered-models/get-latest-versions?name=a&stages=Archived", "", 200, "", `{"model_versions":[{"name":"a","version":"1"`},
		{"POST", "registered-models/get-latest-versions", `{"name":"a"}`, 200, "", `"version":"2"`},
		{"POST", "registered-models/get-latest-versions", `{"name":"a","stages":["Staging"]}`, 200, "", "{}"},
		{"POST", "registered-models/get-latest-versions", `{"name":"a","stages":"Staging"}`, 400, invalid, `Invalid value "Staging" for parameter 'stages' supplied:`},
		{"POST", "registered-models/get-latest-versions", `{"name":"a","stages":["x"]}`, 400, invalid, "Invalid Model Version stage: x."},
		{"POST", "registered-models/set-tag", `{"name":"a","key":"t"}`, 200, "", "{}"},
		{"DELETE", "registered-models/delete-tag", `{"name":"a","key":"k"}`, 200, "", "{}"},
		{"POST", "model-versions/set-tag", `{"name":"a","version":"2","key":"t","value":"1"}`, 200, "", "{}"},
		{"DELETE", "model-versions/delete-tag", `{"name":"a","version":"2","key":"k"}`, 200, "", "{}"},
		{"POST", "registered-models/rename", `{"name":"a","new_name":"b"}`, 200, "", `"tags":[{"key":"t","value":""}],"aliases":[{"alias":"best","version":"2"},{"alias":"champ","version":"2"}]`},
		{"GET", "model-versions/get?name=b&version=2", "", 200, "", `"tags":[{"key":"t","value":"1"}]`},
		{"GET", "registered-models/get?name=a", "", 404, unknown, "Registered Model with name=a not found"},
		{"DELETE", "registered-models/alias", `{"name":"b","alias":"best"}`, 200, "", "{}"},
		{"DELETE", "model-versions/delete", `{"name":"b","version":"2"}`, 200, "", "{}"},
		{"DELETE", "model-versions/delete", `{"name":"b","version":"2"}`, 404, unknown, "Model Version (name=b, version=2) not found"},
		{"GET", "registered-models/alias?name=b&alias=champ", "", 400, invalid, "Registered model alias champ not found."},
		{"POST", "model-versions/create", `{"name":"b","source":"models:/b/1"}`, 200, "", `"version":"3"`},
		{"DELETE", "registered-models/delete", `{"name":"b"}`, 200, "", "{}"},
		{"GET", "model-versions/get?name=b&version=1", "", 404, unknown, "Model Version (name=b, version=1) not found"},
		{"POST", "registered-models/create", `{"name":"b"}`, 200, "", `{"registered_model":{"name":"b"`},
		{"GET", "registered-models/alias?name=b&alias=latest", "", 404, unknown, "Latest version not found for model b."},
		{"POST", "registered-models/get-latest-versions", `{"name":"b"}`, 200, "", "{}"},
	} {
		check(t, r, c.method, c.path, c.body, c.status, c.code, c.part)
	}
}

func TestAVersionShowsWhatItsLoggedModelIs(t *testing.T) {
	var failure error
	r := open(t, new(mem.Journal), registry.Options{
		NewID: func() string { return strings.Repeat("ab", 16) },
		ModelMetrics: func(context.Context, string) ([]mlflow.Metric, error) {
			return []mlflow.Metric{{Key: "acc", Value: 0.5}}, failure
		},
	})
	id := "m-" + strings.Repeat("ab", 16)
	check(t, r, "POST", "logged-models", `{"experiment_id":"0","params":[{"key":"p","value":"1"}]}`, 200, "", id)
	check(t, r, "POST", "registered-models/create", `{"name":"a"}`, 200, "", "")
	check(t, r, "POST", "model-versions/create", `{"name":"a","source":"models:/`+id+`","model_id":"`+id+`"}`, 200, "", `"model_id":"`+id+`"`)
	check(t, r, "GET", "model-versions/get?name=a&version=1", "", 200, "", `"model_params":[{"name":"p","value":"1"}],"model_metrics":[{"key":"acc","value":0.5`)
	check(t, r, "GET", "logged-models/"+id, "", 200, "", `"registrations":[{"name":"a","version":"1"}]`)
	failure = track.Unavailable(track.TemporarilyUnavailable, 1, "the engine is away")
	if answer := check(t, r, "GET", "model-versions/get?name=a&version=1", "", 200, "", `"model_params"`); strings.Contains(answer, "model_metrics") {
		t.Errorf("metrics that could not be read are shown: %s", answer)
	}
	check(t, r, "DELETE", "logged-models/"+id, "", 200, "", "{}")
	check(t, r, "GET", "model-versions/get?name=a&version=1", "", 200, "", `"model_id":"`+id+`"}`)
}

// Two processes on one journal. Claims are not on the stream that refreshes memory.
func TestANameThatAnotherProcessHasMoved(t *testing.T) {
	j := new(mem.Journal)
	ours, theirs := open(t, j, registry.Options{}), open(t, j, registry.Options{})
	check(t, ours, "POST", "registered-models/create", `{"name":"a"}`, 200, "", "")
	check(t, theirs, "GET", "registered-models/get?name=a", "", 200, "", `"name":"a"`)
	check(t, ours, "POST", "registered-models/rename", `{"name":"a","new_name":"b"}`, 200, "", "")
	refresh(t, j, theirs)
	check(t, theirs, "GET", "registered-models/get?name=a", "", 404, "RESOURCE_DOES_NOT_EXIST", "")
	check(t, theirs, "GET", "registered-models/get?name=b", "", 200, "", `"name":"b"`)
	check(t, theirs, "POST", "registered-models/create", `{"name":"a"}`, 200, "", "")
	check(t, ours, "GET", "registered-models/get?name=a", "", 200, "", `"name":"a"`)
	check(t, ours, "POST", "model-versions/create", `{"name":"a","source":"s3://b/1"}`, 200, "", `"version":"1"`)
	check(t, theirs, "POST", "model-versions/create", `{"name":"b","source":"s3://b/1"}`, 200, "", `"version":"1"`)
}

// refresh tells a registry of all models, as the documents' stream does.
func refresh(t *testing.T, j *mem.Journal, r *registry.Registry) {
	t.Helper()
	for _, key := range j.Keys() {
		if !strings.HasPrefix(key, document.RegisteredModelPrefix) {
			continue
		}
		value, revision, err := j.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := document.Join(key, value, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.ObserveDocuments([]feed.Document{{Key: key, Revision: revision, Doc: doc}})
	}
}

func TestWhereAVersionsFilesAre(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{})
	run := do(t, r, track.CreateRun{}).GetId()
	check(t, r, "POST", "registered-models/create", `{"name":"a"}`, 200, "", "")
	for i, c := range []struct{ body, want string }{
		{`{"name":"a","source":"s3://b/x"}`, "s3://b/x"},
		{`{"name":"a","source":"runs:/` + run + `/m/n","run_id":"` + run + `"}`, "mlflow-artifacts:/0/" + run + "/artifacts/m/n"},
		{`{"name":"a","source":"runs:/` + run + `","run_id":"` + run + `"}`, "mlflow-artifacts:/0/" + run + "/artifacts"},
		{`{"name":"a","source":"models:/a/2"}`, "mlflow-artifacts:/0/" + run + "/artifacts/m/n"},
	} {
		check(t, r, "POST", "model-versions/create", c.body, 200, "", "")
		if got, err := r.VersionLocation(ctx, "a", strconv.Itoa(i+1)); err != nil || got != c.want {
			t.Errorf("%s: %s %v, want %s", c.body, got, err, c.want)
		}
	}
	if _, err := r.VersionLocation(ctx, "a", "9"); track.CodeOf(err) != track.ResourceDoesNotExist {
		t.Errorf("a version that is not there: %v", err)
	}
}

func TestSourcesOfVersionsCanBeRestricted(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{VersionSource: regexp.MustCompile("^s3://models/")})
	check(t, r, "POST", "registered-models/create", `{"name":"a"}`, 200, "", "")
	check(t, r, "POST", "model-versions/create", `{"name":"a","source":"s3://elsewhere/x"}`, 400, "INVALID_PARAMETER_VALUE", "Invalid model version source: 's3://elsewhere/x'.")
	check(t, r, "POST", "model-versions/create", `{"name":"a","source":"s3://models/x"}`, 200, "", `"version":"1"`)
}
