package catalog

import (
	"strings"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

// NoModel is MLflow's answer to an unknown name.
func NoModel(name string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Registered Model with name=%s not found", name)
}

// NoVersion is MLflow's answer to an unknown version.
func NoVersion(name string, version int64) error {
	return track.Errorf(track.ResourceDoesNotExist, "Model Version (name=%s, version=%d) not found", name, version)
}

// taken is MLflow's answer to a name that somebody has; prompts and models share the names.
func taken(name string, old, next map[string]string) error {
	kind := func(tags map[string]string) string {
		if document.HasPromptTag(tags) {
			return "Prompt"
		}
		return "Registered Model"
	}
	if o, n := kind(old), kind(next); o != n {
		return track.Errorf(track.ResourceAlreadyExists, "Tried to create a %s with name %s, but the name is already taken by a %s. MLflow does not allow creating a model and a prompt with the same name.", strings.ToLower(n), decide.PythonText(name), strings.ToLower(o))
	}
	return track.Errorf(track.ResourceAlreadyExists, "%s (name=%s) already exists.", kind(next), name)
}

// Model reads a model that must exist and makes it the answer, for rules of other packages.
func Model(d *decide.Decider, name string) (*sgpb.RegisteredModel, error) { return model(d, name) }

// Version reads a version that must exist and makes it the answer.
func Version(d *decide.Decider, name, number string) (*sgpb.RegisteredModel, *sgpb.ModelVersion, error) {
	return version(d, name, number)
}

// eventOf is the event of a model's version, or of the prompt's that the model is.
func eventOf(m *sgpb.RegisteredModel, event string) string {
	if document.IsPrompt(m.GetTags()) {
		return webhook.OfPrompt(event)
	}
	return event
}
