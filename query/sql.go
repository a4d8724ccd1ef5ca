package query

import (
	"context"
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// sqlBytesMax bounds a user's statement.
const sqlBytesMax = 1 << 20

// sqlFormats are ours by ClickHouse's name.
var sqlFormats = map[string]string{
	"": "JSONCompact", "json": "JSONCompact", "csv": "CSVWithNames", "tsv": "TabSeparatedWithNames",
	"arrow": "ArrowStream", "parquet": "Parquet",
}

func (q *Query) postSQL(c *fiber.Ctx) error {
	body, err := readBody(c, sqlBytesMax)
	if err != nil {
		return err
	}
	f, err := mlflow.ParseBody(body)
	if err != nil {
		return err
	}
	text, err := f.Required("query")
	if err != nil {
		return err
	}
	name, err := f.String("format")
	if err != nil {
		return err
	}
	format, ok := sqlFormats[name]
	if !ok {
		return track.Errorf(track.InvalidParameterValue, "'format' is %q; it must be json, csv, tsv, arrow or parquet", name)
	}
	if err := q.flush(); err != nil {
		return err
	}
	ctx, cancel := within(sqlTimeout)
	answer, err := q.store.Ask(ctx, strings.TrimRight(text, "; \t\r\n"), format)
	if err != nil {
		cancel()
		return err
	}
	c.Set(fiber.HeaderContentType, answer.ContentType)
	c.Context().SetBodyStream(stream{answer, cancel}, -1)
	return nil
}

// flush lets SQL see what the tail and the documents' log have: SQL reads tables only.
func (q *Query) flush() error {
	ctx, cancel := within(flushTimeout)
	defer cancel()
	if err := q.tail.Flush(ctx); err != nil {
		return behind("points", err)
	}
	if err := q.docs.Flush(ctx); err != nil {
		return behind("documents", err)
	}
	return nil
}

// stream ends the statement when the answer is sent or its client gone. A statement that fails on its way
// breaks the connection, so that nobody takes a part for the whole.
type stream struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (s stream) Close() error {
	defer s.cancel()
	return s.ReadCloser.Close()
}
