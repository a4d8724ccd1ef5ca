package document

import (
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// LifecycleOf is the lifecycle stage that a run is in. Deleting or restoring an experiment moves all its
// runs, as in MLflow, those included that were deleted one by one. No run is written for that: the experiment
// counts its moves, a run remembers the count at its own last move, and whichever move is newer counts.
// A missing experiment leaves the run as it is.
func LifecycleOf(run *sgpb.Run, experiment *sgpb.Experiment) sgpb.Lifecycle {
	if experiment.GetLifecycleEpoch() > run.GetLifecycleEpoch() {
		return experiment.GetLifecycle()
	}
	return run.GetLifecycle()
}

// Effective is the run as readers must see it: with the lifecycle of LifecycleOf. It answers the run itself
// when nothing differs, else a copy.
func Effective(run *sgpb.Run, experiment *sgpb.Experiment) *sgpb.Run {
	stage := LifecycleOf(run, experiment)
	if stage == run.GetLifecycle() {
		return run
	}
	out := proto.Clone(run).(*sgpb.Run)
	out.Lifecycle = stage
	out.DeletedWithExperiment = stage == sgpb.Lifecycle_LIFECYCLE_DELETED
	return out
}
