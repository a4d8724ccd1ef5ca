package table

import (
	"encoding/json"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	traceNameTag   = "mlflow.traceName"
	sourceRunField = "mlflow.sourceRun"
)

// Traces are the columns of table traces. Make one with NewTraces.
type Traces struct {
	experiment      proto.ColUInt32
	traceID         proto.ColStr
	clientRequestID *proto.ColNullable[string]
	name            proto.ColStr
	state           Dictionary
	requestMS       proto.ColInt64
	durationMS      *proto.ColNullable[int64]
	tags            *proto.ColMap[string, string]
	metadata        *proto.ColMap[string, string]
	runs            *proto.ColArr[string]
	prompts         *proto.ColArr[string]
	kinds           *proto.ColArr[string]
	names           *proto.ColArr[string]
	values          *proto.ColArr[string]
	valid           *proto.ColArr[uint8]
	document        proto.ColBytes
	deleted         proto.ColUInt8
	revision        proto.ColUInt64
}

// NewTraces gives empty columns.
func NewTraces() *Traces {
	texts := func() *proto.ColArr[string] { return new(proto.ColStr).Array() }
	return &Traces{
		clientRequestID: new(proto.ColStr).Nullable(), durationMS: new(proto.ColInt64).Nullable(),
		tags: newTextMap(), metadata: newTextMap(), runs: texts(), prompts: texts(),
		kinds: new(proto.ColStr).LowCardinality().Array(), names: texts(), values: texts(), valid: new(proto.ColUInt8).Array(),
	}
}

// Append adds one revision of a trace; encoded is the sgpb.Trace.
func (t *Traces) Append(x *sgpb.Trace, encoded []byte, revision uint64) {
	info := x.GetInfo()
	experiment, _ := track.ParseExperimentID(info.GetTraceLocation().GetMlflowExperiment().GetExperimentId())
	t.experiment.Append(experiment)
	t.traceID.Append(info.GetTraceId())
	t.clientRequestID.Append(nullable(info.ClientRequestId))
	t.name.Append(info.GetTags()[traceNameTag])
	t.state.Append(info.GetState())
	t.requestMS.Append(info.GetRequestTime().AsTime().UnixMilli())
	duration := proto.Null[int64]()
	if d := info.GetExecutionDuration(); d != nil {
		duration = proto.NewNullable(d.AsDuration().Milliseconds())
	}
	t.durationMS.Append(duration)
	t.tags.AppendKV(sortedPairs(info.GetTags()))
	t.metadata.AppendKV(sortedPairs(info.GetTraceMetadata()))
	t.runs.Append(runsOf(x))
	t.prompts.Append(x.GetPrompts())
	t.appendAssessments(info.GetAssessments())
	t.document.Append(encoded)
	t.deleted.Append(0)
	t.revision.Append(revision)
}

// AppendMoved hides the rows that a trace has in an experiment that it has left.
func (t *Traces) AppendMoved(experiment uint32, traceID string, revision uint64) {
	t.Append(&sgpb.Trace{Info: &sgpb.TraceInfo{TraceId: traceID}}, nil, revision)
	last := len(t.revision) - 1
	t.experiment[last] = experiment
	t.deleted[last] = 1
}

// runsOf are the run a trace was made in and those it was linked to.
func runsOf(x *sgpb.Trace) []string {
	runs := slices.Clone(x.GetRunIds())
	if made := x.GetInfo().GetTraceMetadata()[sourceRunField]; made != "" && !slices.Contains(runs, made) {
		runs = append(runs, made)
	}
	return runs
}

func (t *Traces) appendAssessments(all []*sgpb.Assessment) {
	n := len(all)
	kinds, names, values, valid := make([]string, n), make([]string, n), make([]string, n), make([]uint8, n)
	for i, a := range all {
		kinds[i], values[i] = AssessmentValue(a)
		names[i] = a.GetAssessmentName()
		if a.Valid == nil || a.GetValid() {
			valid[i] = 1
		}
	}
	t.kinds.Append(kinds)
	t.names.Append(names)
	t.values.Append(values)
	t.valid.Append(valid)
}

// AssessmentValue is an assessment's kind and its value as JSON.
func AssessmentValue(a *sgpb.Assessment) (kind, value string) {
	switch v := a.GetValue().(type) {
	case *sgpb.Assessment_Feedback:
		return "feedback", textOf(protojson.Marshal(v.Feedback.GetValue()))
	case *sgpb.Assessment_Expectation:
		if s := v.Expectation.GetSerializedValue(); s != nil {
			return "expectation", s.GetValue()
		}
		return "expectation", textOf(protojson.Marshal(v.Expectation.GetValue()))
	case *sgpb.Assessment_Issue:
		return "issue", textOf(json.Marshal(v.Issue.GetIssueName()))
	}
	return "", "null"
}

// textOf is JSON that could be encoded; NaN cannot.
func textOf(b []byte, err error) string {
	if err != nil {
		return "null"
	}
	return string(b)
}

func nullable(s *string) proto.Nullable[string] {
	if s == nil {
		return proto.Null[string]()
	}
	return proto.NewNullable(*s)
}

// Rows in the columns.
func (t *Traces) Rows() int { return len(t.revision) }

// Input names the columns for an insert.
func (t *Traces) Input() proto.Input {
	return proto.Input{
		{Name: "experiment", Data: &t.experiment},
		{Name: "trace_id", Data: &t.traceID},
		{Name: "client_request_id", Data: t.clientRequestID},
		{Name: "name", Data: &t.name},
		{Name: "state", Data: &t.state},
		{Name: "request_ms", Data: &t.requestMS},
		{Name: "duration_ms", Data: t.durationMS},
		{Name: "tags", Data: t.tags},
		{Name: "metadata", Data: t.metadata},
		{Name: "runs", Data: t.runs},
		{Name: "prompts", Data: t.prompts},
		{Name: "assessment_kinds", Data: t.kinds},
		{Name: "assessment_names", Data: t.names},
		{Name: "assessment_values", Data: t.values},
		{Name: "assessment_valid", Data: t.valid},
		{Name: "document", Data: &t.document},
		{Name: "deleted", Data: &t.deleted},
		{Name: "revision", Data: &t.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (t *Traces) Reset() {
	for _, c := range t.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
