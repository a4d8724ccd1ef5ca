package incoming

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	moving "github.com/streamgauge/streamgauge/ingest/trace/transfer"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// traceBytesMax is where the spans of a trace are divided over requests.
const traceBytesMax = 8 << 20

// at is where a row stands in the order of traces and spans.
type at struct {
	experiment int64
	trace      string
}

func (a at) compare(b at) int {
	return cmp.Or(cmp.Compare(a.experiment, b.experiment), strings.Compare(a.trace, b.trace))
}

// span is a row of spans.
type span struct {
	at
	moving.Span
}

// traces places traces with their spans: both tables have the same order.
func (l *load) traces(ctx context.Context) error {
	next, stop := iter.Pull2(l.spans(ctx))
	defer stop()
	s := &spans{next: next}
	t := &traceBatch{load: l}
	err := sheet.Each(ctx, l.Dir, l.manifest.Table("traces"), func(r *sheet.Rows) error {
		experiment, id, document := r.Int("experiment_id"), r.Texts("trace_id"), r.Texts("document")
		if r.Err() != nil {
			return r.Err()
		}
		for i := range r.Len {
			raw, err := l.trace(document(i))
			if err != nil {
				return err
			}
			if err := t.add(ctx, raw, s.of(at{experiment(i), id(i)})); err != nil {
				return err
			}
		}
		return nil
	})
	if err = errors.Join(err, s.err); err == nil {
		err = t.send(ctx)
	}
	if err != nil {
		return fmt.Errorf("table traces: %w", err)
	}
	if o := l.report.Tables["traces"]; o != nil {
		l.Tell("%-20s %8d new, %d there already, %d refused", "traces", o.Created, o.Same, o.Refused)
	}
	return nil
}

// trace decodes a trace and encodes it as it is called here.
func (l *load) trace(document string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(document)
	t := new(sgpb.Trace)
	if err == nil {
		err = proto.Unmarshal(b, t)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: a trace cannot be read: %v", errDamaged, err)
	}
	l.names.trace(t)
	return proto.Marshal(t)
}

// spans gives the rows of spans one by one.
func (l *load) spans(ctx context.Context) iter.Seq2[*span, error] {
	errStop := errors.New("stop")
	return func(yield func(*span, error) bool) {
		err := sheet.Each(ctx, l.Dir, l.manifest.Table("spans"), func(r *sheet.Rows) error {
			experiment, trace, id, parent := r.Int("experiment_id"), r.Texts("trace_id"), r.Texts("span_id"), r.Texts("parent_id")
			name, kind, status := r.Texts("name"), r.Texts("type"), r.Texts("status")
			started, ended, content, otlp := r.Int("started"), r.Int("ended"), r.Texts("content"), r.Texts("otlp")
			if r.Err() != nil {
				return r.Err()
			}
			for i := range r.Len {
				s := &span{at{experiment(i), strings.Clone(trace(i))}, moving.Span{
					SpanID: strings.Clone(id(i)), ParentID: strings.Clone(parent(i)), Name: strings.Clone(name(i)), Type: strings.Clone(kind(i)), Status: strings.Clone(status(i)),
					StartNS: started(i), EndNS: ended(i), Content: strings.Clone(content(i)), OTLP: strings.Clone(otlp(i)),
				}}
				if !yield(s, nil) {
					return errStop
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

// spans are those that are still to come.
type spans struct {
	next  func() (*span, error, bool)
	ahead *span
	err   error
}

// of gives the spans of a trace, and passes over those of traces before it that are not in the export.
func (s *spans) of(want at) iter.Seq[*span] {
	return func(yield func(*span) bool) {
		for s.err == nil {
			if s.ahead == nil {
				var ok bool
				if s.ahead, s.err, ok = s.next(); !ok || s.err != nil {
					return
				}
			}
			order := s.ahead.compare(want)
			if order > 0 {
				return
			}
			found := s.ahead
			s.ahead = nil
			if order == 0 && !yield(found) {
				return
			}
		}
	}
}

// traceBatch gathers traces for a request.
type traceBatch struct {
	*load
	in    moving.Request
	bytes int
}

func (b *traceBatch) add(ctx context.Context, raw []byte, of iter.Seq[*span]) error {
	begin := func(more bool) {
		b.in.Traces = append(b.in.Traces, moving.Trace{Trace: raw, More: more})
		b.bytes += len(raw)
	}
	if len(b.in.Traces) == batchMax || b.bytes+len(raw) > traceBytesMax {
		if err := b.send(ctx); err != nil {
			return err
		}
	}
	begin(false)
	for s := range of {
		size := len(s.Content) + len(s.OTLP)
		if b.bytes+size > traceBytesMax && b.bytes > len(raw) {
			if err := b.send(ctx); err != nil {
				return err
			}
			begin(true)
		}
		last := &b.in.Traces[len(b.in.Traces)-1]
		last.Spans = append(last.Spans, s.Span)
		b.bytes += size
	}
	return nil
}

func (b *traceBatch) send(ctx context.Context) error {
	if len(b.in.Traces) == 0 {
		return nil
	}
	var out moving.Answer
	if err := transfer.Ask(ctx, b.server, "/v1/import/traces", b.in, &out); err != nil {
		return err
	}
	if len(out.Results) != len(b.in.Traces) {
		return fmt.Errorf("the server answered for %d of %d traces", len(out.Results), len(b.in.Traces))
	}
	count := b.report.of("traces")
	for i, r := range out.Results {
		switch {
		case r.Outcome == "refused":
			count.Refused++
			b.refuse("traces", r.Message, r.Message)
		case b.in.Traces[i].More:
		case r.Outcome == "created":
			count.Created++
		default:
			count.Same++
		}
	}
	b.in.Traces, b.bytes = nil, 0
	return nil
}
