package query

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// statusAge is how old a count may be: every open page asks for it every few seconds.
const statusAge = time.Second

// status keeps the newest counts.
type status struct {
	mu     sync.Mutex
	at     time.Time
	counts counts
}

// counts are of active runs and experiments. Points that come from the tail into a table while they are being
// counted may be counted in both; all else is exact.
type counts struct {
	Points, PointsWaiting, Runs, Experiments uint64
}

func (q *Query) getStatus(c *fiber.Ctx) error {
	ctx, cancel := within(readTimeout)
	defer cancel()
	n, err := q.counts(ctx)
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	for _, field := range []struct {
		name string
		n    uint64
	}{{"points", n.Points}, {"points_waiting", n.PointsWaiting}, {"runs", n.Runs}, {"experiments", n.Experiments}} {
		w.FieldStart(field.name)
		w.UInt64(field.n)
	}
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}

func (q *Query) counts(ctx context.Context) (counts, error) {
	q.status.mu.Lock()
	defer q.status.mu.Unlock()
	if time.Since(q.status.at) < statusAge {
		return q.status.counts, nil
	}
	n, err := q.count(ctx)
	if err == nil {
		q.status.at, q.status.counts = time.Now(), n
	}
	return n, err
}

func (q *Query) count(ctx context.Context) (n counts, err error) {
	if err := q.await(ctx); err != nil {
		return n, err
	}
	if n.PointsWaiting, err = q.waiting(ctx); err != nil {
		return n, err
	}
	var except []string
	for _, r := range q.hot.DirtyRuns() {
		except = append(except, r.ID)
		if doc := r.Document(); doc != nil && !deleted(doc, q.hot.Experiment(doc.GetExperimentId())) {
			n.Runs++
		}
	}
	points, runs, err := q.store.Stored(ctx, except, q.stages())
	if err != nil {
		return n, fmt.Errorf("count: %w", err)
	}
	n.Points, n.Runs = points+n.PointsWaiting, n.Runs+runs
	for _, e := range q.hot.Experiments() {
		if e.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_DELETED {
			n.Experiments++
		}
	}
	return n, nil
}

// waiting counts the points of the tail.
func (q *Query) waiting(ctx context.Context) (n uint64, err error) {
	touched, err := q.tail.Runs(ctx)
	if err != nil {
		return 0, behind("points", err)
	}
	for _, id := range touched {
		run, ok := track.ParseRunID(id)
		if !ok {
			continue
		}
		snapshot, err := q.tail.Run(ctx, run)
		if err != nil {
			return 0, behind("points", err)
		}
		for _, s := range snapshot.Sections {
			n += uint64(s.Points.Len())
		}
	}
	return n, nil
}
