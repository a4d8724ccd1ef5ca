package send

import (
	"cmp"
	"context"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// about says what an event is about, in names; of what cannot be read the id alone, for an alert is told all the same.
func (s *Sender) about(ctx context.Context, e *sgpb.AlertEvent) string {
	load := func(key string) *sgpb.Document {
		entry, err := s.documents.Load(ctx, key)
		if err != nil {
			return nil
		}
		return entry.Doc
	}
	id, experiment := e.GetRunId(), fmt.Sprint(e.GetExperiment())
	run := load(document.RunKey(id)).GetRun().GetName()
	name := load(document.ExperimentKey(experiment)).GetExperiment().GetName()
	if run != "" {
		id = fmt.Sprintf("%s (%s)", run, id)
	}
	return fmt.Sprintf("Run %s of experiment %s", id, cmp.Or(name, experiment))
}
