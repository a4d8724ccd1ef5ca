package query

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/beside"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Beside are small values and console lines, in pages.
type Beside interface {
	SmallValues(ctx context.Context, read beside.Read) (values []table.SmallValue, more bool, err error)
	ValueKeys(ctx context.Context, read beside.KeyRead) (keys []beside.Key, more bool, err error)
	ConsoleLines(ctx context.Context, read beside.Read) (lines []table.ConsoleLine, more bool, err error)
}

// besideOf finds the run and lets its tables have what was acknowledged: they alone answer.
func (q *Query) besideOf(ctx context.Context, c *fiber.Ctx) (track.RunNumber, error) {
	run, err := q.document(ctx, strings.Clone(c.Params("run_id")))
	if err != nil {
		return 0, err
	}
	number, _ := track.ParseRunID(run.GetId())
	if err := q.tail.Flush(ctx); err != nil {
		return 0, behind("values and lines", err)
	}
	return number, nil
}

func (q *Query) getValues(c *fiber.Ctx) error {
	r, err := beside.ParseValues(mlflow.ParseQuery(queryArgs(c.Context().QueryArgs())))
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	if r.Run, err = q.besideOf(ctx, c); err != nil {
		return err
	}
	values, more, err := q.store.SmallValues(ctx, r)
	if err != nil {
		return fmt.Errorf("read small values: %w", err)
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	beside.EncodeValues(w, values, r.After, more)
	return sendJSON(c, w.Bytes())
}

func (q *Query) getValueKeys(c *fiber.Ctx) error {
	r, err := beside.ParseKeys(mlflow.ParseQuery(queryArgs(c.Context().QueryArgs())))
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	if r.Run, err = q.besideOf(ctx, c); err != nil {
		return err
	}
	keys, more, err := q.store.ValueKeys(ctx, r)
	if err != nil {
		return fmt.Errorf("read keys of small values: %w", err)
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	beside.EncodeKeys(w, keys, more)
	return sendJSON(c, w.Bytes())
}

func (q *Query) getConsole(c *fiber.Ctx) error {
	r, err := beside.ParseLines(mlflow.ParseQuery(queryArgs(c.Context().QueryArgs())))
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	if r.Run, err = q.besideOf(ctx, c); err != nil {
		return err
	}
	lines, more, err := q.store.ConsoleLines(ctx, r)
	if err != nil {
		return fmt.Errorf("read console lines: %w", err)
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	beside.EncodeLines(w, lines, r.After, more)
	return sendJSON(c, w.Bytes())
}
