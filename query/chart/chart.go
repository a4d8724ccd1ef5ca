// Package chart reads series for charts, notebooks and programs.
//
//	request -> documents, lineage -> tail -> extents -> plan -> points | grouped | rollup -> cut, trim -> grid -> answer
//
// What is read of ClickHouse depends on how much there is: points as they are where a line has few, points grouped by the
// engine where there are up to a million and buckets are finer than the rollup's, else the rollup. Where the latest steps say that there is much, the rollup is
// read at once, in buckets as fine as the chart may need, and says by itself how much there is: reading it twice would
// take twice as long. If they said wrong, what is drawn is read again. Every read is pinned: extents come with the marker of each lane
// out of the same snapshot of parts, and so does the rollup; other reads leave out what has a greater sequence, and the
// tail is laid over what is above. So a point that an insert moves meanwhile is counted once.
//
// A bucket that lies across the end of a part of a line, or of the range, is read again point by point.
package chart

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// bucketsDefault suits a chart as wide as a window; bucketsMax one on a wall.
	bucketsDefault = 1_000
	bucketsMax     = 10_000
	// keysMax and runsMax bound a request, pairsMax their product.
	keysMax  = 100
	runsMax  = 1_000
	pairsMax = 2_000
	// rowsMax bounds an answer, and what is read for it at once: some 100 MB.
	rowsMax = 1_000_000
	// groupedPointsMax is up to where the engine groups points: some 40 ms. Above it the rollup is read.
	groupedPointsMax = 1_000_000
	// generationsMax bounds what is inherited.
	generationsMax = 16
	// againMax bounds the statements that read again what lies across an end.
	againMax = 512
)

// Store is what is asked of ClickHouse; clickhouse.Store answers. Methods are called concurrently.
type Store interface {
	SeriesExtents(ctx context.Context, read clickhouse.SeriesRead) ([]clickhouse.SeriesExtent, map[uint16]uint64, error)
	ReadSeriesRollup(ctx context.Context, read clickhouse.SeriesRead) (clickhouse.SeriesRollup, error)
	SeriesGrouped(ctx context.Context, read clickhouse.SeriesRead) ([]clickhouse.SeriesBucket, error)
	SeriesPoints(ctx context.Context, read clickhouse.SeriesRead) ([]clickhouse.SeriesBucket, error)
	SeriesLatest(ctx context.Context, experiments []uint32, runs []track.RunNumber, keys []string) (map[clickhouse.SeriesPair]track.Latest, error)
	MetricNames(ctx context.Context, read clickhouse.NamesRead) ([]clickhouse.NamedValue, error)
}

// Runs are the documents; query.Query answers. Methods are called concurrently.
type Runs interface {
	// RunDocuments gives the newest documents by id, all acknowledged ones; what does not exist is left out.
	RunDocuments(ctx context.Context, ids []string) (map[string]*sgpb.Run, error)
	// LatestInMemory gives MLflow's latest value of a key if it is in memory.
	LatestInMemory(id, key string) (track.Latest, bool)
	// ExperimentName is "" for one that does not exist.
	ExperimentName(id string) string
}

// Reader answers reads of series. It is safe for concurrent use.
type Reader struct {
	docs  Runs
	store Store
	tail  feed.Tail
	// groupedMax is groupedPointsMax, less in tests.
	groupedMax uint64
}

// New wires a Reader.
func New(runs Runs, store Store, tail feed.Tail) *Reader {
	return &Reader{docs: runs, store: store, tail: tail, groupedMax: groupedPointsMax}
}

// Routes registers the handlers.
func (r *Reader) Routes(router fiber.Router) {
	router.Get("/v1/series", r.getSeries)
	router.Post("/v1/series", r.postSeries)
	router.Get("/v1/runs/:run_id/series", r.getRunSeries)
	router.Get("/v1/runs/:run_id/ranks", r.getRanks)
	router.Get("/v1/runs/:run_id/metrics", r.getNames)
}
