package sheet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/streamgauge/streamgauge/cmd/transfer"
)

// Adopt adds a file that ClickHouse has written to its table. An empty one is removed.
func Adopt(dir string, t *transfer.Table, name string) error {
	path := filepath.Join(dir, name)
	rows, columns, err := measure(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	t.Columns = columns
	if rows == 0 {
		return os.Remove(path)
	}
	bytes, sum, err := transfer.Sum(path)
	if err != nil {
		return err
	}
	t.Files = append(t.Files, transfer.File{Name: name, Rows: rows, Bytes: bytes, SHA256: sum})
	t.Rows += rows
	return nil
}

func measure(path string) (rows int64, columns []transfer.Column, err error) {
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		return 0, nil, err
	}
	defer r.Close()
	schema, err := pqarrow.FromParquet(r.MetaData().Schema, nil, r.MetaData().KeyValueMetadata())
	if err != nil {
		return 0, nil, err
	}
	for _, f := range schema.Fields() {
		columns = append(columns, transfer.Column{Name: f.Name, Type: f.Type.String()})
	}
	return r.NumRows(), columns, nil
}

// Last writes the key of the last row of a table for SQL: a number and texts.
func Last(ctx context.Context, dir string, t *transfer.Table, keys []string) (last string, err error) {
	newest := &transfer.Table{Name: t.Name, Files: t.Files[len(t.Files)-1:]}
	err = Each(ctx, dir, newest, func(r *Rows) error {
		key := []string{fmt.Sprint(r.Int(keys[0])(r.Len - 1))}
		for _, k := range keys[1:] {
			key = append(key, transfer.Quote(r.Texts(k)(r.Len-1)))
		}
		last = strings.Join(key, ", ")
		return r.Err()
	})
	return last, err
}
