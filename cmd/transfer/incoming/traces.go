package incoming

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	"github.com/streamgauge/streamgauge/cmd/transfer/tracing"
	moving "github.com/streamgauge/streamgauge/ingest/trace/transfer"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// traceBytesMax is where the spans of a trace are divided over requests.
const traceBytesMax = 8 << 20

// traces places traces with their spans: both tables have the same order.
func (l *load) traces(ctx context.Context) error {
	next, stop := iter.Pull2(tracing.Read(ctx, l.Dir, l.manifest))
	defer stop()
	s := &tracing.Spans{Next: next}
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
			if err := t.add(ctx, raw, s.Of(tracing.At{Experiment: experiment(i), Trace: id(i)})); err != nil {
				return err
			}
		}
		return nil
	})
	if err = errors.Join(err, s.Err); err == nil {
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
	l.names.Trace(t)
	return proto.MarshalOptions{Deterministic: true}.Marshal(t)
}

// traceBatch gathers traces for a request.
type traceBatch struct {
	*load
	in    moving.Request
	bytes int
}

func (b *traceBatch) add(ctx context.Context, raw []byte, of iter.Seq[*tracing.Span]) error {
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
