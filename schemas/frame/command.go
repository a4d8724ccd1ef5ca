package frame

import (
	"cmp"
	"errors"
	"slices"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

var errUnknownEvent = errors.New("run event of a kind that this version does not know")

// CommandOf is the wish that a run event stands for.
func CommandOf(runID string, e *sgpb.RunEvent) (track.Command, error) {
	switch v := e.GetEvent().(type) {
	case *sgpb.RunEvent_Started:
		return track.CreateRun{
			ID: runID, ExperimentID: v.Started.GetExperimentId(), ExperimentName: v.Started.GetExperimentName(),
			Name: v.Started.GetName(), User: v.Started.GetUser(), StartMS: e.GetTimeMs(),
			Tags: keyValues(v.Started.GetTags()), Ranks: v.Started.GetRanks(), Lenient: true,
		}, nil
	case *sgpb.RunEvent_Params:
		return track.LogBatch{RunID: runID, Params: keyValues(v.Params.GetParams()), Batch: true}, nil
	case *sgpb.RunEvent_Tags:
		return track.LogBatch{RunID: runID, Tags: keyValues(v.Tags.GetTags()), Batch: true}, nil
	case *sgpb.RunEvent_TagDeleted:
		return track.DeleteTag{RunID: runID, Key: v.TagDeleted.GetKey()}, nil
	case *sgpb.RunEvent_State:
		return track.UpdateRun{RunID: runID, Status: v.State.GetStatus(), EndMS: v.State.GetEndTimeMs()}, nil
	case *sgpb.RunEvent_Heartbeat:
		return track.Beat{RunID: runID}, nil
	}
	return nil, errUnknownEvent
}

func keyValues(m map[string]string) []*track.KeyValue {
	out := make([]*track.KeyValue, 0, len(m))
	for k, v := range m {
		out = append(out, &track.KeyValue{Key: k, Value: v})
	}
	slices.SortFunc(out, func(a, b *track.KeyValue) int { return cmp.Compare(a.Key, b.Key) })
	return out
}
