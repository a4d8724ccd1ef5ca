package registry

import (
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// artifactLocationMax is MLflow's limit, in characters.
const artifactLocationMax = 2048

func (r *Registry) createExperiment(c *fiber.Ctx) error {
	cmd, err := parseCreateExperiment(c)
	if err != nil {
		return err
	}
	doc, err := r.committer.Do(c.UserContext(), cmd)
	if err != nil {
		return err
	}
	return reply(c, "experiment_id", func(w *jx.Encoder) { w.Str(doc.GetExperiment().GetId()) })
}

func parseCreateExperiment(c *fiber.Ctx) (cmd decide.CreateExperiment, err error) {
	f, err := fields(c)
	if err != nil {
		return cmd, err
	}
	name, e1 := f.Required("name")
	location, e2 := f.String("artifact_location")
	tags, e3 := f.KeyValues("tags")
	if err := errors.Join(e1, e2, e3); err != nil {
		return cmd, err
	}
	location, err = checkLocation(location)
	return decide.CreateExperiment{Name: name, ArtifactLocation: location, Tags: tags}, err
}

// checkLocation checks where an experiment is to keep its artifacts, as MLflow does, and makes a relative path
// absolute.
func checkLocation(location string) (string, error) {
	const field = "artifact_location"
	if location == "" {
		return "", nil
	}
	if err := mlflow.CheckLength(field, location, artifactLocationMax); err != nil {
		return "", err
	}
	u, err := url.Parse(location)
	if err != nil {
		return "", track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s': %v", field, err)
	}
	hasParams := slices.Contains([]string{"", "http", "https"}, u.Scheme) && strings.Contains(u.Path, ";")
	query, err := url.QueryUnescape(u.RawQuery)
	switch {
	case u.Fragment != "" || hasParams:
		return "", track.Errorf(track.InvalidParameterValue, "'%s' URL can't include fragments or params.", field)
	case err != nil || strings.Contains(query, ".."):
		return "", track.Errorf(track.InvalidParameterValue, "Invalid query string")
	case u.Scheme == "runs":
		return "", track.Errorf(track.InvalidParameterValue, "Artifact location cannot be a runs:/ URI. Given: '%s'", location)
	case u.Scheme == "" && !filepath.IsAbs(location):
		return filepath.Abs(location)
	}
	return location, nil
}

func (r *Registry) getExperiment(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	id, err := f.RequiredID("experiment_id")
	if err != nil {
		return err
	}
	e, err := r.Experiment(c.UserContext(), id)
	if err != nil {
		return err
	}
	return reply(c, "experiment", func(w *jx.Encoder) { mlflow.EncodeExperiment(w, e) })
}

func (r *Registry) getExperimentByName(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	name, err := f.Required("experiment_name")
	if err != nil {
		return err
	}
	e, err := r.ExperimentByName(c.UserContext(), name)
	if err != nil {
		return err
	}
	return reply(c, "experiment", func(w *jx.Encoder) { mlflow.EncodeExperiment(w, e) })
}

func (r *Registry) updateExperiment(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	id, e1 := f.RequiredID("experiment_id")
	name, e2 := f.Required("new_name")
	return r.run(c, decide.RenameExperiment{ID: id, Name: name}, errors.Join(e1, e2))
}

func (r *Registry) deleteExperiment(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	id, err := f.RequiredID("experiment_id")
	return r.run(c, decide.DeleteExperiment{ID: id}, err)
}

func (r *Registry) restoreExperiment(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	id, err := f.RequiredID("experiment_id")
	return r.run(c, decide.RestoreExperiment{ID: id}, err)
}

func (r *Registry) setExperimentTag(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	id, e1 := f.RequiredID("experiment_id")
	key, e2 := f.Required("key")
	value, e3 := f.String("value")
	return r.run(c, decide.SetExperimentTag{ID: id, Key: key, Value: value}, errors.Join(e1, e2, e3))
}

func (r *Registry) deleteExperimentTag(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	id, e1 := f.RequiredID("experiment_id")
	key, e2 := f.Required("key")
	return r.run(c, decide.DeleteExperimentTag{ID: id, Key: key}, errors.Join(e1, e2))
}
