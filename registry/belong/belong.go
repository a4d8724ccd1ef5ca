// Package belong says which experiment a version of a registered model, or an endpoint, belongs to: neither says so itself.
package belong

import (
	"context"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Documents is the registry's committer.
type Documents interface {
	Load(ctx context.Context, key string) (commit.Entry, error)
}

// Finder asks the documents. It may be called at once by many.
type Finder struct{ Documents Documents }

// VersionExperiment is that of a version's run, or else of its logged model, as sg.model_versions has it; "" for none, and for a
// version that is not there any more.
func (f Finder) VersionExperiment(ctx context.Context, model string, number uint64) (string, error) {
	if !drawn(model) {
		return "", nil
	}
	m, err := f.load(ctx, document.RegisteredModelKey(model))
	if err != nil || m.GetRegisteredModel().GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_ACTIVE {
		return "", err
	}
	doc, err := f.load(ctx, document.ModelVersionKey(model, number))
	v := doc.GetModelVersion()
	if err != nil || v == nil || v.GetDeleted() {
		return "", err
	}
	if drawn(v.GetRunId()) {
		run, err := f.load(ctx, document.RunKey(v.GetRunId()))
		if err != nil || run.GetRun().GetId() == v.GetRunId() { // another run may have the same number
			return run.GetRun().GetExperimentId(), err
		}
	}
	if v.GetModelId() == "" {
		return "", nil
	}
	logged, err := f.load(ctx, document.LoggedModelKey(v.GetModelId()))
	return logged.GetLoggedModel().GetExperimentId(), err
}

// EndpointExperiment is that of the version that an endpoint serves.
func (f Finder) EndpointExperiment(ctx context.Context, id string) (string, error) {
	if !drawn(id) {
		return "", nil
	}
	doc, err := f.load(ctx, document.EndpointKey(id))
	e := doc.GetEndpoint()
	if err != nil || e == nil {
		return "", err
	}
	return f.VersionExperiment(ctx, e.GetRegisteredModelId(), e.GetVersion())
}

// drawn says whether a text may be an id: those of runs, registered models and endpoints are drawn in one way.
func drawn(id string) bool {
	_, ok := track.ParseRunID(id)
	return ok
}

func (f Finder) load(ctx context.Context, key string) (*sgpb.Document, error) {
	e, err := f.Documents.Load(ctx, key)
	return e.Doc, err
}
