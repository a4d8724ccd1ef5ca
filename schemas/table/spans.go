package table

import "github.com/ClickHouse/ch-go/proto"

// Span is a row of table spans.
type Span struct {
	TraceID, SpanID, ParentID string
	Name, Type, Status        string
	StartNS, EndNS            int64
	// Content and OTLP are the span's two forms as JSON.
	Content, OTLP string
}

// Bytes is about how large the row is.
func (s *Span) Bytes() int { return len(s.Content) + len(s.OTLP) }

// Spans are the columns of table spans. The zero value is ready.
type Spans struct {
	traceID  proto.ColStr
	spanID   proto.ColStr
	parentID proto.ColStr
	name     proto.ColStr
	kind     Dictionary
	status   Dictionary
	startNS  proto.ColInt64
	endNS    proto.ColInt64
	content  proto.ColStr
	otlp     proto.ColStr
	revision proto.ColUInt64
}

// Append adds a span as a revision of its trace brought it.
func (s *Spans) Append(x *Span, revision uint64) {
	s.traceID.Append(x.TraceID)
	s.spanID.Append(x.SpanID)
	s.parentID.Append(x.ParentID)
	s.name.Append(x.Name)
	s.kind.Append(x.Type)
	s.status.Append(x.Status)
	s.startNS.Append(x.StartNS)
	s.endNS.Append(x.EndNS)
	s.content.Append(x.Content)
	s.otlp.Append(x.OTLP)
	s.revision.Append(revision)
}

// Rows in the columns.
func (s *Spans) Rows() int { return len(s.revision) }

// Input names the columns for an insert.
func (s *Spans) Input() proto.Input {
	return proto.Input{
		{Name: "trace_id", Data: &s.traceID},
		{Name: "span_id", Data: &s.spanID},
		{Name: "parent_id", Data: &s.parentID},
		{Name: "name", Data: &s.name},
		{Name: "type", Data: &s.kind},
		{Name: "status", Data: &s.status},
		{Name: "start_ns", Data: &s.startNS},
		{Name: "end_ns", Data: &s.endNS},
		{Name: "content", Data: &s.content},
		{Name: "otlp", Data: &s.otlp},
		{Name: "revision", Data: &s.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (s *Spans) Reset() {
	for _, c := range s.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
