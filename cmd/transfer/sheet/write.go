// Package sheet writes and reads the Parquet files of an export.
package sheet

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/streamgauge/streamgauge/cmd/transfer"
)

const (
	// groupRowsMax and groupBytesMax bound a row group, which is in memory; fileBytesMax is about where a file ends.
	groupRowsMax  = 10_000
	groupBytesMax = 16 << 20
	fileBytesMax  = 256 << 20
)

// Types of columns. What is absent is nil.
var (
	// Text takes a string, Whole an int64, Count a uint64, Real a float64, Flag a bool.
	Text  = arrow.BinaryTypes.String
	Whole = arrow.PrimitiveTypes.Int64
	Count = arrow.PrimitiveTypes.Uint64
	Real  = arrow.PrimitiveTypes.Float64
	Flag  = arrow.FixedWidthTypes.Boolean
	// Time takes an int64, milliseconds since 1970.
	Time = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
	// Pairs takes a map[string]string, Texts a []string.
	Pairs = arrow.MapOf(Text, Text)
	Texts = arrow.ListOf(Text)
)

// Column is a column's name and type.
type Column struct {
	Name string
	Type arrow.DataType
}

// Writer writes one table into files of a folder, row by row. It holds one row group in memory.
type Writer struct {
	dir     string
	table   *transfer.Table
	schema  *arrow.Schema
	builder *array.RecordBuilder
	bytes   int
	rows    int64
	file    *part
}

// part is the file that is being written.
type part struct {
	name  string
	rows  int64
	bytes int64
	out   chan arrow.RecordBatch
	done  chan error
}

// New begins a table.
func New(dir, name string, derived bool, columns []Column) *Writer {
	fields := make([]arrow.Field, len(columns))
	t := &transfer.Table{Name: name, Derived: derived, Files: []transfer.File{}}
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: c.Type, Nullable: true}
		t.Columns = append(t.Columns, transfer.Column{Name: c.Name, Type: c.Type.String()})
	}
	schema := arrow.NewSchema(fields, nil)
	return &Writer{dir: dir, table: t, schema: schema, builder: array.NewRecordBuilder(memory.DefaultAllocator, schema)}
}

// Add appends a row: one value a column.
func (w *Writer) Add(row []any) error {
	for i, v := range row {
		if err := appendValue(w.builder.Field(i), v); err != nil {
			return fmt.Errorf("table %s, column %s: %w", w.table.Name, w.schema.Field(i).Name, err)
		}
		w.bytes += size(v)
	}
	if w.rows++; w.rows >= groupRowsMax || w.bytes >= groupBytesMax {
		return w.flush()
	}
	return nil
}

func appendValue(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Uint64Builder:
		b.Append(v.(uint64))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(int64)))
	case *array.MapBuilder:
		b.Append(true)
		m := v.(map[string]string)
		for _, k := range slices.Sorted(maps.Keys(m)) {
			b.KeyBuilder().(*array.StringBuilder).Append(k)
			b.ItemBuilder().(*array.StringBuilder).Append(m[k])
		}
	case *array.ListBuilder:
		b.Append(true)
		for _, s := range v.([]string) {
			b.ValueBuilder().(*array.StringBuilder).Append(s)
		}
	default:
		return fmt.Errorf("cannot write a %T", v)
	}
	return nil
}

// size is about what a value takes.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []string:
		n := 0
		for _, s := range v {
			n += len(s)
		}
		return n
	case map[string]string:
		n := 0
		for k, s := range v {
			n += len(k) + len(s)
		}
		return n
	}
	return 8
}

// flush writes a row group, into the next file if the last one is full.
func (w *Writer) flush() error {
	if w.rows == 0 {
		return nil
	}
	if w.file == nil {
		w.open()
	}
	w.file.rows += w.rows
	w.file.bytes += int64(w.bytes)
	select {
	case w.file.out <- w.builder.NewRecordBatch():
	case err := <-w.file.done:
		w.file = nil
		return err
	}
	w.rows, w.bytes = 0, 0
	if w.file.bytes >= fileBytesMax {
		return w.end()
	}
	return nil
}

// FileName is that of the next file of a table.
func FileName(t *transfer.Table) string {
	return fmt.Sprintf("%s-%05d.parquet", t.Name, len(t.Files)+1)
}

func (w *Writer) open() {
	f := &part{name: FileName(w.table), out: make(chan arrow.RecordBatch), done: make(chan error, 1)}
	w.file = f
	go func() {
		f.done <- transfer.WriteFile(filepath.Join(w.dir, f.name), func(to io.Writer) error { return encode(to, w.schema, f.out) })
	}()
}

func encode(to io.Writer, schema *arrow.Schema, batches <-chan arrow.RecordBatch) error {
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd))
	// The library closes what it writes to; whoever made the file does.
	out, err := pqarrow.NewFileWriter(schema, struct{ io.Writer }{to}, properties, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return err
	}
	for b := range batches {
		err := out.Write(b)
		b.Release()
		if err != nil {
			return err
		}
	}
	return out.Close()
}

// end finishes the file that is being written.
func (w *Writer) end() error {
	f := w.file
	w.file = nil
	close(f.out)
	if err := <-f.done; err != nil {
		return err
	}
	bytes, sum, err := transfer.Sum(filepath.Join(w.dir, f.name))
	if err != nil {
		return err
	}
	w.table.Files = append(w.table.Files, transfer.File{Name: f.name, Rows: f.rows, Bytes: bytes, SHA256: sum})
	w.table.Rows += f.rows
	return nil
}

// Close writes what is left and answers the table. An empty table has no file.
func (w *Writer) Close() (*transfer.Table, error) {
	defer w.builder.Release()
	if err := w.flush(); err != nil {
		return nil, err
	}
	if w.file != nil {
		if err := w.end(); err != nil {
			return nil, err
		}
	}
	return w.table, nil
}
