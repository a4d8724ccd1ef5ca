package document

import (
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Tags of runs that were forked, as our Python library writes them (docs/series.md).
const (
	tagForkParent = "streamgauge.fork.parent"
	tagForkStep   = "streamgauge.fork.step"
)

// Fork is what a run was forked from: the run's id and the last step that is inherited. nil if it is no fork, or if its tags
// do not say both.
func Fork(run *sgpb.Run) *sgpb.Fork {
	if f := run.GetFork(); f.GetRunId() != "" {
		return f
	}
	tags := run.GetTags()
	step, err := strconv.ParseInt(tags[tagForkStep], 10, 64)
	if _, ok := track.ParseRunID(tags[tagForkParent]); !ok || err != nil {
		return nil
	}
	return &sgpb.Fork{RunId: tags[tagForkParent], Step: step}
}
