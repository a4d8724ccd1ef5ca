// Package query is the read edge: MLflow's reads (runs, searches, histories), and SQL. Series for charts are in package chart.
//
//	handler -> await documents and tail -> hot set, tail -> ClickHouse -> merge -> JSON
//
// A reader sees its own writes: every handler first awaits what this process had acknowledged, then asks the
// hot set or takes a snapshot of the tail, and ClickHouse last, so that nothing falls between (package feed).
// ClickHouse is asked only for what is not in memory: a run that is hot is answered while the engine is down,
// all else is then 503 with Retry-After.
//
// A search has two evaluators (package filter). Experiments are read whole into sheets when they are first searched
// (package sheet), and evaluated in Go; of those that are too large for it, or not read yet, the runs that are newer than
// ClickHouse are, and SQL leaves their ids out. All lists have the same order and are merged. The registry's models and versions are all in memory (package registered).
package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/query/sheet"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// readTimeout ends any read but a user's SQL.
	readTimeout = 30 * time.Second
	// sqlTimeout ends a user's SQL; flushTimeout the wait for what it must see.
	sqlTimeout   = 5 * time.Minute
	flushTimeout = 10 * time.Second
	// startMax is how long the start waits for an engine that has ended; startPause lies between two tries.
	startMax   = time.Minute
	startPause = 100 * time.Millisecond
	// bodyBytesMax bounds the requests here: a filter and a list of ids.
	bodyBytesMax = 4 << 20
	// retryAfterSeconds goes with every 503.
	retryAfterSeconds = 1
)

// Store is what is asked of ClickHouse; clickhouse.Store answers. Methods are called concurrently.
type Store interface {
	hot.Source
	sheet.Source
	Documents
	Points
	Models
	Registry
	Console
	Beside
}

// Documents are searches over documents.
type Documents interface {
	Experiments(ctx context.Context) ([]hot.Experiment, error)
	SearchRuns(ctx context.Context, search filter.RunSearch) ([]clickhouse.FoundRun, error)
	CountRuns(ctx context.Context, search filter.RunSearch) (int, error)
	Datasets(ctx context.Context, experiments []uint32, except []string, max int) ([]clickhouse.UsedDataset, error)
	Stored(ctx context.Context, except []string, stages []filter.Stage) (points, runs uint64, err error)
}

// Points are histories.
type Points interface {
	History(ctx context.Context, read history.Read) (history.Points, error)
	HistoryOrdered(ctx context.Context, read history.Read, visit func(*history.Points) error) error
	LowestRank(ctx context.Context, read history.Read) (uint32, error)
}

// Models are logged models and the values measured for them.
type Models interface {
	Models(ctx context.Context, ids []string) ([]hot.Model, error)
	SearchModels(ctx context.Context, search *models.Search, page models.Page) ([]clickhouse.FoundModel, error)
	ModelFacts(ctx context.Context, search *models.Search, ids []string) (map[string]models.Facts, error)
	ModelMetrics(ctx context.Context, ids []string, seriesMax int) ([]clickhouse.ModelValue, error)
	RunIDs(ctx context.Context, experiments []uint32, runs []track.RunNumber) (map[track.RunNumber]string, error)
}

// Console runs users' SQL.
type Console interface {
	Ask(ctx context.Context, question ask.Question) (ask.Answer, error)
}

// HotOptions bound the hot set; the zero value means the defaults.
type HotOptions = hot.Options

// NewHot makes the hot set, which must observe the logs from their watermarks on.
func NewHot(opts HotOptions) *hot.Set { return hot.New(opts) }

// NewSheets makes the sheets that are searched, which must observe the logs from their watermarks on.
func NewSheets() *sheet.Set { return sheet.New(sheet.Options{}) }

// Options of a Query; the zero value works.
type Options struct {
	// Blob fetches a text of a dataset by its lower-case hex SHA-256.
	Blob func(ctx context.Context, sum string) (string, error)
	// Sheets are the experiments that are in memory for searches; nil leaves all searches to ClickHouse.
	Sheets *sheet.Set
	// HistoryHeldMax is how many points of one history may be held in memory; 0 means the default.
	HistoryHeldMax int
	// Registered is the registry's models and versions; nil makes a set that observes nothing.
	Registered *registered.Set
	// EvaluationDatasets answers all datasets for evaluations, in any order; the list is the caller's, what is in it
	// is shared. nil: there are none.
	EvaluationDatasets func(ctx context.Context) ([]*sgpb.EvaluationDataset, error)
}

// historyHeldMax is the default: the answer is written at once, some 20 MB. Longer ones are streamed.
const historyHeldMax = 250_000

// Query answers reads. It is safe for concurrent use.
type Query struct {
	hot    *hot.Set
	store  Store
	tail   feed.Tail
	docs   feed.Documents
	opts   Options
	loader *hot.Loader
	// sheets is nil if there are none.
	sheets *sheet.Loader
	// heldMax is HistoryHeldMax or its default.
	heldMax int
	status  status
	meter   *meter

	registered *registered.Set
}

// New wires a Query.
func New(set *hot.Set, store Store, tail feed.Tail, docs feed.Documents, opts Options) *Query {
	q := &Query{hot: set, store: store, tail: tail, docs: docs, opts: opts, loader: &hot.Loader{Set: set, Source: store, Tail: tail}}
	q.heldMax = cmp.Or(opts.HistoryHeldMax, historyHeldMax)
	if opts.Sheets != nil {
		q.sheets = &sheet.Loader{Set: opts.Sheets, Source: store, Tail: tail}
		q.loader.Source = sheet.Before{Set: opts.Sheets, Source: store}
	}
	q.meter = newMeter(set, opts.Sheets)
	if q.registered = opts.Registered; q.registered == nil {
		q.registered = registered.New(registered.Options{})
	}
	return q
}

// Start loads the experiments and the registry. Documents may be observed before, meanwhile and after. An engine that
// ends meanwhile is started again, so it is waited for.
func (q *Query) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	return insist(ctx, q.load)
}

// insist repeats f while ClickHouse is away, until the context ends; then it gives the last error.
func insist(ctx context.Context, f func(context.Context) error) error {
	for {
		err := f(ctx)
		if err == nil || ctx.Err() != nil || track.CodeOf(err) != track.TemporarilyUnavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startPause):
		}
	}
}

func (q *Query) load(ctx context.Context) error {
	all, err := q.store.Experiments(ctx)
	if err != nil {
		return fmt.Errorf("load experiments: %w", err)
	}
	q.hot.AddExperiments(all)
	return q.startRegistered(ctx)
}

// Routes registers the handlers.
func (q *Query) Routes(r fiber.Router) {
	for _, prefix := range []string{"/api/2.0/mlflow", "/ajax-api/2.0/mlflow"} {
		r.Get(prefix+"/runs/get", q.getRun)
		r.Post(prefix+"/runs/search", q.searchRuns)
		r.Post(prefix+"/logged-models/search", q.searchModels)
		r.Get(prefix+"/experiments/search", q.searchExperiments)
		r.Post(prefix+"/experiments/search", q.searchExperiments)
		r.Get(prefix+"/registered-models/search", q.searchRegisteredModels)
		r.Get(prefix+"/model-versions/search", q.searchModelVersions)
		r.Get(prefix+"/metrics/get-history", q.getHistory)
		r.Get(prefix+"/metrics/get-history-bulk-interval", q.getHistoryInterval)
	}
	for _, prefix := range []string{"/api/3.0/mlflow", "/ajax-api/3.0/mlflow"} {
		r.Get(prefix+"/datasets/search", q.searchEvaluationDatasets)
		r.Post(prefix+"/datasets/search", q.searchEvaluationDatasets)
	}
	r.Get("/ajax-api/2.0/mlflow/metrics/get-history-bulk", q.getHistoryBulk)
	r.Post("/ajax-api/2.0/mlflow/experiments/search-datasets", q.searchDatasets)
	r.Get("/v1/runs/:run_id", q.getBrief)
	r.Get("/v1/runs/:run_id/values", q.getValues)
	r.Get("/v1/runs/:run_id/values/keys", q.getValueKeys)
	r.Get("/v1/runs/:run_id/console", q.getConsole)
	r.Get("/v1/registered-models/:name/transitions", q.getTransitions)
	r.Get("/v1/status", q.getStatus)
	r.Post("/v1/sql", q.postSQL)
	r.Get("/v1/sql/schema", q.getSQLSchema)
}

// await lets a reader see what this process had acknowledged before. The tail is first: what a frame says of a run is
// carried out on the way into it, and acknowledged as a document then.
func (q *Query) await(ctx context.Context) error {
	if err := q.tail.Await(ctx); err != nil {
		return behind("points", err)
	}
	if err := q.docs.Await(ctx); err != nil {
		return behind("documents", err)
	}
	return nil
}

// behind makes an error of the tail one that clients come back after; one that says so itself stays.
func behind(what string, err error) error {
	var e *track.Error
	if errors.As(err, &e) {
		return err
	}
	return track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "the newest %s cannot be read yet: %v", what, err)
}
