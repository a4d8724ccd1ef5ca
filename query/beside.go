package query

import (
	"context"
	"fmt"
	"math"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/beside"
	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// besideDefault and besideMax are rows of a page of small values or lines; besideBytesMax ends it earlier.
	besideDefault, besideMax = 100, 1_000
	besideBytesMax           = 4 << 20
)

// Beside are small values and console lines, in pages.
type Beside interface {
	SmallValues(ctx context.Context, read beside.Read) (values []table.SmallValue, more bool, err error)
	ConsoleLines(ctx context.Context, read beside.Read) (lines []table.ConsoleLine, more bool, err error)
}

// parseBeside reads what both routes take.
func parseBeside(f mlflow.Fields) (r beside.Read, err error) {
	limit, err := f.Int64("limit", besideDefault)
	if err != nil {
		return r, err
	}
	if limit < 1 || limit > besideMax {
		return r, track.Errorf(track.InvalidParameterValue, "'limit' must be between 1 and %d, not %d", besideMax, limit)
	}
	r.Max, r.BytesMax, r.RankTo = uint64(limit), besideBytesMax, math.MaxUint32
	if f.Has("rank") {
		rank, err := f.Int64("rank", 0)
		if err != nil {
			return r, err
		}
		if rank < 0 || rank > math.MaxUint32 {
			return r, track.Errorf(track.InvalidParameterValue, "'rank' must be a number from 0, not %d", rank)
		}
		r.RankFrom, r.RankTo = uint32(rank), uint32(rank)
	}
	after, err := f.ID("after")
	if err != nil {
		return r, err
	}
	r.After, err = beside.ParseToken(after)
	return r, err
}

// besideOf finds the run and lets its tables have what was acknowledged: they alone answer.
func (q *Query) besideOf(ctx context.Context, c *fiber.Ctx, r *beside.Read) error {
	run, err := q.run(ctx, string([]byte(c.Params("run_id"))))
	if err != nil {
		return err
	}
	r.Run = run.Number
	if err := q.tail.Flush(ctx); err != nil {
		return behind("values and lines", err)
	}
	return nil
}

func (q *Query) getValues(c *fiber.Ctx) error {
	f := mlflow.ParseQuery(queryArgs(c.Context().QueryArgs()))
	r, err := parseBeside(f)
	if err != nil {
		return err
	}
	if r.Key, err = f.ID("key"); err != nil {
		return err
	}
	if r.From, err = f.Int64("from_step", history.StepMin); err != nil {
		return err
	}
	if r.To, err = f.Int64("to_step", history.StepMax); err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	if err := q.besideOf(ctx, c, &r); err != nil {
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

func (q *Query) getConsole(c *fiber.Ctx) error {
	f := mlflow.ParseQuery(queryArgs(c.Context().QueryArgs()))
	r, err := parseBeside(f)
	if err != nil {
		return err
	}
	name, err := f.ID("stream")
	if err != nil {
		return err
	}
	for number, stream := range beside.Streams {
		if stream == name {
			r.Stream = number
		}
	}
	if name != "" && r.Stream == 0 {
		return track.Errorf(track.InvalidParameterValue, "'stream' is %q; it must be stdout or stderr, or left out for both", name)
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	if err := q.besideOf(ctx, c, &r); err != nil {
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
