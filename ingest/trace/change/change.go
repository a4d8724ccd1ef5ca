// Package change decides: what a request makes of a trace. It is pure.
package change

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Keys that MLflow gives a meaning.
const (
	nameTag        = "mlflow.traceName"
	artifactTag    = "mlflow.artifactLocation"
	spansTag       = "mlflow.trace.spansLocation"
	finalizedField = "mlflow.trace.infoFinalized"
	sessionField   = "mlflow.trace.session"
	userField      = "mlflow.trace.user"
	traceTagPrefix = "mlflow.traceTag."

	// spansHere is the value of spansTag for spans that the server keeps.
	spansHere = "TRACKING_STORE"

	inProgress  = "IN_PROGRESS"
	unspecified = "STATE_UNSPECIFIED"
)

// previewLengthMax is how much of a request or an answer is shown beside its trace.
const previewLengthMax = 1000

// Change makes the next state of a trace out of its present one, nil if there is none. It must not touch what it is
// given; nil says that nothing changes.
type Change func(*sgpb.Trace) (*sgpb.Trace, error)

func noTrace(id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Trace with ID '%s' not found.", id)
}

func clone(t *sgpb.Trace) *sgpb.Trace {
	out := proto.CloneOf(t)
	if out.Info.Tags == nil {
		out.Info.Tags = make(map[string]string)
	}
	if out.Info.TraceMetadata == nil {
		out.Info.TraceMetadata = make(map[string]string)
	}
	return out
}

func newTrace(id string, e *sgpb.Experiment) *sgpb.Trace {
	location := strings.TrimSuffix(e.GetArtifactLocation(), "/") + "/traces/" + id + "/artifacts"
	return &sgpb.Trace{Info: &sgpb.TraceInfo{
		TraceId: id, TraceLocation: locationOf(e.GetId()),
		TraceMetadata: make(map[string]string), Tags: map[string]string{artifactTag: location},
	}}
}

func locationOf(experiment string) *sgpb.TraceLocation {
	return &sgpb.TraceLocation{Type: "MLFLOW_EXPERIMENT", MlflowExperiment: &sgpb.TraceExperiment{ExperimentId: experiment}}
}

// Start is what a client reports of a trace at its end; what it says counts over what its spans said.
func Start(info *sgpb.TraceInfo, e *sgpb.Experiment, now time.Time) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		t := newTrace(info.GetTraceId(), e)
		if old != nil {
			artifacts := t.Info.Tags[artifactTag]
			t = clone(old)
			t.Info.Tags[artifactTag] = artifacts
		}
		t.Info.TraceLocation = locationOf(e.GetId())
		t.Info.RequestTime = info.GetRequestTime()
		t.Info.ExecutionDuration = info.GetExecutionDuration()
		t.Info.State = stateOf(info.GetState())
		t.Info.ClientRequestId = info.ClientRequestId
		if old == nil || info.RequestPreview != nil {
			t.Info.RequestPreview = info.RequestPreview
		}
		if old == nil || info.ResponsePreview != nil {
			t.Info.ResponsePreview = info.ResponsePreview
		}
		artifacts := t.Info.Tags[artifactTag]
		maps.Copy(t.Info.Tags, info.GetTags())
		t.Info.Tags[artifactTag] = artifacts
		maps.Copy(t.Info.TraceMetadata, info.GetTraceMetadata())
		t.Info.TraceMetadata[finalizedField] = "true"
		for _, a := range info.GetAssessments() {
			added := completed(a, info.GetTraceId(), now)
			if same(t.Info.Assessments, added) == nil {
				t.Info.Assessments = put(t.Info.Assessments, added)
			}
		}
		t.Finalized = true
		return t, nil
	}
}

func stateOf(text string) string {
	if text == "" {
		return unspecified
	}
	return text
}

func truncated(value string) string {
	if utf8.RuneCountInString(value) > mlflow.TagValueMax {
		return string([]rune(value)[:mlflow.TagValueMax])
	}
	return value
}

// SetTag sets a tag.
func SetTag(id, key, value string) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		if old == nil {
			return nil, noTrace(id)
		}
		t := clone(old)
		t.Info.Tags[key] = truncated(value)
		return t, nil
	}
}

// DeleteTag removes a tag that must be there.
func DeleteTag(id, key string) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		if _, ok := old.GetInfo().GetTags()[key]; !ok {
			return nil, track.Errorf(track.ResourceDoesNotExist, "No trace tag with key '%s' for trace with ID '%s'", key, id)
		}
		t := clone(old)
		delete(t.Info.Tags, key)
		return t, nil
	}
}

// LinkRun links a trace to a run; a trace that is not there is left out.
func LinkRun(run string) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		if old == nil || slices.Contains(old.GetRunIds(), run) {
			return nil, nil
		}
		t := clone(old)
		t.RunIds = append(t.RunIds, run)
		return t, nil
	}
}

// LinkPrompts links versions of prompts, as name/version.
func LinkPrompts(id string, prompts []string) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		if old == nil {
			return nil, noTrace(id)
		}
		t := clone(old)
		for _, p := range prompts {
			if !slices.Contains(t.Prompts, p) {
				t.Prompts = append(t.Prompts, p)
			}
		}
		return t, nil
	}
}

// Begin and End are how clients before MLflow 3 report a trace.
func Begin(id string, e *sgpb.Experiment, startMS int64, metadata, tags map[string]string) Change {
	return func(*sgpb.Trace) (*sgpb.Trace, error) {
		t := newTrace(id, e)
		t.Info.RequestTime = timestamppb.New(time.UnixMilli(startMS))
		t.Info.State = inProgress
		artifacts := t.Info.Tags[artifactTag]
		maps.Copy(t.Info.Tags, tags)
		t.Info.Tags[artifactTag] = artifacts
		maps.Copy(t.Info.TraceMetadata, metadata)
		return t, nil
	}
}

// End is the counterpart of Begin.
func End(id string, endMS int64, state string, metadata, tags map[string]string) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		if old == nil {
			return nil, noTrace(id)
		}
		t := clone(old)
		t.Info.ExecutionDuration = durationpb.New(time.Duration(endMS)*time.Millisecond - time.Duration(t.Info.RequestTime.AsTime().UnixMilli())*time.Millisecond)
		t.Info.State = stateOf(state)
		maps.Copy(t.Info.Tags, tags)
		maps.Copy(t.Info.TraceMetadata, metadata)
		return t, nil
	}
}
