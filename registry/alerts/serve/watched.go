package serve

import (
	"context"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// checkWatched refuses experiments that are not there: an alert on a mistyped id would never tell anybody anything.
// Ids that are none at all are refused by the rule's own check.
func (h *handlers) checkWatched(ctx context.Context, experiments []string) error {
	if len(experiments) > alert.ExperimentsMax {
		return nil // refused by the rule's own check, too
	}
	for _, id := range experiments {
		if _, ok := track.ParseExperimentID(id); !ok {
			continue
		}
		e, err := h.documents.Load(ctx, document.ExperimentKey(id))
		if err != nil {
			return err
		}
		if e.Doc.GetExperiment() == nil {
			return track.Errorf(track.InvalidParameterValue,
				"experiment_ids: there is no experiment with the id %s; POST /api/2.0/mlflow/experiments/search lists them", id)
		}
	}
	return nil
}
