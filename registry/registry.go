// Package registry keeps the documents: experiments, runs, logged and registered models, and what belongs to them.
//
//	HTTP handler, run event -> Do -> decide (pure) -> commit (a message, or one atomic batch) -> journal
//
// Documents are what needs unique names, params that never change, and numbers without holes; every write is
// decided on the documents as they are and stored under the condition that they still are. The journal is the
// truth; readers that search are served from its projection in ClickHouse. At each failure:
//
//   - a crash before the batch is stored leaves nothing, a crash after it leaves all of it; the client has no
//     answer and asks again, which for params, tags and states changes nothing more;
//   - two processes that write the same document: the journal refuses the slower one, which reads again and
//     decides again; the client does not notice;
//   - the bus is away: commands are answered 503 with Retry-After, nothing is believed of the documents that
//     were on their way, and they are read again.
//
// An experiment's deletion and restoration count for all its runs without a write to any of them
// (document.LifecycleOf); Lookup, Do and Run answer runs with that taken in.
package registry

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"google.golang.org/protobuf/proto"

	alertsend "github.com/streamgauge/streamgauge/registry/alerts/send"
	"github.com/streamgauge/streamgauge/registry/belong"
	"github.com/streamgauge/streamgauge/registry/catalog/serve"
	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/registry/webhook/send"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Journal is where documents are stored; package registry/nats has the one for production.
type Journal = journal.Journal

const (
	// cachedDocumentsMax and cachedBytesMax bound the documents in memory: a run with 10 params is about 3 KiB
	// decoded, so the count is reached first by small runs and the bytes by large ones.
	cachedDocumentsMax = 50_000
	cachedBytesMax     = 128 << 20
	// blobs are read when a run with large datasets is shown.
	cachedBlobsMax     = 1000
	cachedBlobBytesMax = 64 << 20
	// artifactRoot is the proxy of this server.
	artifactRoot = "mlflow-artifacts:/"
)

// Options adjust a registry. The zero value works on a single lane.
type Options struct {
	// Acks is told every revision that was acknowledged, before the client is.
	Acks *feed.Acks
	// Lanes is how many lanes new runs are spread over; 0 is 1.
	Lanes uint16
	// Now is the clock and NewID draws run ids; nil is the real ones.
	Now   func() time.Time
	NewID func() string
	// ArtifactRoot is where experiments without a location keep their artifacts; "" is the server's proxy.
	ArtifactRoot string
	// ModelMetrics answers the metrics measured for a logged model, for its page. nil: none are shown.
	ModelMetrics func(ctx context.Context, modelID string) ([]mlflow.Metric, error)
	// VersionSource is what sources of new model versions must match. nil: all do.
	VersionSource *regexp.Regexp
	// Webhooks say how events reach their receivers.
	Webhooks send.Options
	// Alerts say how people are told of alerts.
	Alerts alertsend.Options
}

// Registry decides and keeps. Its methods may be called at once by many.
type Registry struct {
	options   Options
	journal   Journal
	cache     *commit.Cache
	blobs     *commit.Cache
	committer *commit.Committer
	models    *serve.Models
	sender    *send.Sender
	alerts    *alertsend.Sender
	// alertsChanged has room for one.
	alertsChanged chan struct{}
}

// Open starts a registry on a journal and makes the default experiment if there never was one.
func Open(ctx context.Context, j Journal, o Options) (*Registry, error) {
	o.Lanes = max(o.Lanes, 1)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = track.NewRunID
	}
	if o.ArtifactRoot == "" {
		o.ArtifactRoot = artifactRoot
	}
	r := &Registry{
		journal: j,
		options: o,
		cache:   commit.NewCache(cachedDocumentsMax, cachedBytesMax),
		blobs:   commit.NewCache(cachedBlobsMax, cachedBlobBytesMax),
	}
	r.committer = commit.New(j, r.cache, commit.Options{Now: o.Now, NewID: o.NewID, Lanes: o.Lanes, ArtifactRoot: o.ArtifactRoot, Acks: o.Acks})
	r.models = serve.New(r.committer, serve.Options{ModelMetrics: r.modelMetrics, VersionSource: r.options.VersionSource})
	r.sender = send.New(r.committer, o.Webhooks)
	r.alerts, r.alertsChanged = alertsend.New(r.committer, j, o.Alerts), make(chan struct{}, 1)
	if _, err := r.committer.Do(ctx, decide.CreateDefault{}); err != nil {
		r.Close()
		return nil, fmt.Errorf("make the default experiment: %w", err)
	}
	if _, err := r.committer.Do(ctx, decide.By(webhook.Prepare{})); err != nil {
		r.Close()
		return nil, fmt.Errorf("make the list of webhooks: %w", err)
	}
	return r, nil
}

// Close ends after the commit under way. Commands that wait are refused with 503.
func (r *Registry) Close() { r.committer.Close() }

// SendWebhooks delivers what webhooks are told, until ctx ends.
func (r *Registry) SendWebhooks(ctx context.Context) { r.sender.Run(ctx) }

// Belonging says which experiment versions of registered models and endpoints belong to.
func (r *Registry) Belonging() belong.Finder { return belong.Finder{Documents: r.committer} }

// Lookup answers what the write path must know of a run. It is as a rule answered from memory.
func (r *Registry) Lookup(ctx context.Context, runID string) (track.RunFacts, error) {
	run, experiment, err := r.load(ctx, runID)
	if err != nil {
		return track.RunFacts{}, err
	}
	number, _ := track.ParseRunID(runID)                    // load has parsed it
	id, _ := track.ParseExperimentID(run.GetExperimentId()) // it came from the counter
	facts := track.RunFacts{ID: run.GetId(), Number: number, Experiment: id, Lanes: make([]uint16, len(run.GetLanes()))}
	for i, l := range run.GetLanes() {
		facts.Lanes[i] = uint16(l)
	}
	facts.Deleted = document.LifecycleOf(run, experiment) == sgpb.Lifecycle_LIFECYCLE_DELETED
	return facts, nil
}

// load reads a run and its experiment.
func (r *Registry) load(ctx context.Context, runID string) (*sgpb.Run, *sgpb.Experiment, error) {
	if _, ok := track.ParseRunID(runID); !ok {
		return nil, nil, decide.NoRun(runID)
	}
	e, err := r.committer.Load(ctx, document.RunKey(runID))
	if err != nil {
		return nil, nil, err
	}
	run := e.Doc.GetRun()
	if run.GetId() != runID { // another run may have the same number
		return nil, nil, decide.NoRun(runID)
	}
	e, err = r.committer.Load(ctx, document.ExperimentKey(run.GetExperimentId()))
	if err != nil {
		return nil, nil, err
	}
	return run, e.Doc.GetExperiment(), nil
}

// Run answers a run's document as readers must see it. It is shared: do not change it. Long texts of datasets
// are blobs.
func (r *Registry) Run(ctx context.Context, runID string) (*sgpb.Run, error) {
	run, experiment, err := r.load(ctx, runID)
	if err != nil {
		return nil, err
	}
	return document.Effective(run, experiment), nil
}

// VersionLocation answers where a version of a registered model keeps its files.
func (r *Registry) VersionLocation(ctx context.Context, name, version string) (string, error) {
	return r.models.Location(ctx, name, version)
}

// evaluationDatasetsMax is how many datasets for evaluations are searched, those that were deleted included.
const evaluationDatasetsMax = 100_000

// evaluationBytesMax bounds what those of one search are in memory.
const evaluationBytesMax = 64 << 20

// EvaluationDatasets answers all datasets for evaluations, in no order. What is in the list is shared: do not change it.
func (r *Registry) EvaluationDatasets(ctx context.Context) ([]*sgpb.EvaluationDataset, error) {
	keys, err := r.journal.List(ctx, document.EvaluationDatasetPrefix)
	if err != nil {
		return nil, err
	}
	if len(keys) > evaluationDatasetsMax {
		return nil, track.Errorf(track.NotImplemented, "There were %d evaluation datasets, of which at most %d can be searched; get them by their ids", len(keys), evaluationDatasetsMax)
	}
	out := make([]*sgpb.EvaluationDataset, 0, len(keys))
	bytes := 0
	for _, key := range keys {
		e, err := r.committer.Load(ctx, key)
		if err != nil {
			return nil, err
		}
		if d := e.Doc.GetEvaluationDataset(); d != nil && !d.GetDeleted() {
			out = append(out, d)
			bytes += proto.Size(d)
		}
		if bytes > evaluationBytesMax {
			return nil, track.Errorf(track.NotImplemented, "The evaluation datasets have more than %d MiB of tags and schemas, which is more than is searched; get them by their ids", evaluationBytesMax>>20)
		}
	}
	return out, nil
}

// Do carries out a command on a run and answers the run's document, which is shared: do not change it.
func (r *Registry) Do(ctx context.Context, c track.Command) (*sgpb.Run, error) {
	if b, ok := c.(track.LogBatch); ok && len(b.Params)+len(b.Tags) == 0 {
		run, err := r.Run(ctx, b.RunID)
		if err == nil && run.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
			return nil, decide.DeletedRun(b.RunID)
		}
		return run, err
	}
	doc, err := r.committer.Do(ctx, decide.ForRun(c))
	if err != nil {
		return nil, err
	}
	run := doc.GetRun()
	e, err := r.committer.Load(ctx, document.ExperimentKey(run.GetExperimentId()))
	if err != nil {
		return nil, err
	}
	return document.Effective(run, e.Doc.GetExperiment()), nil
}

// ObserveDocuments refreshes what is in memory from the journal's own stream, so that what other processes
// write is seen here. It makes Registry a feed.Observer.
func (r *Registry) ObserveDocuments(docs []feed.Document) {
	for _, d := range docs {
		r.cache.Refresh(d.Key, commit.Entry{Doc: d.Doc, Revision: d.Revision})
	}
	r.sender.Observe(docs)
	r.observeAlerts(docs)
}

// ObserveSections and DocumentsApplied are of no interest here.
func (r *Registry) ObserveSections([]*feed.Section) {}

// DocumentsApplied is not needed: the registry never reads ClickHouse.
func (r *Registry) DocumentsApplied(uint64) {}
