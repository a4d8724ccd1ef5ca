package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func (q *Query) getHistory(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	id, key, err := metricOf(f)
	if err != nil {
		return err
	}
	size, err := historySize(f)
	if err != nil {
		return err
	}
	size = min(size, historyPageMax)
	token, err := f.String("page_token")
	if err != nil {
		return err
	}
	cursor, err := history.ParseToken(token)
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	points, next, err := q.history(ctx, id, key, cursor, size)
	if errors.Is(err, history.ErrTooLong) {
		return q.streamHistory(c, id, key, cursor, size)
	}
	if err != nil {
		return err
	}
	w := jx.GetWriter()
	defer jx.PutWriter(w)
	points.Encode(w, key, next)
	return sendJSON(c, w.Buf)
}

func metricOf(f mlflow.Fields) (runID, key string, err error) {
	if runID, err = f.RunID(); err != nil {
		return "", "", err
	}
	key, err = f.Required("metric_key")
	return runID, key, err
}

// historyPageMax is how long a page is at most, for it is held in memory; its token leads on. MLflow's client asks
// for a tenth of it.
const historyPageMax = 250_000

// historySize is max_results, 0 if it is unset: then all points are wanted.
func historySize(f mlflow.Fields) (int, error) {
	n, err := f.Int64("max_results", 0)
	if err == nil && f.Has("max_results") && n < 1 {
		err = track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer.", n)
	}
	return int(min(n, math.MaxInt32)), err
}

// pin takes the snapshot that a read of a key lies under. A run that cannot be has no points.
func (q *Query) pin(ctx context.Context, runID, key string) (read history.Read, snapshot feed.Snapshot, err error) {
	number, ok := track.ParseRunID(runID)
	if !ok {
		return read, snapshot, nil
	}
	if snapshot, err = q.tail.Run(ctx, number); err != nil {
		return read, snapshot, behind("points", err)
	}
	snapshot.Sections = slices.DeleteFunc(slices.Clone(snapshot.Sections), func(s *feed.Section) bool { return s.RunID != runID })
	read = history.Read{Run: number, Key: key, Rank: history.RankUnknown, Watermarks: snapshot.Watermarks, From: history.StepMin, To: history.StepMax}
	rank, ok := history.LowestRank(snapshot, key)
	if !ok {
		snapshot.Sections = nil
		return read, snapshot, nil
	}
	if rank > 0 {
		// Rank 0 is the lowest there is; of others ClickHouse may know a lower one.
		stored, err := q.store.LowestRank(ctx, read)
		if err != nil {
			return read, snapshot, fmt.Errorf("lowest rank of %s: %w", key, err)
		}
		rank = min(rank, stored)
	}
	read.Rank = rank
	snapshot.Sections = slices.DeleteFunc(snapshot.Sections, func(s *feed.Section) bool { return s.Rank != rank })
	return read, snapshot, nil
}

// history reads one page of a metric's history, or all of it if size is 0. A history that is not read in pages may
// be too long: history.ErrTooLong.
func (q *Query) history(ctx context.Context, runID, key string, cursor history.Cursor, size int) (history.Points, string, error) {
	read, snapshot, err := q.pin(ctx, runID, key)
	if err != nil || read.Run == 0 {
		return history.Points{}, "", err
	}
	if size > 0 && cursor.Offset == 0 {
		return q.historyPage(ctx, read, snapshot, cursor, size)
	}
	read.HeldMax = q.heldMax
	points, err := q.historyAll(ctx, read, snapshot)
	if err != nil {
		return points, "", err
	}
	points.Between(cursor.After, nil)
	points.List = points.List[min(cursor.Offset, len(points.List)):]
	next := trim(&points, size)
	return points, next, nil
}

func (q *Query) historyAll(ctx context.Context, read history.Read, snapshot feed.Snapshot) (history.Points, error) {
	points, err := q.store.History(ctx, read)
	if err != nil {
		return points, fmt.Errorf("read history of %s: %w", read.Key, err)
	}
	for _, s := range snapshot.Sections {
		points.AddSectionSteps(s, read.Key, read.From, read.To)
	}
	points.Sort()
	return points, nil
}

// historyPage reads one page in order. ClickHouse answers with one point more than a page holds; repeats may
// make it fewer, then it is asked again.
func (q *Query) historyPage(ctx context.Context, read history.Read, snapshot feed.Snapshot, cursor history.Cursor, size int) (history.Points, string, error) {
	var page history.Points
	read.Max = size + 1
	for {
		read.After = cursor.After
		stored, err := q.store.History(ctx, read)
		if err != nil {
			return page, "", fmt.Errorf("read history of %s: %w", read.Key, err)
		}
		more := len(stored.List) == read.Max
		var last *history.Key
		if more {
			k := stored.KeyOf(stored.List[len(stored.List)-1])
			last = &k
		}
		for _, s := range snapshot.Sections {
			stored.AddSection(s, read.Key)
		}
		stored.Sort()
		// Beyond the last stored point others may be stored that belong before those of the tail.
		stored.Between(cursor.After, last)
		page.Append(&stored)
		if len(page.List) > size || !more {
			return page, trim(&page, size), nil
		}
		cursor.After = last
	}
}

// trim cuts points to a page, and makes the token of the next if there is one.
func trim(points *history.Points, size int) (next string) {
	if size == 0 || len(points.List) <= size {
		return ""
	}
	points.List = points.List[:size]
	return points.KeyOf(points.List[size-1]).Token()
}
