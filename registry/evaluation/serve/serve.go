// Package serve answers MLflow's routes of evaluation datasets and of scorers, but for the search of datasets, which
// reads the language of filters.
package serve

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/evaluation"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Documents is the registry.
type Documents interface {
	// Do carries out a command and answers its document.
	Do(ctx context.Context, c decide.Command) (*sgpb.Document, error)
	// Load answers a document.
	Load(ctx context.Context, key string) (commit.Entry, error)
}

// Lister lists the keys of a prefix.
type Lister interface {
	List(ctx context.Context, prefix string) ([]string, error)
}

// Routes registers the routes.
func Routes(to fiber.Router, d Documents, keys Lister) {
	h := &handlers{documents: d, keys: keys}
	for _, prefix := range []string{"/api/3.0/mlflow", "/ajax-api/3.0/mlflow"} {
		to.Post(prefix+"/datasets/create", h.create)
		to.Get(prefix+"/datasets/:id", h.get)
		to.Delete(prefix+"/datasets/:id", h.delete)
		to.Patch(prefix+"/datasets/:id/tags", h.setTags)
		to.Delete(prefix+"/datasets/:id/tags/:key", h.deleteTag)
		to.Post(prefix+"/datasets/:id/records", h.upsert)
		to.Get(prefix+"/datasets/:id/records", h.records)
		to.Delete(prefix+"/datasets/:id/records", h.deleteRecords)
		to.Get(prefix+"/datasets/:id/experiment-ids", h.experiments)
		to.Post(prefix+"/datasets/:id/add-experiments", h.place(false))
		to.Post(prefix+"/datasets/:id/remove-experiments", h.place(true))

		to.Post(prefix+"/scorers/register", h.register)
		to.Get(prefix+"/scorers/list", h.list)
		to.Get(prefix+"/scorers/versions", h.versions)
		to.Get(prefix+"/scorers/get", h.getScorer)
		to.Delete(prefix+"/scorers/delete", h.deleteScorer)
	}
}

type handlers struct {
	documents Documents
	keys      Lister
}

// replyDone carries out a rule that is answered with an empty object.
func (h *handlers) replyDone(c *fiber.Ctx, r decide.Rule) error {
	if _, err := h.documents.Do(c.UserContext(), decide.By(r)); err != nil {
		return err
	}
	return rest.JSON(c, struct{}{})
}

// dataset answers a dataset by id, nil if there is none.
func (h *handlers) dataset(ctx context.Context, id string) (*sgpb.EvaluationDataset, error) {
	key := evaluation.Key(id)
	if key == "" {
		return nil, nil
	}
	e, err := h.documents.Load(ctx, key)
	if e.Doc.GetEvaluationDataset().GetDeleted() {
		return nil, err
	}
	return e.Doc.GetEvaluationDataset(), err
}

func (h *handlers) create(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	var cmd evaluation.Create
	if cmd.Name, err = f.Required("name"); err != nil {
		return err
	}
	if cmd.ExperimentIDs, err = f.Strings("experiment_ids"); err != nil {
		return err
	}
	text, err := f.String("tags")
	if err != nil {
		return err
	}
	if cmd.Tags, err = readTags(text); err != nil {
		return err
	}
	doc, err := h.documents.Do(c.UserContext(), decide.By(cmd))
	if err != nil {
		return err
	}
	return rest.JSON(c, map[string]any{"dataset": mlflow.ShowEvaluationDataset(doc.GetEvaluationDataset(), true)})
}

// readTags reads tags as MLflow's client sends them, an object in a text. Values that are no texts are kept as JSON;
// null sets nothing.
func readTags(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'tags' supplied: it must be a JSON object in a text: %v", err)
	}
	tags := make(map[string]string, len(raw))
	for k, v := range raw {
		var s string
		switch {
		case string(v) == "null":
		case json.Unmarshal(v, &s) == nil:
			tags[k] = s
		default:
			tags[k] = string(v)
		}
	}
	return tags, nil
}

func (h *handlers) get(c *fiber.Ctx) error {
	id, err := rest.Param(c, "id")
	if err != nil {
		return err
	}
	e, err := h.dataset(c.UserContext(), id)
	if err != nil {
		return err
	}
	if e == nil {
		return evaluation.NoDataset(id)
	}
	return rest.JSON(c, map[string]any{"dataset": mlflow.ShowEvaluationDataset(e, false)})
}

func (h *handlers) delete(c *fiber.Ctx) error {
	id, err := rest.Param(c, "id")
	if err != nil {
		return err
	}
	return h.replyDone(c, evaluation.Delete{ID: id})
}

func (h *handlers) setTags(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	text, err := f.Required("tags")
	if err != nil {
		return err
	}
	tags, err := readTags(text)
	if err != nil {
		return err
	}
	return h.replyDone(c, evaluation.SetTags{ID: id, Tags: tags})
}

func (h *handlers) deleteTag(c *fiber.Ctx) error {
	id, err := rest.Param(c, "id")
	if err != nil {
		return err
	}
	key, err := rest.Param(c, "key")
	if err != nil {
		return err
	}
	return h.replyDone(c, evaluation.DeleteTag{ID: id, Key: key})
}

func (h *handlers) experiments(c *fiber.Ctx) error {
	id, err := rest.Param(c, "id")
	if err != nil {
		return err
	}
	e, err := h.dataset(c.UserContext(), id)
	if err != nil {
		return err
	}
	return rest.JSON(c, struct {
		IDs []string `json:"experiment_ids,omitempty"`
	}{e.GetExperimentIds()})
}

func (h *handlers) place(remove bool) fiber.Handler {
	return func(c *fiber.Ctx) error {
		id, f, err := rest.ParamAndFields(c, "id")
		if err != nil {
			return err
		}
		ids, err := f.Strings("experiment_ids")
		if err != nil {
			return err
		}
		doc, err := h.documents.Do(c.UserContext(), decide.By(evaluation.Place{ID: id, ExperimentIDs: ids, Remove: remove}))
		if err != nil {
			return err
		}
		return rest.JSON(c, map[string]any{"dataset": mlflow.ShowEvaluationDataset(doc.GetEvaluationDataset(), false)})
	}
}
