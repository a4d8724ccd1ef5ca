package query

import (
	"context"
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/presence"
	"github.com/streamgauge/streamgauge/query/send"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// sqlBytesMax bounds a user's statement.
const sqlBytesMax = 1 << 20

// sqlFormats are ours by ClickHouse's name.
var sqlFormats = map[string]string{
	"": "JSONCompact", "json": "JSONCompact", "exact": "JSONCompact", "csv": "CSVWithNames", "tsv": "TabSeparatedWithNames",
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
		return track.Errorf(track.InvalidParameterValue, "'format' is %q; it must be json, exact, csv, tsv, arrow or parquet", name)
	}
	if err := q.flush(); err != nil {
		return err
	}
	ctx, cancel := within(sqlTimeout)
	ctx, stop := presence.Watch(ctx, c.Context().Conn())
	end := func() { stop(); cancel() }
	question := ask.Question{Text: strings.TrimRight(text, "; \t\r\n"), Format: format, Exact: name == "exact"}
	if question.Experiments, err = q.visible(ctx, track.CallerOf(c.UserContext())); err != nil {
		end()
		return err
	}
	answer, err := q.store.Ask(ctx, question)
	if err != nil {
		end()
		return err
	}
	c.Set(fiber.HeaderContentType, answer.ContentType)
	return send.Stream(c, stream{answer, end}, sqlTimeout)
}

// visible lists the experiments that a caller may see; nil: all.
func (q *Query) visible(ctx context.Context, caller *track.Caller) ([]uint32, error) {
	if caller.SeesAll() {
		return nil, nil
	}
	if err := q.await(ctx); err != nil {
		return nil, err
	}
	ids := []uint32{}
	for _, e := range q.hot.Experiments() {
		if n, ok := track.ParseExperimentID(e.GetId()); ok && caller.Sees(e.GetId(), e.GetName()) {
			ids = append(ids, n)
		}
	}
	if len(ids) == 0 {
		return nil, track.Errorf(track.PermissionDenied, "The token '%s' is confined to experiments, and none of them is there yet", caller.Name)
	}
	return ids, nil
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
	end func()
}

func (s stream) Close() error {
	defer s.end()
	return s.ReadCloser.Close()
}

// getSQLSchema tells what there is to ask: editors complete from it.
func (q *Query) getSQLSchema(c *fiber.Ctx) error { return c.JSON(ask.Describe()) }
