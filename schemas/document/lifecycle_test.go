package document_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

func TestTheNewerMoveCounts(t *testing.T) {
	const active, deleted = sgpb.Lifecycle_LIFECYCLE_ACTIVE, sgpb.Lifecycle_LIFECYCLE_DELETED
	for name, c := range map[string]struct {
		run        *sgpb.Run
		experiment *sgpb.Experiment
		want       sgpb.Lifecycle
		with       bool
	}{
		"nothing ever moved":                        {&sgpb.Run{Lifecycle: active}, &sgpb.Experiment{Lifecycle: active}, active, false},
		"the run alone was deleted":                 {&sgpb.Run{Lifecycle: deleted}, &sgpb.Experiment{Lifecycle: active}, deleted, false},
		"the experiment was deleted":                {&sgpb.Run{Lifecycle: active}, &sgpb.Experiment{Lifecycle: deleted, LifecycleEpoch: 1}, deleted, true},
		"the run was restored after that":           {&sgpb.Run{Lifecycle: active, LifecycleEpoch: 1}, &sgpb.Experiment{Lifecycle: deleted, LifecycleEpoch: 1}, active, false},
		"a deleted run's experiment was restored":   {&sgpb.Run{Lifecycle: deleted}, &sgpb.Experiment{Lifecycle: active, LifecycleEpoch: 2}, active, false},
		"the run was deleted after the restoration": {&sgpb.Run{Lifecycle: deleted, LifecycleEpoch: 2}, &sgpb.Experiment{Lifecycle: active, LifecycleEpoch: 2}, deleted, false},
		"the experiment is not known":               {&sgpb.Run{Lifecycle: deleted}, nil, deleted, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := proto.Clone(c.run)
			got := document.Effective(c.run, c.experiment)
			if got.GetLifecycle() != c.want || got.GetDeletedWithExperiment() != c.with {
				t.Errorf("%v with the experiment: %v, want %v: %v", got.GetLifecycle(), got.GetDeletedWithExperiment(), c.want, c.with)
			}
			if !proto.Equal(before, c.run) {
				t.Error("the stored run was changed")
			}
		})
	}
}
