package otlp

import (
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

const (
	// nodeBytes is about what names, braces and a number take of one value in a row.
	nodeBytes = 48
	// spanBytes is about what a span without a text takes in a row.
	spanBytes = 512
)

// escapes says how many bytes a quote or backslash and a control character become.
type escapes struct{ quote, control int }

// Attributes stand in OTLP as JSON, in content as JSON within JSON.
var (
	once  = escapes{quote: len(`\"`), control: len(`\u0001`)}
	twice = escapes{quote: len(`\\\"`), control: len(`\\u0001`)}
)

func (e escapes) text(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			n += e.quote - 1
		case c < ' ':
			n += e.control - 1
		}
	}
	return n
}

func (e escapes) value(v *commonpb.AnyValue) int {
	n := nodeBytes
	switch x := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		n += e.text(x.StringValue)
	case *commonpb.AnyValue_BytesValue:
		n += encodedBytes(x.BytesValue)
	case *commonpb.AnyValue_ArrayValue:
		for _, item := range x.ArrayValue.GetValues() {
			n += e.value(item)
		}
	case *commonpb.AnyValue_KvlistValue:
		n += e.pairs(x.KvlistValue.GetValues())
	}
	return n
}

func (e escapes) pairs(pairs []*commonpb.KeyValue) int {
	n := 0
	for _, p := range pairs {
		n += e.text(p.GetKey()) + e.value(p.GetValue())
	}
	return n
}

// span is about how long a span is; its events and links are escaped once in both forms, which is not told apart.
func (e escapes) span(s *tracepb.Span) int {
	n := spanBytes + e.text(s.GetName()) + e.text(s.GetStatus().GetMessage()) + e.pairs(s.GetAttributes())
	for _, x := range s.GetEvents() {
		n += 2*nodeBytes + e.text(x.GetName()) + e.pairs(x.GetAttributes())
	}
	for _, x := range s.GetLinks() {
		n += 2*nodeBytes + encodedBytes(x.GetTraceId()) + encodedBytes(x.GetSpanId()) + e.pairs(x.GetAttributes())
	}
	return n
}

// encodedBytes is at least the length of both base64 and hex.
func encodedBytes(b []byte) int { return 2 * len(b) }
