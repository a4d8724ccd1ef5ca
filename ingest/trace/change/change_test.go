package change_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const id = "tr-1"

var (
	experiment = &sgpb.Experiment{Id: "6", ArtifactLocation: "mlflow-artifacts:/6"}
	now        = time.UnixMilli(5000)
)

func span(parent string, startMS, endMS int64, status string, attributes map[string]string) *otlp.Span {
	return &otlp.Span{
		Span: table.Span{
			TraceID: id, SpanID: "aa", ParentID: parent, Status: status,
			StartNS: startMS * int64(time.Millisecond), EndNS: endMS * int64(time.Millisecond),
		},
		Attributes: attributes,
		Resource:   map[string]string{"service.name": "gauge", "telemetry.sdk.name": "x", "mlflow.trace.spansLocation": "forged"},
	}
}

func started() *sgpb.TraceInfo {
	return &sgpb.TraceInfo{
		TraceId: id, RequestTime: timestamppb.New(time.UnixMilli(1000)), ExecutionDuration: durationpb.New(time.Second), State: "OK",
		Tags: map[string]string{"mlflow.traceName": "n"}, TraceMetadata: map[string]string{"k": "v"},
	}
}

// apply carries out changes one after another and checks that none touches what it is given.
func apply(t *testing.T, old *sgpb.Trace, changes ...change.Change) *sgpb.Trace {
	t.Helper()
	for i, c := range changes {
		before := proto.CloneOf(old)
		next, err := c(old)
		if err != nil {
			t.Fatalf("change %d: %v", i, err)
		}
		if !proto.Equal(before, old) {
			t.Fatalf("change %d touched what it was given", i)
		}
		if next != nil {
			old = next
		}
	}
	return old
}

func spent(x *sgpb.Trace) [2]int64 {
	return [2]int64{x.Info.RequestTime.AsTime().UnixMilli(), x.Info.ExecutionDuration.AsDuration().Milliseconds()}
}

func TestSpansMakeATrace(t *testing.T) {
	child := change.LogSpans([]*otlp.Span{span("bb", 1200, 1400, "OK", nil)}, experiment)
	x := apply(t, nil, child)
	if x.Info.State != "IN_PROGRESS" || spent(x) != [2]int64{1200, 200} || x.Info.Tags["mlflow.trace.spansLocation"] != "TRACKING_STORE" {
		t.Errorf("got %v", x)
	}
	root := map[string]string{
		"mlflow.spanInputs": strings.Repeat("ü", 1001), "session.id": `"s"`, "user.id": `"u"`,
		"mlflow.traceTag.colour": `"blue"`, "mlflow.traceTag.a//b": `"no tag"`,
	}
	x = apply(t, x, change.LogSpans([]*otlp.Span{span("", 1000, 2000, "ERROR", root)}, experiment))
	if x.Info.State != "ERROR" || spent(x) != [2]int64{1000, 1000} {
		t.Errorf("got %v", x)
	}
	want := map[string]string{
		"mlflow.artifactLocation": "mlflow-artifacts:/6/traces/tr-1/artifacts", "mlflow.trace.spansLocation": "TRACKING_STORE",
		"service.name": "gauge", "colour": "blue",
	}
	if !maps.Equal(x.Info.Tags, want) {
		t.Errorf("tags %v", x.Info.Tags)
	}
	if x.Info.TraceMetadata["mlflow.trace.session"] != "s" || x.Info.TraceMetadata["mlflow.trace.user"] != "u" {
		t.Errorf("metadata %v", x.Info.TraceMetadata)
	}
	if p := []rune(x.Info.GetRequestPreview()); len(p) != 1000 || string(p[996:]) != "ü..." {
		t.Errorf("preview of %d characters", len(p))
	}
}

func TestInWhateverOrderTheClientsCallsCome(t *testing.T) {
	start := change.Start(started(), experiment, now)
	late := change.LogSpans([]*otlp.Span{span("", 900, 9000, "ERROR", nil)}, experiment)
	first, last := apply(t, nil, start, late), apply(t, nil, late, start)
	if !proto.Equal(first, last) || spent(first) != [2]int64{1000, 1000} || first.Info.State != "OK" {
		t.Errorf("start first:\n%v\nspans first:\n%v", first, last)
	}
	if again := apply(t, first, start, late, start); !proto.Equal(again, first) {
		t.Errorf("repeated:\n%v\nwant\n%v", again, first)
	}
}

func TestStartKeepsWhatCameBetween(t *testing.T) {
	feedback := &sgpb.Assessment{AssessmentName: "q", Value: &sgpb.Assessment_Feedback{Feedback: &sgpb.Feedback{Value: structpb.NewBoolValue(true)}}}
	info := started()
	info.Assessments = []*sgpb.Assessment{feedback}
	start := change.Start(info, experiment, now)
	x := apply(t, nil, start, change.SetTag(id, "checked", "yes"), change.LinkRun("r"), change.LinkPrompts(id, []string{"p/1", "p/1"}), start)
	if x.Info.Tags["checked"] != "yes" || len(x.Info.Assessments) != 1 || len(x.RunIds) != 1 || len(x.Prompts) != 1 {
		t.Errorf("got %v", x)
	}
}

func TestTags(t *testing.T) {
	x := apply(t, nil, change.Start(started(), experiment, now), change.SetTag(id, "a", strings.Repeat("x", 8001)))
	if n := len(x.Info.Tags["a"]); n != 8000 {
		t.Errorf("a tag of %d characters", n)
	}
	x = apply(t, x, change.DeleteTag(id, "a"))
	for name, c := range map[string]change.Change{
		"no trace to tag":      func(*sgpb.Trace) (*sgpb.Trace, error) { return change.SetTag(id, "a", "b")(nil) },
		"no tag to delete":     change.DeleteTag(id, "a"),
		"no trace to untag":    func(*sgpb.Trace) (*sgpb.Trace, error) { return change.DeleteTag(id, "a")(nil) },
		"no trace to link":     func(*sgpb.Trace) (*sgpb.Trace, error) { return change.LinkPrompts(id, nil)(nil) },
		"no trace to end":      func(*sgpb.Trace) (*sgpb.Trace, error) { return change.End(id, 1, "OK", nil, nil)(nil) },
		"no assessment":        change.Reassess(id, "a-1", nil, nil, now, nil),
		"no trace to reassess": func(*sgpb.Trace) (*sgpb.Trace, error) { return change.Reassess(id, "a", nil, nil, now, nil)(nil) },
	} {
		if _, err := c(x); track.CodeOf(err) != track.ResourceDoesNotExist {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheFormOfMLflow2(t *testing.T) {
	x := apply(t, nil, change.Begin(id, experiment, 1000, map[string]string{"m": "1"}, map[string]string{"t": "1"}),
		change.End(id, 3500, "ERROR", map[string]string{"m": "2"}, map[string]string{"u": "1"}))
	if spent(x) != [2]int64{1000, 2500} || x.Info.State != "ERROR" || x.Info.TraceMetadata["m"] != "2" || x.Info.Tags["t"]+x.Info.Tags["u"] != "11" {
		t.Errorf("got %v", x)
	}
}
