package naming

import (
	"testing"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

func TestLocationsFollowTheirExperiments(t *testing.T) {
	n := &Names{Experiments: map[string]string{"1": "2", "2": "1", "3": "3"}}
	for from, want := range map[string]string{
		"mlflow-artifacts:/1/abc/artifacts":  "mlflow-artifacts:/2/abc/artifacts",
		"mlflow-artifacts:/2/abc/artifacts":  "mlflow-artifacts:/1/abc/artifacts",
		"mlflow-artifacts:/3/abc":            "mlflow-artifacts:/3/abc",
		"mlflow-artifacts:/12/abc":           "mlflow-artifacts:/12/abc",
		"mlflow-artifacts:/1":                "mlflow-artifacts:/2",
		"s3://bucket/1/abc":                  "s3://bucket/1/abc",
		"mlflow-artifacts://host/1/abc":      "mlflow-artifacts://host/1/abc",
		"runs:/0123456789abcdef/1":           "runs:/0123456789abcdef/1",
		"":                                   "",
		"mlflow-artifacts:/models/1/version": "mlflow-artifacts:/models/1/version",
	} {
		if got := n.location(from); got != want {
			t.Errorf("%q becomes %q, want %q", from, got, want)
		}
	}
	if got := n.Path("1/traces/x"); got != "2/traces/x" {
		t.Errorf("a path becomes %q", got)
	}
}

func TestNamesAreGivenAnewWhereverTheyStand(t *testing.T) {
	n := &Names{Experiments: map[string]string{"1": "5"}, Renamed: map[string]string{"old": "new"}}
	model := &sgpb.Document{Body: &sgpb.Document_RegisteredModel{RegisteredModel: &sgpb.RegisteredModel{Name: "old"}}}
	version := &sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: &sgpb.ModelVersion{Name: "old", StorageLocation: "mlflow-artifacts:/1/x"}}}
	scorers := &sgpb.Document{Body: &sgpb.Document_Scorers{Scorers: &sgpb.Scorers{}}}
	for _, d := range []*sgpb.Document{model, version} {
		if of := n.Document(d, ""); of != "" {
			t.Errorf("a document of nothing is of %q", of)
		}
	}
	if model.GetRegisteredModel().GetName() != "new" || version.GetModelVersion().GetName() != "new" || version.GetModelVersion().GetStorageLocation() != "mlflow-artifacts:/5/x" {
		t.Errorf("%v, %v", model, version)
	}
	event := &sgpb.Document{Body: &sgpb.Document_AlertEvent{AlertEvent: &sgpb.AlertEvent{Experiment: 1}}}
	if n.Document(event, ""); event.GetAlertEvent().GetExperiment() != 5 {
		t.Errorf("%v", event)
	}
	if of := n.Document(scorers, "1"); of != "5" {
		t.Errorf("scorers are of %q", of)
	}
}
