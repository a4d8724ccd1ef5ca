package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/cmd/vault"
	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/alerts/follow"
	consumersch "github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/consumers/documents"
	consumersnats "github.com/streamgauge/streamgauge/consumers/nats"
	"github.com/streamgauge/streamgauge/ingest"
	"github.com/streamgauge/streamgauge/ingest/artifact"
	"github.com/streamgauge/streamgauge/ingest/artifact/browse"
	ingestch "github.com/streamgauge/streamgauge/ingest/clickhouse"
	ingestnats "github.com/streamgauge/streamgauge/ingest/nats"
	"github.com/streamgauge/streamgauge/ingest/quota"
	"github.com/streamgauge/streamgauge/ingest/trace"
	tracewrite "github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/chart"
	querych "github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/importance"
	"github.com/streamgauge/streamgauge/query/live"
	"github.com/streamgauge/streamgauge/query/runtable"
	"github.com/streamgauge/streamgauge/query/tally"
	"github.com/streamgauge/streamgauge/query/traces"
	"github.com/streamgauge/streamgauge/query/walk"
	walkserve "github.com/streamgauge/streamgauge/query/walk/serve"
	"github.com/streamgauge/streamgauge/registry"
	registrynats "github.com/streamgauge/streamgauge/registry/nats"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

const (
	// laneTailBytesMin is the least that a lane's tail gets of --tail-bytes: a few fetches.
	laneTailBytesMin = 16 << 20
)

// parts are the services between HTTP and the stores: who writes documents, who moves logs into ClickHouse,
// who reads.
type parts struct {
	s        *server
	acks     feed.Acks
	metrics  *prometheus.Registry
	conns    []*nats.Conn
	registry *registry.Registry
	vault    *vault.Vault
	bus      *laneBus
	lanes    []*consumers.Lane
	sinks    []interface{ Close() error }
	docs     *documents.Loop
	alerts   *follow.Follower
	store    *querych.Store
	query    *query.Query
	charts   *chart.Reader
	table    *runtable.Server
	tally    *tally.Server
	lineage  *walkserve.Server
	live     *live.Hub
	edge     *ingest.Edge
	traces   *tracewrite.Writer

	// loops are the goroutines of lanes and documents; cancel ends them.
	loops  errgroup.Group
	cancel context.CancelFunc
}

// startParts wires the services in the order in which each needs the one before. What it gives must be
// stopped also after an error.
func startParts(ctx context.Context, s *server) (*parts, error) {
	p := &parts{s: s, metrics: prometheus.NewRegistry(), live: live.NewHub(), cancel: func() {}}
	docs, err := p.connect("documents")
	if err != nil {
		return p, err
	}
	logs, err := p.connect("lanes")
	if err != nil {
		return p, err
	}
	edge, err := p.connect("edge")
	if err != nil {
		return p, err
	}
	if err := p.openRegistry(ctx, docs); err != nil {
		return p, err
	}
	if p.bus, err = openBus(ctx, s, logs); err != nil {
		return p, err
	}
	hot := query.NewHot(query.HotOptions{})
	registered := query.NewRegistered()
	sheets := query.NewSheets()
	newest := walk.NewSet()
	observer := observers{hot, sheets, registered, newest, p.registry, p.vault, p.live}
	p.makeLoops(docs, observer)
	c := s.engine.Credentials()
	p.store = querych.New(querych.Options{
		Addr: s.config.ClickHouseListen, Options: ask.Options{
			HTTPAddr: s.config.ClickHouseHTTPListen, User: engine.AppUser, Password: c.App, ReaderUser: engine.ReaderUser, ReaderPassword: c.Reader,
			ConfinedUser: engine.ConfinedUser, ConfinedPassword: c.Confined,
		},
	})
	tail := consumers.NewTail(&p.acks, p.lanes...)
	p.query = query.New(hot, p.store, tail, p.docs, query.Options{
		Blob: p.registry.Blob, Registered: registered, Sheets: sheets, EvaluationDatasets: p.registry.EvaluationDatasets,
	})
	p.charts = chart.New(p.query, p.store, tail)
	p.tally = tally.NewServer(p.query, p.store, tail, time.Now)
	p.table = runtable.NewServer(p.query, p.store, sheets, tail)
	p.lineage = walkserve.NewServer(walk.New(p.store, newest), walkserve.Models{Names: registered, Moves: p.store, Registry: p.registry.Belonging()}, hot, walkserve.Logs{Tail: tail, Documents: p.docs})
	p.edge = ingest.New(p.registry, p.bus.appender(edge), ingest.Options{
		Space: s.nats.Space, Acks: &p.acks, Bus: p.bus.told(), Experiments: p.registry,
		Rates: quota.Limits{Run: s.config.RunRate, Token: s.config.TokenRate},
	})
	if err := ingestnats.AnswerLanes(edge.Conn(), p.edge.Lanes); err != nil {
		return p, err
	}
	keep := ingestch.New(ingestch.Config{Address: s.config.ClickHouseListen, User: engine.AppUser, Password: c.App})
	p.sinks = append(p.sinks, keep)
	p.traces = tracewrite.New(keep, time.Now)
	p.runLoops()
	return p, p.query.Start(ctx)
}

func (p *parts) connect(name string) (jetstream.JetStream, error) {
	nc, err := p.s.nats.Connect("streamgauge " + name)
	if err != nil {
		return nil, err
	}
	p.conns = append(p.conns, nc)
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return js, nil
}

func (p *parts) openRegistry(ctx context.Context, js jetstream.JetStream) error {
	journal, err := registrynats.Open(ctx, js, registrynats.Options{})
	if err != nil {
		return err
	}
	if p.vault, err = vault.Open(ctx, journal, p.s.keys, p.s.p.Log, p.s.recheck); err != nil {
		return err
	}
	close(p.s.tokensRead)
	hooks, err := p.webhooks(js)
	if err != nil {
		return err
	}
	p.registry, err = registry.Open(ctx, journal, registry.Options{
		Acks: &p.acks, Lanes: p.s.config.Lanes, Webhooks: hooks, Alerts: p.tellOfAlerts(hooks), VersionSource: p.s.config.versionSource(),
		// The reader is made after the registry, which it reads; no request comes before both are there.
		ModelMetrics: func(ctx context.Context, model string) ([]mlflow.Metric, error) {
			return p.query.ModelMetrics(ctx, model)
		},
	})
	return err
}

// makeLoops makes what moves the logs into ClickHouse; nothing runs yet.
func (p *parts) makeLoops(docs jetstream.JetStream, observer feed.Observer) {
	at := consumersch.Config{Address: p.s.config.ClickHouseListen, User: engine.AppUser, Password: p.s.engine.Credentials().App, Metrics: consumersch.NewMetrics(p.metrics)}
	keys := consumersnats.NewKeys(docs)
	laneMetrics := consumers.NewMetrics(p.metrics)
	for n := range p.bus.lanes {
		sink := consumersch.NewLane(at)
		p.sinks = append(p.sinks, sink)
		p.lanes = append(p.lanes, consumers.NewLane(consumers.LaneConfig{
			Lane: n, Source: p.bus.source(n), Sink: sink, Runs: p.registry, Leases: keys,
			// The lock of the data folder says that nobody else is here.
			Owner: ownerName(), TakeOver: true, Observer: observer, Pace: consumers.PaceOf(int(p.bus.lanes)),
			Retention:    consumers.Retention{AgeMax: p.s.config.SafetyAge, BytesMax: uint64(p.s.config.SafetyBytes)},
			TailBytesMax: int(max(p.s.config.TailBytes/int64(p.bus.lanes), min(p.s.config.TailBytes, laneTailBytesMin))), Metrics: laneMetrics, Log: p.s.p.Log,
		}))
	}
	sink := consumersch.NewDocuments(at)
	p.sinks = append(p.sinks, sink)
	p.docs = documents.New(documents.Config{
		Source: consumersnats.NewDocuments(docs), Keys: keys, Sink: sink, Observer: observer,
		Acks: &p.acks, Metrics: documents.NewMetrics(p.metrics), Log: p.s.p.Log,
	})
	p.followAlerts(docs, at)
}

// ownerName is of this process alone, also among those that had its process id before.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "/" + strconv.Itoa(os.Getpid()) + "/" + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// runLoops starts the loops; they go on until stop, whatever becomes of the context of the start.
func (p *parts) runLoops() {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	for _, l := range p.lanes {
		p.loops.Go(func() error { return l.Run(ctx) })
	}
	p.loops.Go(func() error { return p.docs.Run(ctx) })
	p.loops.Go(func() error { p.vault.Run(ctx); return nil })
	p.loops.Go(func() error { p.registry.SendWebhooks(ctx); return nil })
	p.loops.Go(func() error { p.registry.SendAlerts(ctx); return nil })
	p.loops.Go(func() error { p.alerts.Run(ctx); return nil })
}

// status is nil while readers and writers can be served.
func (p *parts) status() error {
	for _, l := range p.lanes {
		if err := l.Ready(); err != nil {
			return err
		}
	}
	return p.docs.Ready()
}

// routes registers the services' own.
func (p *parts) routes(r fiber.Router) {
	p.query.Routes(r) // first, for datasets/search must not be taken for a dataset of that name
	p.registry.Routes(r)
	p.charts.Routes(r)
	p.lineage.Routes(r)
	live.NewServer(p.live, p.query).Routes(r)
	importance.NewServer(p.query).Routes(r)
	p.tally.Routes(r)
	p.table.Routes(r)
	p.edge.Routes(r)
	trace.NewEdge(p.traces, p.registry, p.s.nats.Space).Routes(r)
	p.vault.Routes(r)
	files := artifact.NewProxy(p.s.files, p.registry, artifact.Options{ProxyOnly: p.s.config.ArtifactsProxyOnly, VersionLocation: p.registry.VersionLocation})
	files.Routes(r)
	browse.NewServer(p.s.files, files.Find).Routes(r)
	traces.New(p.store, files.SendBelow).Routes(r)
}

func (p *parts) collectors() []prometheus.Collector {
	return slices.Concat(p.query.Collectors(), p.edge.Collectors(), p.registry.Collectors())
}

// stop ends everything in the reverse order of its start. Frames that are not in ClickHouse yet stay on
// their lane.
func (p *parts) stop() {
	if p.edge != nil {
		p.edge.Close()
	}
	if p.traces != nil {
		p.traces.Close()
	}
	p.cancel()
	err := p.loops.Wait()
	if p.vault != nil {
		ctx, cancel := context.WithTimeout(context.Background(), usesWait)
		p.vault.NoteUses(ctx, usesAge)
		cancel()
	}
	for _, s := range p.sinks {
		err = errors.Join(err, s.Close())
	}
	if p.registry != nil {
		p.registry.Close()
	}
	if p.store != nil {
		p.store.Close()
	}
	for _, nc := range p.conns {
		nc.Close()
	}
	if err != nil {
		p.s.p.Log.Warn("stop", "error", err)
	}
}
