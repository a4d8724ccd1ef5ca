package tally

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func (s *Server) silent(ctx context.Context, f mlflow.Fields, w *jx.Encoder) error {
	ids, next, err := s.runs.FindRuns(ctx, f, SilentMax, false)
	if err != nil {
		return err
	}
	docs, err := s.runs.RunDocuments(ctx, ids)
	if err != nil {
		return err
	}
	now := s.now().UnixMilli()
	quiet := func(at int64) bool { return now-at > SilentAfter.Milliseconds() }
	// A change of the document is a sign, which heartbeats are too; only of runs without one is asked when they logged.
	seen := make(map[string]int64)
	for id, doc := range docs {
		if doc.GetStatus() == sgpb.RunStatus_RUN_STATUS_RUNNING && quiet(doc.GetUpdatedMs()) {
			seen[id] = doc.GetUpdatedMs()
		}
	}
	if err := s.logged(ctx, docs, seen); err != nil {
		return err
	}
	w.ObjStart()
	w.FieldStart("runs")
	w.ArrStart()
	for _, id := range ids {
		at, asked := seen[id]
		if at = min(at, now); !asked || !quiet(at) { // the job's clock is believed as far as it is not ahead
			continue
		}
		w.ObjStart()
		w.FieldStart("run_id")
		w.Str(id)
		w.FieldStart("seen")
		w.Int64(at)
		w.ObjEnd()
	}
	w.ArrEnd()
	w.FieldStart("more")
	w.Bool(next != "")
	w.ObjEnd()
	return nil
}

// logged makes times those of metrics that came later: what is newer is read first and what is applied second, so that nothing falls
// between.
func (s *Server) logged(ctx context.Context, docs map[string]*sgpb.Run, seen map[string]int64) error {
	if len(seen) == 0 {
		return nil
	}
	touched, err := s.tail.Runs(ctx)
	if err != nil {
		return fmt.Errorf("runs with newer points: %w", err)
	}
	byID := make(map[track.RunNumber]string, len(seen))
	byExperiment := make(map[uint32][]track.RunNumber)
	for id := range seen {
		number, _ := track.ParseRunID(id)
		experiment, _ := track.ParseExperimentID(docs[id].GetExperimentId())
		byID[number] = id
		byExperiment[experiment] = append(byExperiment[experiment], number)
	}
	for _, id := range touched {
		if _, asked := seen[id]; !asked {
			continue
		}
		number, _ := track.ParseRunID(id)
		newer, err := s.tail.Run(ctx, number)
		if err != nil {
			return fmt.Errorf("newer points of run %s: %w", id, err)
		}
		for _, section := range newer.Sections {
			if section.RunID == id && len(section.Points.TimeMS) > 0 { // run numbers are unique, but only ids are proof
				seen[id] = max(seen[id], slices.Max(section.Points.TimeMS))
			}
		}
	}
	for experiment, numbers := range byExperiment {
		applied, err := s.source.LastLogged(ctx, experiment, numbers)
		if err != nil {
			return fmt.Errorf("read when %d runs logged: %w", len(numbers), err)
		}
		for number, at := range applied {
			seen[byID[number]] = max(seen[byID[number]], at)
		}
	}
	return nil
}
