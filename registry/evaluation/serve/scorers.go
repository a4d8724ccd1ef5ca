package serve

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/evaluation"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// scorer is a version of a scorer as MLflow's protocol has it, where the experiment's id is a number.
type scorer struct {
	Experiment int64  `json:"experiment_id"`
	Name       string `json:"scorer_name"`
	Version    uint32 `json:"scorer_version"`
	Serialized string `json:"serialized_scorer"`
	Created    int64  `json:"creation_time"`
	ID         string `json:"scorer_id"`
}

func showScorer(experimentID string, s *sgpb.Scorer, v *sgpb.ScorerVersion) scorer {
	n, _ := strconv.ParseInt(experimentID, 10, 64) // ids are numbers
	return scorer{n, s.GetName(), v.GetVersion(), v.GetSerialized(), v.GetCreatedMs(), s.GetId()}
}

type scorerList struct {
	Scorers []scorer `json:"scorers,omitempty"`
}

func (h *handlers) register(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := evaluation.Register{NewID: webhook.NewID()}
	if cmd.ExperimentID, err = f.RequiredID("experiment_id"); err != nil {
		return err
	}
	if cmd.Name, err = f.Required("name"); err != nil {
		return err
	}
	if cmd.Serialized, err = f.Required("serialized_scorer"); err != nil {
		return err
	}
	doc, err := h.documents.Do(c.UserContext(), decide.By(cmd))
	if err != nil {
		return err
	}
	s := evaluation.FindScorer(doc.GetScorers().GetScorers(), cmd.Name)
	v := evaluation.FindVersion(s, 0)
	return rest.JSON(c, map[string]any{
		"version": v.GetVersion(), "scorer_id": s.GetId(), "experiment_id": cmd.ExperimentID, "name": s.GetName(),
		"serialized_scorer": v.GetSerialized(), "creation_time": v.GetCreatedMs(),
	})
}

// scorers answers those of an active experiment.
func (h *handlers) scorers(ctx context.Context, experimentID string) (id string, all []*sgpb.Scorer, err error) {
	key, err := decide.ExperimentKey(experimentID)
	if err != nil {
		return "", nil, err
	}
	e, err := h.documents.Load(ctx, key)
	if err != nil {
		return "", nil, err
	}
	x := e.Doc.GetExperiment()
	switch {
	case x == nil:
		return "", nil, decide.NoExperiment(experimentID)
	case x.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_ACTIVE:
		return "", nil, track.Errorf(track.InvalidParameterValue, "The experiment %s must be in the 'active' state. Current state is %s.", x.GetId(), mlflow.LifecycleName(x.GetLifecycle()))
	}
	e, err = h.documents.Load(ctx, document.ScorersKey(x.GetId()))
	return x.GetId(), e.Doc.GetScorers().GetScorers(), err
}

// listBytesMax bounds the texts in a list of scorers.
const listBytesMax = 64 << 20

// list shows the newest version of each scorer: of one experiment, of several, or of all that are active.
func (h *handlers) list(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	one, err := f.ID("experiment_id")
	if err != nil {
		return err
	}
	ids, err := f.Strings("experiment_ids")
	if err != nil {
		return err
	}
	var out scorerList
	switch {
	case one != "" && f.Has("experiment_ids"):
		return track.Errorf(track.InvalidParameterValue, "Cannot specify both 'experiment_id' and 'experiment_ids'. Use 'experiment_ids' to scope the query to multiple experiments, or 'experiment_id' to scope it to a single experiment.")
	case one != "":
		out.Scorers, err = h.newest(c.UserContext(), one)
	default:
		out.Scorers, err = h.newestOfAll(c.UserContext(), ids, f.Has("experiment_ids"))
	}
	if err != nil {
		return err
	}
	return rest.JSON(c, out)
}

func (h *handlers) newest(ctx context.Context, experimentID string) ([]scorer, error) {
	id, all, err := h.scorers(ctx, experimentID)
	if err != nil {
		return nil, err
	}
	out := make([]scorer, len(all)) // they are in the order of their names
	for i, s := range all {
		out[i] = showScorer(id, s, evaluation.FindVersion(s, 0))
	}
	return out, nil
}

// newestOfAll passes over experiments that are not there or not active.
func (h *handlers) newestOfAll(ctx context.Context, ids []string, given bool) (out []scorer, err error) {
	if !given {
		keys, err := h.keys.List(ctx, document.ScorersPrefix)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			ids = append(ids, key[len(document.ScorersPrefix):])
		}
	}
	slices.Sort(ids)
	size := 0
	for _, id := range slices.Compact(ids) {
		all, err := h.newest(ctx, id)
		for _, s := range all {
			size += len(s.Serialized)
		}
		if size > listBytesMax {
			return nil, track.Errorf(track.InvalidParameterValue, "The scorers asked for are more than %d MiB; ask for fewer experiments with 'experiment_ids'", listBytesMax>>20)
		}
		switch track.CodeOf(err) {
		case track.ResourceDoesNotExist:
			continue
		case track.InvalidParameterValue:
			if _, wrong := decide.ExperimentKey(id); wrong == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, all...)
	}
	slices.SortStableFunc(out, func(a, b scorer) int { return cmp.Compare(a.Experiment, b.Experiment) })
	return out, nil
}

// named reads which scorer of which experiment is meant, and a version of it, 0 if it was not said.
func named(c *fiber.Ctx) (experimentID, name string, version uint32, err error) {
	f, err := rest.Fields(c)
	if err != nil {
		return "", "", 0, err
	}
	if experimentID, err = f.RequiredID("experiment_id"); err != nil {
		return "", "", 0, err
	}
	if name, err = f.Required("name"); err != nil {
		return "", "", 0, err
	}
	n, err := f.Int64("version", 0)
	if err == nil && (n < 0 || n > math.MaxInt32 || n == 0 && f.Has("version")) {
		err = evaluation.NoScorer(experimentID, name, uint32(max(0, min(n, math.MaxInt32))))
	}
	return experimentID, name, uint32(max(0, min(n, math.MaxInt32))), err
}

func (h *handlers) find(c *fiber.Ctx) (experimentID string, s *sgpb.Scorer, version uint32, err error) {
	id, name, version, err := named(c)
	if err != nil {
		return "", nil, 0, err
	}
	experimentID, all, err := h.scorers(c.UserContext(), id)
	if err != nil {
		return "", nil, 0, err
	}
	if s = evaluation.FindScorer(all, name); s == nil {
		return "", nil, 0, evaluation.NoScorer(id, name, 0)
	}
	return experimentID, s, version, nil
}

func (h *handlers) versions(c *fiber.Ctx) error {
	id, s, _, err := h.find(c)
	if err != nil {
		return err
	}
	var out scorerList
	for _, v := range s.GetVersions() {
		out.Scorers = append(out.Scorers, showScorer(id, s, v))
	}
	return rest.JSON(c, out)
}

func (h *handlers) getScorer(c *fiber.Ctx) error {
	id, s, version, err := h.find(c)
	if err != nil {
		return err
	}
	v := evaluation.FindVersion(s, version)
	if v == nil {
		return evaluation.NoScorer(id, s.GetName(), version)
	}
	return rest.JSON(c, map[string]any{"scorer": showScorer(id, s, v)})
}

func (h *handlers) deleteScorer(c *fiber.Ctx) error {
	id, name, version, err := named(c)
	if err != nil {
		return err
	}
	return h.replyDone(c, evaluation.DeleteScorer{ExperimentID: id, Name: name, Version: version})
}
