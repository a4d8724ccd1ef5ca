package change

import (
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// LogSpans is what spans of one trace say of it.
func LogSpans(spans []*otlp.Span, e *sgpb.Experiment) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		t := newTrace(spans[0].TraceID, e)
		if old != nil {
			t = clone(old)
		}
		if !t.Finalized {
			spread(t.Info, spans)
		}
		for _, s := range spans {
			if s.Root() {
				learnFromRoot(t.Info, s)
			}
			learnWho(t.Info, s)
		}
		if t.Info.State == "" {
			t.Info.State = inProgress
		}
		t.Info.Tags[spansTag] = spansHere
		learnTags(t.Info, spans)
		return t, nil
	}
}

// spread widens a trace's time to that of its spans.
func spread(info *sgpb.TraceInfo, spans []*otlp.Span) {
	const unset = -1
	start, end := int64(unset), int64(unset)
	if info.RequestTime != nil {
		start = info.RequestTime.AsTime().UnixMilli()
		if info.ExecutionDuration != nil {
			end = start + info.ExecutionDuration.AsDuration().Milliseconds()
		}
	}
	for _, s := range spans {
		from, to := s.StartNS/int64(time.Millisecond), s.EndNS/int64(time.Millisecond)
		if start == unset || from < start {
			start = from
		}
		if s.EndNS > 0 {
			end = max(end, to)
		}
	}
	info.RequestTime = timestamppb.New(time.UnixMilli(start))
	if end != unset {
		info.ExecutionDuration = durationpb.New(time.Duration(end-start) * time.Millisecond)
	}
}

func learnFromRoot(info *sgpb.TraceInfo, s *otlp.Span) {
	if info.State == "" || info.State == inProgress || info.State == unspecified {
		info.State = "OK"
		if s.Status == "ERROR" {
			info.State = "ERROR"
		}
	}
	if v, ok := s.Attributes["mlflow.spanInputs"]; ok && info.RequestPreview == nil {
		info.RequestPreview = preview(v)
	}
	if v, ok := s.Attributes["mlflow.spanOutputs"]; ok && info.ResponsePreview == nil {
		info.ResponsePreview = preview(v)
	}
}

func preview(text string) *string {
	if utf8.RuneCountInString(text) > previewLengthMax {
		const dots = "..."
		text = string([]rune(text)[:previewLengthMax-len(dots)]) + dots
	}
	return &text
}

// learnWho takes session and user from the first span that names them.
func learnWho(info *sgpb.TraceInfo, s *otlp.Span) {
	for _, k := range []struct{ field, attribute string }{
		{sessionField, "session.id"}, {sessionField, "gen_ai.conversation.id"}, {userField, "user.id"},
	} {
		if v := s.Text(k.attribute); v != "" && info.TraceMetadata[k.field] == "" {
			info.TraceMetadata[k.field] = v
		}
	}
}

// learnTags makes tags of what the process says of itself, and over them of the tags that the root span carries.
func learnTags(info *sgpb.TraceInfo, spans []*otlp.Span) {
	for k, v := range spans[0].Resource {
		if !strings.HasPrefix(k, "telemetry.sdk.") && !strings.HasPrefix(k, "mlflow.") {
			setTag(info, k, v)
		}
	}
	for _, s := range spans {
		if !s.Root() {
			continue
		}
		for k := range s.Attributes {
			if key, ok := strings.CutPrefix(k, traceTagPrefix); ok {
				setTag(info, key, s.Text(k))
			}
		}
	}
}

// setTag leaves out what is no tag, as MLflow does for tags that come with spans.
func setTag(info *sgpb.TraceInfo, key, value string) {
	if mlflow.CheckKey("key", key) == nil {
		info.Tags[key] = truncated(value)
	}
}
