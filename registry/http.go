package registry

import (
	"context"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	alerts "github.com/streamgauge/streamgauge/registry/alerts/serve"
	"github.com/streamgauge/streamgauge/registry/decide"
	evaluation "github.com/streamgauge/streamgauge/registry/evaluation/serve"
	lineage "github.com/streamgauge/streamgauge/registry/lineage/serve"
	"github.com/streamgauge/streamgauge/registry/rest"
	transfer "github.com/streamgauge/streamgauge/registry/transfer/serve"
	v1 "github.com/streamgauge/streamgauge/registry/v1"
	hooks "github.com/streamgauge/streamgauge/registry/webhook/serve"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Routes registers MLflow's routes of experiments, logged models, registered models and webhooks, but for the
// searches of experiments and registered models, evaluation datasets and scorers, and our own of alerts, approvals, endpoints, recorded
// lineage, and what carries documents to another server.
func (r *Registry) Routes(to fiber.Router) {
	for _, prefix := range []string{"/api/2.0/mlflow", "/ajax-api/2.0/mlflow"} {
		to.Post(prefix+"/experiments/create", r.createExperiment)
		to.Get(prefix+"/experiments/get", r.getExperiment)
		to.Get(prefix+"/experiments/get-by-name", r.getExperimentByName)
		to.Post(prefix+"/experiments/update", r.updateExperiment)
		to.Post(prefix+"/experiments/delete", r.deleteExperiment)
		to.Post(prefix+"/experiments/restore", r.restoreExperiment)
		to.Post(prefix+"/experiments/set-experiment-tag", r.setExperimentTag)
		to.Post(prefix+"/experiments/delete-experiment-tag", r.deleteExperimentTag)

		to.Post(prefix+"/logged-models", r.createModel)
		to.Get(prefix+"/logged-models/:id", r.getModel)
		to.Patch(prefix+"/logged-models/:id", r.finalizeModel)
		to.Delete(prefix+"/logged-models/:id", r.deleteModel)
		to.Post(prefix+"/logged-models/:id/params", r.logModelParams)
		to.Patch(prefix+"/logged-models/:id/tags", r.setModelTags)
		to.Delete(prefix+"/logged-models/:id/tags/:key", r.deleteModelTag)

		r.models.Routes(to, prefix)
		hooks.Routes(to, prefix, r.committer, r.sender)
	}
	hooks.OwnRoutes(to, r.committer, r.sender)
	alerts.Routes(to, r.committer, r.alerts)
	v1.Routes(to, r.committer, r.journal)
	lineage.Routes(to, r.committer)
	evaluation.Routes(to, r.committer, r.journal)
	transfer.Routes(to, r.committer, r.journal, r.alerts.Book)
}

// fields reads a request's parameters.
func fields(c *fiber.Ctx) (mlflow.Fields, error) { return rest.Fields(c) }

// param reads a part of the path.
func param(c *fiber.Ctx, name string) (string, error) { return rest.Param(c, name) }

// reply writes an object; nil is an empty one.
func reply(c *fiber.Ctx, field string, value func(*jx.Encoder)) error {
	return rest.Reply(c, field, value)
}

// run carries out a command that is answered with an empty object.
func (r *Registry) run(c *fiber.Ctx, cmd decide.Command, err error) error {
	if err != nil {
		return err
	}
	if _, err := r.committer.Do(c.UserContext(), cmd); err != nil {
		return err
	}
	return reply(c, "", nil)
}

// Experiment answers an experiment by id; "" is the default one. It is shared: do not change it.
func (r *Registry) Experiment(ctx context.Context, id string) (*sgpb.Experiment, error) {
	key, err := decide.ExperimentKey(id)
	if err != nil {
		return nil, err
	}
	e, err := r.committer.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	if e.Doc.GetExperiment() == nil {
		return nil, decide.NoExperiment(key[len(document.ExperimentPrefix):])
	}
	return e.Doc.GetExperiment(), nil
}

// ExperimentByName answers the experiment that holds a name, a deleted one too.
func (r *Registry) ExperimentByName(ctx context.Context, name string) (*sgpb.Experiment, error) {
	e, err := r.committer.Load(ctx, document.ExperimentNameKey(name))
	if err != nil {
		return nil, err
	}
	owner := e.Doc.GetClaim().GetOwner()
	if owner == "" {
		return nil, track.Errorf(track.ResourceDoesNotExist, "Could not find experiment with name '%s'", name)
	}
	return r.Experiment(ctx, owner[len(document.ExperimentPrefix):])
}

// Model answers a logged model. It is shared: do not change it.
func (r *Registry) Model(ctx context.Context, id string) (*sgpb.LoggedModel, error) {
	key, err := decide.ModelKey(id)
	if err != nil {
		return nil, err
	}
	e, err := r.committer.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	if e.Doc.GetLoggedModel() == nil {
		return nil, decide.NoModel(id)
	}
	return e.Doc.GetLoggedModel(), nil
}
