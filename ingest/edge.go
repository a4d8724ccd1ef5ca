package ingest

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/streamgauge/streamgauge/ingest/frames"
	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/parse"
	"github.com/streamgauge/streamgauge/ingest/quota"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Runs are the documents of runs. Both methods are called at once by many.
type Runs interface {
	// Lookup answers track.ResourceDoesNotExist for an unknown run.
	Lookup(ctx context.Context, runID string) (track.RunFacts, error)
	// Do carries out a command and answers the run's document, which is shared: it is not changed here. A
	// LogBatch without params and tags changes nothing and answers the document.
	Do(ctx context.Context, c track.Command) (*sgpb.Run, error)
}

// Appender stores frames; package ingest/nats has the one for production.
type Appender = lane.Appender

// Bus is what GET /v1/lanes says of the message bus.
type Bus struct {
	// Lanes is the number of lanes that new runs are spread over; 0 is 1.
	Lanes uint16
	// URL is where jobs connect to NATS.
	URL string
	// Topic has the lanes if they are on Kafka, at Brokers; else it is empty.
	Topic   string
	Brokers []string
}

// Options adjust an edge. The zero value works.
type Options struct {
	// Space is asked before anything is accepted; its error is the answer. It must be cheap. nil: never full.
	Space func() error
	// Acks is told every acknowledged frame before the client is.
	Acks *feed.Acks
	// Bus is for GET /v1/lanes.
	Bus Bus
	// Experiments are for native frames of callers that are confined to some.
	Experiments frames.Experiments
	// Rates limit how fast runs and tokens may write over HTTP.
	Rates quota.Limits
	// Lane adjusts the publishers; its Acks and Meter are set by New.
	Lane lane.Options
}

// Edge takes run writes in. Its methods may be called at once by many.
type Edge struct {
	runs    Runs
	lanes   *lane.Lanes
	frames  *frames.Edge
	options Options
	quota   *quota.Quota
	meter   *lane.Meter
	// history has room for one log-model, which reads and writes a tag.
	history chan struct{}
	// parsing bounds the metrics of OpenTelemetry that are parsed at a time.
	parsing *semaphore.Weighted
}

// New starts an edge. Close ends it.
func New(runs Runs, a Appender, o Options) *Edge {
	if o.Space == nil {
		o.Space = func() error { return nil }
	}
	meter := lane.NewMeter()
	o.Lane.Acks, o.Lane.Meter = o.Acks, meter
	o.Bus.Lanes = max(o.Bus.Lanes, 1)
	e := &Edge{runs: runs, lanes: lane.New(a, o.Lane), options: o, quota: quota.New(o.Rates), meter: meter, history: make(chan struct{}, 1),
		parsing: semaphore.NewWeighted(otlp.MetricsBytesMax),
	}
	e.frames = frames.New(runs, e.lanes, frames.Options{Experiments: o.Experiments, Space: o.Space, Lanes: o.Bus.Lanes, Quota: e.quota, Meter: meter})
	return e
}

// Close commits what waits, refuses what comes, and ends. Stop HTTP first.
func (e *Edge) Close() { e.lanes.Close() }

// Collectors are the edge's metrics.
func (e *Edge) Collectors() []prometheus.Collector { return e.meter.Collectors() }

// log carries out log-metric and log-batch. It takes the command's points over.
func (e *Edge) log(ctx context.Context, c parse.Command) error {
	run, err := e.runs.Lookup(ctx, c.RunID)
	if err == nil && run.Deleted {
		err = track.Errorf(track.InvalidParameterValue, "The run %s must be in the 'active' state. Current state is deleted.", run.ID)
	}
	if err == nil {
		err = e.slowDown(ctx, c)
	}
	if err == nil && len(c.Params)+len(c.Tags) > 0 {
		_, err = e.runs.Do(ctx, track.LogBatch{RunID: c.RunID, Params: c.Params, Tags: c.Tags, Batch: true})
	}
	if err != nil || c.Points == nil {
		c.Points.Release()
		return err
	}
	return e.lanes.Commit(ctx, run, c.Points)
}

// slowDown refuses what comes too fast.
func (e *Edge) slowDown(ctx context.Context, c parse.Command) error {
	n := len(c.Params) + len(c.Tags)
	if c.Points != nil {
		n += c.Points.Len()
	}
	return e.spend(ctx, c.RunID, n)
}

// spend takes entries off the rates of a run, which has no id before it is made, and of who writes.
func (e *Edge) spend(ctx context.Context, run string, entries int) error {
	if e.quota == nil || entries == 0 {
		return nil
	}
	err := e.quota.Take(time.Now(), track.CallerOf(ctx), map[string]int{run: entries})
	if err != nil {
		e.meter.RefuseRate()
	}
	return err
}
