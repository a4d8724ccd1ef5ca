package sheet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/streamgauge/streamgauge/cmd/transfer"
)

// batchRows is how many rows are decoded at a time.
const batchRows = 8192

// Each gives the rows of all files of a table, in order, some at a time. Rows are valid until visit returns.
func Each(ctx context.Context, dir string, t *transfer.Table, visit func(*Rows) error) error {
	for _, f := range t.Files {
		if err := each(ctx, filepath.Join(dir, f.Name), visit); err != nil {
			return fmt.Errorf("read %s: %w", f.Name, err)
		}
	}
	return nil
}

func each(ctx context.Context, name string, visit func(*Rows) error) error {
	r, err := file.OpenParquetFile(name, false)
	if err != nil {
		return err
	}
	defer r.Close()
	in, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: batchRows}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	// One row group after the other: a reader of all of them would hold the columns of all.
	for g := range r.NumRowGroups() {
		if err := group(ctx, in, g, visit); err != nil {
			return err
		}
	}
	return nil
}

func group(ctx context.Context, in *pqarrow.FileReader, g int, visit func(*Rows) error) error {
	batches, err := in.GetRecordReader(ctx, nil, []int{g})
	if err != nil {
		return err
	}
	defer batches.Release()
	for {
		b, err := batches.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(&Rows{batch: b, Len: int(b.NumRows())}); err != nil {
			return err
		}
	}
}

// Rows are some rows of a table.
type Rows struct {
	Len   int
	batch arrow.RecordBatch
	err   error
}

// Err says what columns were missing or of another type than asked for.
func (r *Rows) Err() error { return r.err }

func column[A arrow.Array](r *Rows, name string) (of A) {
	found := r.batch.Schema().FieldIndices(name)
	if len(found) != 1 {
		r.err = errors.Join(r.err, fmt.Errorf("there is no column %s", name))
		return of
	}
	at := r.batch.Column(found[0])
	of, ok := at.(A)
	if !ok {
		r.err = errors.Join(r.err, fmt.Errorf("column %s is a %s", name, at.DataType()))
	}
	return of
}

// Texts answers how to read a column of texts, whichever way they are kept.
func (r *Rows) Texts(name string) func(i int) string {
	found := r.batch.Schema().FieldIndices(name)
	if len(found) == 1 {
		switch a := r.batch.Column(found[0]).(type) {
		case *array.String:
			return a.Value
		case *array.Binary:
			return func(i int) string { return string(a.Value(i)) }
		case *array.Dictionary:
			if values, ok := a.Dictionary().(*array.String); ok {
				return func(i int) string { return values.Value(a.GetValueIndex(i)) }
			}
		}
	}
	return nothing[string](r, name)
}

func nothing[T any](r *Rows, name string) func(int) T {
	r.err = errors.Join(r.err, fmt.Errorf("there is no column %s of the right type", name))
	return func(int) (zero T) { return zero }
}

// Lists answers how to read a column of lists of texts.
func (r *Rows) Lists(name string) func(i int) []string {
	a := column[*array.List](r, name)
	if a == nil {
		return nothing[[]string](r, name)
	}
	values, ok := a.ListValues().(*array.String)
	if !ok {
		return nothing[[]string](r, name)
	}
	return func(i int) (out []string) {
		from, to := a.ValueOffsets(i)
		for j := from; j < to; j++ {
			out = append(out, values.Value(int(j)))
		}
		return out
	}
}

// Doubles answers how to read a column of lists of doubles.
func (r *Rows) Doubles(name string) func(i int) []float64 {
	a := column[*array.List](r, name)
	if a == nil {
		return nothing[[]float64](r, name)
	}
	values, ok := a.ListValues().(*array.Float64)
	if !ok {
		return nothing[[]float64](r, name)
	}
	return func(i int) []float64 {
		from, to := a.ValueOffsets(i)
		return append([]float64(nil), values.Float64Values()[from:to]...)
	}
}

// Float answers how to read a column of doubles.
func (r *Rows) Float(name string) func(i int) float64 {
	if a := column[*array.Float64](r, name); a != nil {
		return a.Value
	}
	return nothing[float64](r, name)
}

// Int answers how to read a column of whole numbers or times, null as 0.
func (r *Rows) Int(name string) func(i int) int64 {
	found := r.batch.Schema().FieldIndices(name)
	if len(found) == 1 {
		switch a := r.batch.Column(found[0]).(type) {
		case *array.Int64:
			return a.Value
		case *array.Timestamp:
			return func(i int) int64 {
				if a.IsNull(i) {
					return 0
				}
				return int64(a.Value(i))
			}
		case *array.Uint64:
			return func(i int) int64 { return int64(a.Value(i)) }
		case *array.Uint32:
			return func(i int) int64 { return int64(a.Value(i)) }
		}
	}
	return nothing[int64](r, name)
}
