package change

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// newAssessmentID draws an id as MLflow does.
func newAssessmentID() string {
	const idBytes = 16
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // it never fails
	return "a-" + hex.EncodeToString(b[:])
}

// completed gives an assessment what the server says of it.
func completed(a *sgpb.Assessment, trace string, now time.Time) *sgpb.Assessment {
	out := proto.CloneOf(a)
	out.TraceId = trace
	if out.AssessmentId == "" {
		out.AssessmentId = newAssessmentID()
	}
	if out.CreateTime == nil {
		out.CreateTime = timestamppb.New(now.Truncate(time.Millisecond))
	}
	if out.LastUpdateTime == nil {
		out.LastUpdateTime = timestamppb.New(now.Truncate(time.Millisecond))
	}
	if out.Valid == nil {
		out.Valid = proto.Bool(true)
	}
	return out
}

// same finds an assessment that says the same, of the same millisecond: a client that had no answer repeats its
// request, and the id that would tell is drawn here.
func same(all []*sgpb.Assessment, a *sgpb.Assessment) *sgpb.Assessment {
	for _, other := range all {
		twin := proto.CloneOf(a)
		twin.AssessmentId, twin.Valid = other.AssessmentId, other.Valid
		if proto.Equal(twin, other) {
			return other
		}
	}
	return nil
}

// put adds an assessment, or replaces the one of its id.
func put(all []*sgpb.Assessment, a *sgpb.Assessment) []*sgpb.Assessment {
	if i := position(all, a.GetAssessmentId()); i >= 0 {
		all[i] = a
		return all
	}
	return append(all, a)
}

func position(all []*sgpb.Assessment, id string) int {
	return slices.IndexFunc(all, func(a *sgpb.Assessment) bool { return a.GetAssessmentId() == id })
}

func noAssessment(trace, id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Assessment with ID '%s' not found for trace '%s'", id, trace)
}

// Assess adds an assessment and tells it to created.
func Assess(trace string, a *sgpb.Assessment, now time.Time, created func(*sgpb.Assessment)) Change {
	a = completed(a, trace, now)
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		if old == nil {
			return nil, noTrace(trace)
		}
		if twin := same(old.Info.Assessments, a); twin != nil {
			created(twin)
			return nil, nil
		}
		t := clone(old)
		if overridden := a.GetOverrides(); overridden != "" {
			i := position(t.Info.Assessments, overridden)
			if i < 0 {
				return nil, noAssessment(trace, overridden)
			}
			t.Info.Assessments[i].Valid = proto.Bool(false)
		}
		t.Info.Assessments = put(t.Info.Assessments, a)
		created(a)
		return t, nil
	}
}

// Reassess changes the fields of an assessment that paths names, and tells the result to updated.
func Reassess(trace, id string, with *sgpb.Assessment, paths []string, now time.Time, updated func(*sgpb.Assessment)) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		if old == nil {
			return nil, track.Errorf(track.ResourceDoesNotExist, "Trace with request_id '%s' not found", trace)
		}
		t := clone(old)
		i := position(t.Info.Assessments, id)
		if i < 0 {
			return nil, noAssessment(trace, id)
		}
		a := t.Info.Assessments[i]
		for _, path := range paths {
			if err := reassess(a, with, path); err != nil {
				return nil, err
			}
		}
		a.LastUpdateTime = timestamppb.New(now.Truncate(time.Millisecond))
		updated(a)
		return t, nil
	}
}

func reassess(a, with *sgpb.Assessment, path string) error {
	switch path {
	case "assessment_name":
		a.AssessmentName = with.GetAssessmentName()
	case "rationale":
		a.Rationale = proto.String(with.GetRationale())
	case "metadata":
		if a.Metadata == nil {
			a.Metadata = make(map[string]string)
		}
		maps.Copy(a.Metadata, with.GetMetadata())
	case "valid":
		a.Valid = proto.Bool(with.GetValid())
	case "expectation":
		if a.GetExpectation() == nil {
			return track.Errorf(track.InvalidParameterValue, "Cannot update expectation value on a Feedback assessment.")
		}
		a.Value = &sgpb.Assessment_Expectation{Expectation: with.GetExpectation()}
	case "feedback":
		if a.GetFeedback() == nil {
			return track.Errorf(track.InvalidParameterValue, "Cannot update feedback value on an Expectation assessment.")
		}
		a.Value = &sgpb.Assessment_Feedback{Feedback: with.GetFeedback()}
	}
	return nil
}

// Unassess removes an assessment, if it is there; the one that it had overridden counts again.
func Unassess(id string) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		i := position(old.GetInfo().GetAssessments(), id)
		if i < 0 {
			return nil, nil
		}
		t := clone(old)
		if overridden := t.Info.Assessments[i].GetOverrides(); overridden != "" {
			if j := position(t.Info.Assessments, overridden); j >= 0 {
				t.Info.Assessments[j].Valid = proto.Bool(true)
			}
		}
		t.Info.Assessments = slices.Delete(t.Info.Assessments, i, i+1)
		return t, nil
	}
}

// CheckAssessment refuses what is no assessment, in MLflow's words.
func CheckAssessment(a *sgpb.Assessment) error {
	if a.GetValue() == nil {
		return track.Errorf(track.InvalidParameterValue, "Unknown assessment type: None")
	}
	return nil
}
