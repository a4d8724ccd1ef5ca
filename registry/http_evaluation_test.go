package registry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// post sends a request about datasets; the answer is the dataset's id, or an error's code and text.
func post(t *testing.T, r *registry.Registry, path string, body any) (status int, id, code, message string) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	q := httptest.NewRequest("POST", "/api/3.0/mlflow/datasets/"+path, bytes.NewReader(b))
	q.Header.Set("Content-Type", "application/json")
	a, err := app(r).Test(q, -1)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Dataset struct {
			ID string `json:"dataset_id"`
		} `json:"dataset"`
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.NewDecoder(a.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, answer.Dataset.ID, answer.Code, answer.Message
}

// TestADatasetIsPutIntoManyExperimentsAtOnce right after a start, when none of them is in memory.
func TestADatasetIsPutIntoManyExperimentsAtOnce(t *testing.T) {
	j := new(mem.Journal)
	first := open(t, j, registry.Options{})
	var ids []string
	for n := range 600 {
		run := do(t, first, track.CreateRun{ExperimentName: fmt.Sprint("e", n)})
		ids = append(ids, run.GetExperimentId())
	}
	status, dataset, _, message := post(t, first, "create", map[string]any{"name": "a"})
	if status != 200 {
		t.Fatalf("%d %s", status, message)
	}
	for _, c := range []struct {
		verb   string
		ids    []string
		status int
		code   string
	}{
		{"add-experiments", ids, 400, "INVALID_PARAMETER_VALUE"},
		{"add-experiments", slices.Repeat(ids[:1], 401), 400, "INVALID_PARAMETER_VALUE"},
		{"add-experiments", ids[:400], 200, ""},
		{"add-experiments", ids[400:401], 400, "INVALID_PARAMETER_VALUE"},
		{"remove-experiments", ids, 400, "INVALID_PARAMETER_VALUE"},
		{"remove-experiments", ids[:400], 200, ""},
		{"add-experiments", ids[400:401], 200, ""},
	} {
		status, _, code, message := post(t, open(t, j, registry.Options{}), dataset+"/"+c.verb, map[string]any{"experiment_ids": c.ids})
		if status != c.status || code != c.code {
			t.Errorf("%s of %d: %d %s", c.verb, len(c.ids), status, message)
		}
	}
}

// TestASearchOfDatasetsIsBounded: what they hold is counted, and what was deleted is not.
func TestASearchOfDatasetsIsBounded(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{})
	tags, err := json.Marshal(map[string]string{"k": strings.Repeat("x", 250<<10)})
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for n := range 263 { // of 64 MiB 262 would fit
		status, id, _, message := post(t, r, "create", map[string]any{"name": fmt.Sprint("d", n), "tags": string(tags)})
		if status != 200 {
			t.Fatalf("%d %s", status, message)
		}
		last = id
	}
	if _, err := r.EvaluationDatasets(ctx); track.CodeOf(err) != track.NotImplemented {
		t.Errorf("%v", err)
	}
	q := httptest.NewRequest("DELETE", "/api/3.0/mlflow/datasets/"+last, nil)
	if a, err := app(r).Test(q, -1); err != nil || a.StatusCode != 200 {
		t.Fatalf("%v %v", a, err)
	}
	if all, err := r.EvaluationDatasets(ctx); err != nil || len(all) != 262 {
		t.Errorf("%d datasets, %v", len(all), err)
	}
}
