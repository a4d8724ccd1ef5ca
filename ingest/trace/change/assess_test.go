package change_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func feedback(value float64) *sgpb.Assessment {
	return &sgpb.Assessment{
		AssessmentName: "q", CreateTime: timestamppb.New(time.UnixMilli(1)), LastUpdateTime: timestamppb.New(time.UnixMilli(1)),
		Value: &sgpb.Assessment_Feedback{Feedback: &sgpb.Feedback{Value: structpb.NewNumberValue(value)}},
	}
}

// assess adds an assessment and answers it.
func assess(t *testing.T, x *sgpb.Trace, a *sgpb.Assessment) (*sgpb.Trace, *sgpb.Assessment) {
	t.Helper()
	var created *sgpb.Assessment
	x = apply(t, x, change.Assess(id, a, now, func(a *sgpb.Assessment) { created = a }))
	return x, created
}

func TestARepeatedAssessmentIsOne(t *testing.T) {
	x := apply(t, nil, change.Start(started(), experiment, now))
	x, first := assess(t, x, feedback(0.5))
	x, twin := assess(t, x, feedback(0.5))
	x, other := assess(t, x, feedback(0.6))
	if first.AssessmentId != twin.AssessmentId || first.AssessmentId == other.AssessmentId || len(x.Info.Assessments) != 2 {
		t.Errorf("got %v", x.Info.Assessments)
	}
	if !first.GetValid() || first.TraceId != id {
		t.Errorf("got %v", first)
	}
}

func TestAnOverriddenAssessmentCountsAgainWhenItsSuccessorGoes(t *testing.T) {
	x := apply(t, nil, change.Start(started(), experiment, now))
	x, first := assess(t, x, feedback(0.5))
	successor := feedback(0.6)
	successor.Overrides = proto.String(first.AssessmentId)
	x, second := assess(t, x, successor)
	if x.Info.Assessments[0].GetValid() || !x.Info.Assessments[1].GetValid() {
		t.Errorf("got %v", x.Info.Assessments)
	}
	x = apply(t, x, change.Unassess(second.AssessmentId), change.Unassess(second.AssessmentId))
	if len(x.Info.Assessments) != 1 || !x.Info.Assessments[0].GetValid() {
		t.Errorf("got %v", x.Info.Assessments)
	}
	successor.Overrides = proto.String("a-none")
	if _, err := change.Assess(id, successor, now, nil)(x); track.CodeOf(err) != track.ResourceDoesNotExist {
		t.Errorf("overrode nothing: %v", err)
	}
	if _, err := change.Assess(id, successor, now, nil)(nil); track.CodeOf(err) != track.ResourceDoesNotExist {
		t.Errorf("assessed nothing: %v", err)
	}
}

func TestReassess(t *testing.T) {
	x := apply(t, nil, change.Start(started(), experiment, now))
	a := feedback(0.5)
	a.Metadata = map[string]string{"by": "hand", "of": "x"}
	x, a = assess(t, x, a)
	with := &sgpb.Assessment{
		AssessmentName: "p", Rationale: proto.String("why"), Metadata: map[string]string{"of": "y"}, Valid: proto.Bool(false),
		Value: &sgpb.Assessment_Feedback{Feedback: &sgpb.Feedback{Value: structpb.NewStringValue("good")}},
	}
	var got *sgpb.Assessment
	told := func(a *sgpb.Assessment) { got = a }
	apply(t, x, change.Reassess(id, a.AssessmentId, with, []string{"assessment_name", "rationale", "metadata", "valid", "feedback"}, now, told))
	if got.AssessmentName != "p" || got.GetRationale() != "why" || got.Metadata["by"]+got.Metadata["of"] != "handy" || got.GetValid() ||
		got.GetFeedback().GetValue().GetStringValue() != "good" || !got.LastUpdateTime.AsTime().Equal(now) || got.CreateTime.AsTime().UnixMilli() != 1 {
		t.Errorf("got %v", got)
	}
	if _, err := change.Reassess(id, a.AssessmentId, with, []string{"expectation"}, now, told)(x); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("a feedback became an expectation: %v", err)
	}
	if err := change.CheckAssessment(&sgpb.Assessment{AssessmentName: "q"}); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("an assessment of nothing: %v", err)
	}
}
