// Package tracing reads the spans of an export beside its traces: both tables have the same order.
package tracing

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	moving "github.com/streamgauge/streamgauge/ingest/trace/transfer"
)

// At is where a row stands in the order of traces and spans.
type At struct {
	Experiment int64
	Trace      string
}

func (a At) compare(b At) int {
	return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), strings.Compare(a.Trace, b.Trace))
}

// Span is a row of spans.
type Span struct {
	At
	moving.Span
}

// Read gives the rows of spans one by one.
func Read(ctx context.Context, dir string, m *transfer.Manifest) iter.Seq2[*Span, error] {
	errStop := errors.New("stop")
	return func(yield func(*Span, error) bool) {
		err := sheet.Each(ctx, dir, m.Table("spans"), func(r *sheet.Rows) error {
			experiment, trace, id, parent := r.Int("experiment_id"), r.Texts("trace_id"), r.Texts("span_id"), r.Texts("parent_id")
			name, kind, status := r.Texts("name"), r.Texts("type"), r.Texts("status")
			started, ended, content, otlp := r.Int("started"), r.Int("ended"), r.Texts("content"), r.Texts("otlp")
			if r.Err() != nil {
				return r.Err()
			}
			for i := range r.Len {
				s := &Span{At{experiment(i), strings.Clone(trace(i))}, moving.Span{
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

// Spans are those that are still to come.
type Spans struct {
	// Next is that of Read.
	Next  func() (*Span, error, bool)
	ahead *Span
	// Err ends it.
	Err error
}

// Of gives the spans of a trace, and passes over those of traces before it that are not in the export.
func (s *Spans) Of(want At) iter.Seq[*Span] {
	return func(yield func(*Span) bool) {
		for s.Err == nil {
			if s.ahead == nil {
				var ok bool
				if s.ahead, s.Err, ok = s.Next(); !ok || s.Err != nil {
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
