package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/hot"
)

// visitedDocuments hands documents on block by block. A statement that begins anew brings them again.
type visitedDocuments struct {
	documents
	visit func([]hot.Document) error
}

func (r *visitedDocuments) take(rows int) error {
	r.documents.reset()
	if err := r.documents.take(rows); err != nil {
		return err
	}
	return r.visit(r.runs())
}

// ExperimentRuns implements sheet.Source.
func (s *Store) ExperimentRuns(ctx context.Context, experiment uint32, visit func([]hot.Document) error) error {
	return s.statement(ctx, "experiment_runs", params{"experiment": uint64(experiment)}, &visitedDocuments{visit: visit})
}

// visitedValues hands latest values on block by block.
type visitedValues struct {
	values
	visit func([]hot.Value) error
}

func (r *visitedValues) take(rows int) error {
	r.list = r.list[:0]
	if err := r.values.take(rows); err != nil {
		return err
	}
	return r.visit(r.list)
}

// ExperimentLatest implements sheet.Source.
func (s *Store) ExperimentLatest(ctx context.Context, experiment uint32, visit func([]hot.Value) error) error {
	return s.statement(ctx, "experiment_latest", params{"experiment": uint64(experiment)}, &visitedValues{visit: visit})
}

// count is a result of one number.
type count struct {
	column proto.ColUInt64
	got    uint64
}

func (r *count) columns() proto.Results { return proto.Results{{Name: "n", Data: &r.column}} }
func (r *count) reset()                 {}
func (r *count) take(rows int) error {
	if rows > 0 {
		r.got = r.column[0]
	}
	return nil
}

// ExperimentSize implements sheet.Source.
func (s *Store) ExperimentSize(ctx context.Context, experiment uint32) (runs int, err error) {
	var r count
	err = s.statement(ctx, "experiment_size", params{"experiment": uint64(experiment)}, &r)
	return int(r.got), err
}
