package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/table"
)

const (
	requestIDKey = "mlflow.traceRequestId"
	spanTypeKey  = "mlflow.spanType"
	typeUnknown  = "UNKNOWN"
	// TracePrefix is before the hex digits of OpenTelemetry's id in MLflow's.
	TracePrefix = "tr-"
	traceIDLen  = 16
	spanIDLen   = 8
)

// Span is a row, and what its trace may learn from it.
type Span struct {
	table.Span
	// Attributes are MLflow's form: JSON texts by key.
	Attributes map[string]string
	// Resource says what process made the span, as texts or JSON.
	Resource map[string]string
}

// Root says whether the span has no parent.
func (s *Span) Root() bool { return s.ParentID == "" }

// Text is an attribute that is a text, "" if there is none; one of another type is its JSON.
func (s *Span) Text(key string) string {
	raw := s.Attributes[key]
	var text string
	if json.Unmarshal([]byte(raw), &text) == nil {
		return text
	}
	return raw
}

// newSpan makes a row of about contentBytes and otlpBytes in its two forms.
func newSpan(s *tracepb.Span, resource map[string]string, contentBytes, otlpBytes int) (*Span, error) {
	if len(s.GetTraceId()) == 0 || len(s.GetTraceId()) > traceIDLen || len(s.GetSpanId()) == 0 || len(s.GetSpanId()) > spanIDLen {
		return nil, fiber.NewError(fiber.StatusUnprocessableEntity, "Cannot convert OpenTelemetry span to MLflow span")
	}
	traceID := TracePrefix + hexID(s.GetTraceId(), traceIDLen)
	clean := normalized(s, traceID)
	attributes := dumped(clean.GetAttributes())
	out := &Span{
		Span: table.Span{
			TraceID: traceID, SpanID: hexID(s.GetSpanId(), spanIDLen), Name: s.GetName(),
			StartNS: int64(s.GetStartTimeUnixNano()), EndNS: int64(s.GetEndTimeUnixNano()),
			Type: typeUnknown, Status: status(s), Content: string(content(make([]byte, 0, contentBytes), clean, attributes)),
		},
		Attributes: attributes,
		Resource:   resource,
	}
	if len(clean.GetParentSpanId()) > 0 {
		out.ParentID = hexID(clean.GetParentSpanId(), spanIDLen)
	}
	if kind := out.Text(spanTypeKey); kind != "" && kind != "null" {
		out.Type = kind
	}
	var w jx.Encoder
	w.Grow(otlpBytes)
	mlflow.EncodeMessage(&w, clean)
	out.OTLP = w.String()
	return out, nil
}

// normalized keeps what MLflow keeps of a span, its id as MLflow writes it included.
func normalized(s *tracepb.Span, traceID string) *tracepb.Span {
	parent := s.GetParentSpanId()
	if len(bytes.Trim(parent, "\x00")) == 0 {
		parent = nil
	}
	out := &tracepb.Span{
		TraceId: s.GetTraceId(), SpanId: s.GetSpanId(), ParentSpanId: parent, Name: s.GetName(),
		StartTimeUnixNano: s.GetStartTimeUnixNano(), EndTimeUnixNano: s.GetEndTimeUnixNano(),
		Status: &tracepb.Status{Code: s.GetStatus().GetCode(), Message: s.GetStatus().GetMessage()},
	}
	id := &commonpb.KeyValue{Key: requestIDKey, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: traceID}}}
	out.Attributes = distinct(append(s.GetAttributes()[:len(s.GetAttributes()):len(s.GetAttributes())], id))
	for _, e := range s.GetEvents() {
		out.Events = append(out.Events, &tracepb.Span_Event{Name: e.GetName(), TimeUnixNano: e.GetTimeUnixNano(), Attributes: e.GetAttributes()})
	}
	for _, l := range s.GetLinks() {
		out.Links = append(out.Links, &tracepb.Span_Link{TraceId: l.GetTraceId(), SpanId: l.GetSpanId(), Attributes: l.GetAttributes()})
	}
	return out
}

// hexID writes an id with all its digits, a short one with zeros in front.
func hexID(id []byte, length int) string {
	return fmt.Sprintf("%0*s", 2*length, hex.EncodeToString(id))
}

func status(s *tracepb.Span) string {
	switch s.GetStatus().GetCode() {
	case tracepb.Status_STATUS_CODE_OK:
		return "OK"
	case tracepb.Status_STATUS_CODE_ERROR:
		return "ERROR"
	}
	return "UNSET"
}

func dumped(pairs []*commonpb.KeyValue) map[string]string {
	out := make(map[string]string, len(pairs))
	for _, p := range pairs {
		out[p.GetKey()] = string(dump(make([]byte, 0, once.value(p.GetValue())), p.GetValue()))
	}
	return out
}

func texts(pairs []*commonpb.KeyValue) map[string]string {
	out := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if s, ok := p.GetValue().GetValue().(*commonpb.AnyValue_StringValue); ok {
			out[p.GetKey()] = s.StringValue
			continue
		}
		out[p.GetKey()] = string(dump(nil, p.GetValue()))
	}
	return out
}

// content appends the span as MLflow's server keeps it; attributes are its own, dumped.
func content(b []byte, s *tracepb.Span, attributes map[string]string) []byte {
	b = dumpText(append(b, `{"trace_id": `...), base64.StdEncoding.EncodeToString(s.GetTraceId()))
	b = dumpText(append(b, `, "span_id": `...), base64.StdEncoding.EncodeToString(s.GetSpanId()))
	b = append(b, `, "parent_span_id": `...)
	if len(s.GetParentSpanId()) > 0 {
		b = dumpText(b, base64.StdEncoding.EncodeToString(s.GetParentSpanId()))
	} else {
		b = append(b, "null"...)
	}
	b = dumpText(append(b, `, "name": `...), s.GetName())
	b = strconv.AppendUint(append(b, `, "start_time_unix_nano": `...), s.GetStartTimeUnixNano(), 10)
	b = strconv.AppendUint(append(b, `, "end_time_unix_nano": `...), s.GetEndTimeUnixNano(), 10)
	b = append(b, `, "events": [`...)
	for i, e := range s.GetEvents() {
		b = dumpText(append(comma(b, i), `{"name": `...), e.GetName())
		b = strconv.AppendUint(append(b, `, "time_unix_nano": `...), e.GetTimeUnixNano(), 10)
		b = append(dumpObject(append(b, `, "attributes": `...), e.GetAttributes()), '}')
	}
	b = dumpText(append(b, `], "status": {"code": `...), s.GetStatus().GetCode().String())
	b = dumpText(append(b, `, "message": `...), s.GetStatus().GetMessage())
	b = append(b, `}, "attributes": {`...)
	for i, p := range s.GetAttributes() {
		b = dumpText(comma(b, i), p.GetKey())
		b = dumpText(append(b, ": "...), attributes[p.GetKey()])
	}
	b = append(b, `}, "links": [`...)
	for i, l := range s.GetLinks() {
		b = dumpText(append(comma(b, i), `{"trace_id": `...), TracePrefix+hexID(l.GetTraceId(), traceIDLen))
		b = dumpText(append(b, `, "span_id": `...), hexID(l.GetSpanId(), spanIDLen))
		b = append(dumpObject(append(b, `, "attributes": `...), l.GetAttributes()), '}')
	}
	return append(b, "]}"...)
}
