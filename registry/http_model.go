package registry

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func (r *Registry) createModel(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	experiment, e1 := f.RequiredID("experiment_id")
	name, e2 := f.String("name")
	kind, e3 := f.String("model_type")
	run, e4 := f.String("source_run_id")
	params, e5 := f.KeyValues("params")
	tags, e6 := f.KeyValues("tags")
	if err := errors.Join(e1, e2, e3, e4, e5, e6); err != nil {
		return err
	}
	// A new model has no metrics.
	return r.replyModel(c, decide.CreateModel{ExperimentID: experiment, Name: name, Type: kind, SourceRunID: run, Params: params, Tags: tags},
		func(*sgpb.LoggedModel) []mlflow.Metric { return nil })
}

// replyModel carries out a command that is answered with the model.
func (r *Registry) replyModel(c *fiber.Ctx, cmd decide.Command, metrics func(*sgpb.LoggedModel) []mlflow.Metric) error {
	doc, err := r.committer.Do(c.UserContext(), cmd)
	if err != nil {
		return err
	}
	m := doc.GetLoggedModel()
	return encodeModel(c, m, metrics(m))
}

// measured answers a model's metrics after it was written. The write is done, so what fails here is not said:
// the client would write again.
func (r *Registry) measured(m *sgpb.LoggedModel) []mlflow.Metric {
	metrics, err := r.modelMetrics(m)
	if err != nil {
		return nil
	}
	return metrics
}

// modelMetricsMax is how long the metrics of a model's page may take.
const modelMetricsMax = 10 * time.Second

func (r *Registry) modelMetrics(m *sgpb.LoggedModel) ([]mlflow.Metric, error) {
	if r.options.ModelMetrics == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), modelMetricsMax)
	defer cancel()
	return r.options.ModelMetrics(ctx, m.GetId())
}

func encodeModel(c *fiber.Ctx, m *sgpb.LoggedModel, metrics []mlflow.Metric) error {
	return reply(c, "model", func(w *jx.Encoder) { mlflow.EncodeLoggedModel(w, m, metrics) })
}

func (r *Registry) getModel(c *fiber.Ctx) error {
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	m, err := r.Model(c.UserContext(), id)
	if err != nil {
		return err
	}
	if m.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED && !strings.EqualFold(c.Query("allow_deleted"), "true") {
		return decide.NoModel(id)
	}
	metrics, err := r.modelMetrics(m)
	if err != nil {
		return err
	}
	return encodeModel(c, m, metrics)
}

func (r *Registry) finalizeModel(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	status, err := modelStatus(f)
	if err != nil {
		return err
	}
	return r.replyModel(c, decide.FinalizeModel{ID: id, Status: status}, r.measured)
}

// modelStatus reads a status by MLflow's name or number.
func modelStatus(f mlflow.Fields) (sgpb.LoggedModelStatus, error) {
	text, err := f.RequiredID("status")
	if err != nil {
		return 0, err
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < len(sgpb.LoggedModelStatus_name) {
		return sgpb.LoggedModelStatus(n), nil
	}
	if name, found := strings.CutPrefix(text, "LOGGED_MODEL_"); found {
		if n := sgpb.LoggedModelStatus_value["LOGGED_MODEL_STATUS_"+name]; n > 0 {
			return sgpb.LoggedModelStatus(n), nil
		}
	}
	return 0, track.Errorf(track.InvalidParameterValue, "Invalid value %s for parameter 'status' supplied: it must be one of LOGGED_MODEL_PENDING, LOGGED_MODEL_READY, LOGGED_MODEL_UPLOAD_FAILED", strconv.Quote(text))
}

func (r *Registry) deleteModel(c *fiber.Ctx) error {
	id, err := param(c, "id")
	return r.run(c, decide.DeleteModel{ID: id}, err)
}

func (r *Registry) logModelParams(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	params, err := f.KeyValues("params")
	return r.run(c, decide.LogModelParams{ID: id, Params: params}, err)
}

func (r *Registry) setModelTags(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	tags, err := f.KeyValues("tags")
	return r.run(c, decide.SetModelTags{ID: id, Tags: tags}, err)
}

func (r *Registry) deleteModelTag(c *fiber.Ctx) error {
	id, e1 := param(c, "id")
	key, e2 := param(c, "key")
	return r.run(c, decide.DeleteModelTag{ID: id, Key: key}, errors.Join(e1, e2))
}
