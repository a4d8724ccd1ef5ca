package belong_test

import (
	"context"
	"errors"
	"testing"

	"github.com/streamgauge/streamgauge/registry/belong"
	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	wine = "fedcba98765432100000000000000001"
	beer = "fedcba98765432100000000000000002"
	run  = "0123456789abcdef0000000000000001"
	gone = "f123456789abcdef0000000000000001"
)

type documents map[string]*sgpb.Document

func (d documents) Load(_ context.Context, key string) (commit.Entry, error) {
	return commit.Entry{Doc: d[key]}, nil
}

func (d documents) model(id string, lifecycle sgpb.Lifecycle) {
	d[document.RegisteredModelKey(id)] = &sgpb.Document{Body: &sgpb.Document_RegisteredModel{RegisteredModel: &sgpb.RegisteredModel{Id: id, Lifecycle: lifecycle}}}
}

func (d documents) version(v *sgpb.ModelVersion) {
	d[document.ModelVersionKey(v.GetRegisteredModelId(), v.GetVersion())] = &sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: v}}
}

func TestAVersionBelongsToTheExperimentOfItsRunOrElseOfItsModel(t *testing.T) {
	d := make(documents)
	d.model(wine, sgpb.Lifecycle_LIFECYCLE_ACTIVE)
	d.model(beer, sgpb.Lifecycle_LIFECYCLE_DELETED)
	d[document.RunKey(run)] = &sgpb.Document{Body: &sgpb.Document_Run{Run: &sgpb.Run{Id: run, ExperimentId: "1"}}}
	d[document.LoggedModelKey("m-"+run)] = &sgpb.Document{Body: &sgpb.Document_LoggedModel{LoggedModel: &sgpb.LoggedModel{Id: "m-" + run, ExperimentId: "2"}}}
	want := map[uint64]string{1: "1", 2: "2", 3: "2", 4: "", 5: "", 6: "2", 7: ""}
	for number, v := range map[uint64]*sgpb.ModelVersion{
		1: {RunId: run, ModelId: "m-" + run}, 2: {ModelId: "m-" + run}, 3: {RunId: gone, ModelId: "m-" + run}, 4: {Source: "s3://bucket"}, 5: {RunId: run, Deleted: true},
		6: {RunId: run[:16] + gone[16:31] + "9", ModelId: "m-" + run}, // another run of the same number
	} {
		v.RegisteredModelId, v.Version = wine, number
		d.version(v)
	}
	d.version(&sgpb.ModelVersion{RegisteredModelId: beer, Version: 1, RunId: run})
	f := belong.Finder{Documents: d}
	for number, experiment := range want {
		got, err := f.VersionExperiment(t.Context(), wine, number)
		if err != nil || got != experiment {
			t.Errorf("version %d belongs to %q, want %q: %v", number, got, experiment, err)
		}
		d[document.EndpointKey(run)] = &sgpb.Document{Body: &sgpb.Document_Endpoint{Endpoint: &sgpb.Endpoint{Id: run, RegisteredModelId: wine, Version: number}}}
		if got, err := f.EndpointExperiment(t.Context(), run); err != nil || got != experiment {
			t.Errorf("an endpoint of version %d belongs to %q, want %q: %v", number, got, experiment, err)
		}
	}
	for _, model := range []string{beer, gone, "no id"} {
		if got, err := f.VersionExperiment(t.Context(), model, 1); err != nil || got != "" {
			t.Errorf("a version of %s belongs to %q: %v", model, got, err)
		}
	}
	if got, err := f.EndpointExperiment(t.Context(), gone); err != nil || got != "" {
		t.Errorf("no endpoint belongs to %q: %v", got, err)
	}
	broken := belong.Finder{Documents: away{}}
	if _, err := broken.EndpointExperiment(t.Context(), run); !errors.Is(err, errAway) {
		t.Errorf("the journal is away, and the error is %v", err)
	}
}

var errAway = errors.New("away")

type away struct{}

func (away) Load(context.Context, string) (commit.Entry, error) { return commit.Entry{}, errAway }
