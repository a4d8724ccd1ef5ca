package document_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

func TestForkIsReadFromTags(t *testing.T) {
	t.Parallel()
	const parent = "0123456789abcdef0123456789abcdef"
	tagged := func(id, step string) *sgpb.Run {
		return &sgpb.Run{Tags: map[string]string{"streamgauge.fork.parent": id, "streamgauge.fork.step": step}}
	}
	if f := document.Fork(tagged(parent, "-7")); f.GetRunId() != parent || f.GetStep() != -7 {
		t.Error(f)
	}
	own := tagged(parent, "7")
	own.Fork = &sgpb.Fork{RunId: "r", Step: 1}
	if f := document.Fork(own); f != own.GetFork() {
		t.Error(f)
	}
	for what, run := range map[string]*sgpb.Run{"no tags": {}, "no run's id": tagged("x", "7"), "no step": tagged(parent, ""), "no run": nil} {
		if f := document.Fork(run); f != nil {
			t.Errorf("%s: %v", what, f)
		}
	}
}
