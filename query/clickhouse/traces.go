package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
	pb "google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// spansBytesMax bounds the spans that one answer holds.
const spansBytesMax = 256 << 20

type traceRows struct {
	document proto.ColBytes
	traces   []*sgpb.Trace
}

func (r *traceRows) columns() proto.Results {
	return proto.Results{{Name: "document", Data: &r.document}}
}

func (r *traceRows) reset() { r.traces = nil }

func (r *traceRows) take(rows int) error {
	for i := range rows {
		t := new(sgpb.Trace)
		if err := pb.Unmarshal(r.document.Row(i), t); err != nil {
			return fmt.Errorf("decode a trace: %w", err)
		}
		r.traces = append(r.traces, t)
	}
	return nil
}

// Traces runs a statement that selects documents of traces, in its order.
func (s *Store) Traces(ctx context.Context, q filter.Query) ([]*sgpb.Trace, error) {
	var r traceRows
	err := s.compiled(ctx, "traces", q, &r)
	return r.traces, err
}

// TracesByID reads traces by their ids, in no order.
func (s *Store) TracesByID(ctx context.Context, ids []string) ([]*sgpb.Trace, error) {
	var r traceRows
	err := s.statement(ctx, "traces_by_id", params{"ids": ids}, &r)
	return r.traces, err
}

type spanRows struct {
	trace proto.ColStr
	text  proto.ColStr
	bytes int
	spans map[string][]string
}

func (r *spanRows) columns() proto.Results {
	return proto.Results{{Name: "trace", Data: &r.trace}, {Name: "span", Data: &r.text}}
}

func (r *spanRows) reset() { r.spans, r.bytes = make(map[string][]string), 0 }

func (r *spanRows) take(rows int) error {
	for i := range rows {
		id, text := r.trace.Row(i), r.text.Row(i)
		if r.bytes += len(text); r.bytes > spansBytesMax {
			return track.Errorf(track.InvalidParameterValue, "The spans of these traces are larger than %d MiB; ask for fewer traces", spansBytesMax>>20)
		}
		r.spans[id] = append(r.spans[id], text)
	}
	return nil
}

// Spans reads the spans of traces as JSON, root spans first, then by their start; stored says in which of both forms.
func (s *Store) Spans(ctx context.Context, ids []string, stored bool) (map[string][]string, error) {
	name := "spans_otlp"
	if stored {
		name = "spans_content"
	}
	var r spanRows
	err := s.statement(ctx, name, params{"ids": ids}, &r)
	return r.spans, err
}

// Aggregate is a row of a statement that aggregates.
type Aggregate struct {
	Dimensions []string
	Values     []float64
}

type aggregateRows struct {
	dimensions *proto.ColArr[string]
	values     *proto.ColArr[float64]
	rows       []Aggregate
}

func (r *aggregateRows) columns() proto.Results {
	r.dimensions, r.values = new(proto.ColStr).Array(), new(proto.ColFloat64).Array()
	return proto.Results{{Name: "dimensions", Data: r.dimensions}, {Name: "aggregates", Data: r.values}}
}

func (r *aggregateRows) reset() { r.rows = nil }

func (r *aggregateRows) take(rows int) error {
	for i := range rows {
		r.rows = append(r.rows, Aggregate{r.dimensions.Row(i), r.values.Row(i)})
	}
	return nil
}

// Aggregates runs a statement that gives dimensions, as texts, and aggregates, NaN where there are none.
func (s *Store) Aggregates(ctx context.Context, q filter.Query) ([]Aggregate, error) {
	var r aggregateRows
	err := s.compiled(ctx, "aggregates of traces", q, &r)
	return r.rows, err
}
