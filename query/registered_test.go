package query_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

func TestTheRegistryIsSearchedInMemory(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	// The tables have the model under its first name with version 1; the stream brings what is newer.
	r.storedModels = []registered.Document{{Revision: 1, Model: &sgpb.RegisteredModel{Id: "a", Name: "old", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}}}
	r.storedVersions = []registered.Document{{Revision: 2, Version: &sgpb.ModelVersion{RegisteredModelId: "a", Version: 1, RunId: "r1"}}}
	model := &sgpb.RegisteredModel{
		Id: "a", Name: "wine", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE, LastVersion: 2, Tags: map[string]string{"team": "red"},
		Spans: []*sgpb.StageSpan{{First: 1, Stage: sgpb.Stage_STAGE_NONE}},
	}
	r.registered.ObserveDocuments([]feed.Document{
		{Key: document.RegisteredModelKey("a"), Revision: 3, Doc: &sgpb.Document{Body: &sgpb.Document_RegisteredModel{RegisteredModel: model}}},
		{Key: document.ModelVersionKey("a", 2), Revision: 4, Doc: &sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: &sgpb.ModelVersion{RegisteredModelId: "a", Version: 2}}}},
	})
	if err := r.q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		Models []struct {
			Name   string
			Latest []struct{ Version string } `json:"latest_versions"`
		} `json:"registered_models"`
		Versions []struct{ Name, Version string } `json:"model_versions"`
		Next     string                           `json:"next_page_token"`
	}
	models := get[answer](r, api+"/registered-models/search?filter="+url.QueryEscape("tags.team = 'red'"), "")
	if len(models.Models) != 1 || models.Models[0].Name != "wine" || len(models.Models[0].Latest) != 1 || models.Models[0].Latest[0].Version != "2" {
		t.Errorf("models %+v", models)
	}
	first := get[answer](r, ajax+"/model-versions/search?max_results=1&order_by=version_number", "")
	second := get[answer](r, api+"/model-versions/search?max_results=1&order_by=version_number&page_token="+url.QueryEscape(first.Next), "")
	if len(first.Versions) != 1 || first.Versions[0].Version != "1" || first.Versions[0].Name != "wine" || len(second.Versions) != 1 || second.Versions[0].Version != "2" || second.Next != "" {
		t.Errorf("versions %+v then %+v", first, second)
	}
	moved := get[struct {
		Transitions []map[string]any
		Aliases     []map[string]any `json:"alias_changes"`
	}](r, "/v1/registered-models/wine/transitions", "")
	if len(moved.Transitions) != 1 || moved.Transitions[0]["version"] != "2" || moved.Transitions[0]["to_stage"] != "Production" || r.asked[len(r.asked)-1] != "transitions of a, 10000" {
		t.Errorf("transitions %+v, asked %v", moved, r.asked)
	}
	if len(moved.Aliases) != 1 || moved.Aliases[0]["from_version"] != "1" || moved.Aliases[0]["to_version"] != "2" || moved.Aliases[0]["alias"] != "champion" {
		t.Errorf("alias changes %+v", moved.Aliases)
	}
	if status, text, _ := r.send("/v1/registered-models/old/transitions", ""); status != 404 || !strings.Contains(text, "name=old not found") {
		t.Errorf("transitions under the old name: %d %s", status, text)
	}
	if none := get[answer](r, api+"/model-versions/search?filter="+url.QueryEscape("name = 'old'"), ""); len(none.Versions) != 0 {
		t.Errorf("under the old name: %+v", none)
	}
	for path, part := range map[string]string{
		"registered-models/search?max_results=1001":                 `Invalid value \"1001\" for parameter 'max_results' supplied`,
		"registered-models/search?max_results=x":                    `Invalid value \"x\" for parameter 'max_results' supplied`,
		"model-versions/search?max_results=0":                       "Invalid value for max_results. It must be a positive integer, but got 0",
		"model-versions/search?page_token=abc":                      "Invalid page token, could not base64-decode",
		"model-versions/search?order_by=river":                      "Invalid attribute key 'river' specified.",
		"registered-models/search?filter=name+%3D+5":                "Expected a quoted string value or a list of quoted string values for attributes. Got value 5",
		"registered-models/search?order_by=name&order_by=name+DESC": "`order_by` contains duplicate fields",
	} {
		status, body, _ := r.send(api+"/"+path, "")
		if status != 400 || !strings.Contains(body, part) {
			t.Errorf("%s: %d %s, want %s", path, status, body, part)
		}
	}
	r.behind = errors.New("the log is far")
	if status, body, _ := r.send(api+"/registered-models/search", ""); status != 503 {
		t.Errorf("behind: %d %s", status, body)
	}
}
