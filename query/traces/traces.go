// Package traces answers reads of traces: MLflow's searches, a trace with its spans, assessments, aggregates.
//
//	handler -> tracefilter (pure) -> ClickHouse -> JSON
//
// What is acknowledged is in ClickHouse (decision 014), so a reader sees its own writes without waiting for anything;
// while the engine is away every read is 503 with Retry-After. Spans are stored as the JSON that is answered and are
// copied.
package traces

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	readTimeout = 30 * time.Second
	// bodyBytesMax bounds the requests here: a filter and a list of ids.
	bodyBytesMax = 4 << 20
	// idsMax bounds the traces that one request names.
	idsMax = 1000
	// A trace that is still being exported is waited for, as MLflow's server does.
	exportedWait  = 3 * time.Second
	exportedRetry = 100 * time.Millisecond
)

// Keys that MLflow gives a meaning.
const (
	spansTag       = "mlflow.trace.spansLocation"
	spansHere      = "TRACKING_STORE"
	artifactTag    = "mlflow.artifactLocation"
	sizeStatsField = "mlflow.trace.sizeStats"
)

// Store is what is asked of ClickHouse; clickhouse.Store answers. Methods are called concurrently.
type Store interface {
	Traces(ctx context.Context, q filter.Query) ([]*sgpb.Trace, error)
	TracesByID(ctx context.Context, ids []string) ([]*sgpb.Trace, error)
	// Spans gives the spans of traces as JSON: as MLflow stores them, or as OpenTelemetry has them.
	Spans(ctx context.Context, ids []string, stored bool) (map[string][]string, error)
	Aggregates(ctx context.Context, q filter.Query) ([]clickhouse.Aggregate, error)
}

// File sends a file below an artifact location.
type File func(c *fiber.Ctx, location, path string) error

// Reader serves the reads over HTTP.
type Reader struct {
	store Store
	file  File
}

// New makes a reader.
func New(s Store, f File) *Reader { return &Reader{store: s, file: f} }

// Routes registers MLflow's reads of traces, in both of its versions.
func (r *Reader) Routes(to fiber.Router) {
	for _, api := range []string{"/api", "/ajax-api"} {
		v2, v3 := api+"/2.0/mlflow/traces", api+"/3.0/mlflow/traces"
		to.Get(v2, r.searchV2)
		to.Get(v2+"/:id/info", r.getInfoV2)
		to.Post(v3+"/search", r.search)
		to.Get(v3+"/get", r.get)
		to.Get(v3+"/batchGet", r.batchGet)
		to.Post(v3+"/batchGetInfos", r.batchGetInfos)
		to.Post(v3+"/metrics", r.metrics)
		to.Post(v3+"/calculate-filter-correlation", r.correlate)
		to.Get(v3+"/:id/assessments/:assessment", r.getAssessment)
		to.Get(v3+"/:id", r.getInfo)
	}
	to.Get("/ajax-api/2.0/mlflow/get-trace-artifact", r.artifact)
	to.Get("/ajax-api/3.0/mlflow/get-trace-artifact", r.artifact)
}

// param reads a part of the path, copied: the router reuses its memory.
func param(c *fiber.Ctx, name string) (string, error) {
	s, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return "", track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s' in the path: %v", name, err)
	}
	return strings.Clone(s), nil
}

func within(c *fiber.Ctx) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.UserContext(), readTimeout)
}

func reply(c *fiber.Ctx, body func(*jx.Encoder)) error {
	var w jx.Encoder
	w.Obj(body)
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}

// one is the trace of an id; missing words its absence.
func (r *Reader) one(ctx context.Context, id, missing string) (*sgpb.Trace, error) {
	found, err := r.store.TracesByID(ctx, []string{id})
	if err == nil && len(found) == 0 {
		err = track.Errorf(track.ResourceDoesNotExist, missing, id)
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

const noTrace = "Trace with ID '%s' not found."

func (r *Reader) info(c *fiber.Ctx) (*sgpb.TraceInfo, error) {
	id, err := param(c, "id")
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(c)
	defer cancel()
	t, err := r.one(ctx, id, noTrace)
	return t.GetInfo(), err
}

func (r *Reader) getInfo(c *fiber.Ctx) error {
	info, err := r.info(c)
	if err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) {
		w.Field("trace", func(w *jx.Encoder) {
			w.Obj(func(w *jx.Encoder) { w.Field("trace_info", func(w *jx.Encoder) { mlflow.EncodeMessage(w, info) }) })
		})
	})
}

func (r *Reader) getInfoV2(c *fiber.Ctx) error {
	info, err := r.info(c)
	if err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) {
		w.Field("trace_info", func(w *jx.Encoder) { mlflow.EncodeTraceV2(w, info) })
	})
}

func (r *Reader) getAssessment(c *fiber.Ctx) error {
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	which, err := param(c, "assessment")
	if err != nil {
		return err
	}
	ctx, cancel := within(c)
	defer cancel()
	t, err := r.one(ctx, id, "Trace with request_id '%s' not found")
	if err != nil {
		return err
	}
	all := t.GetInfo().GetAssessments()
	i := slices.IndexFunc(all, func(a *sgpb.Assessment) bool { return a.GetAssessmentId() == which })
	if i < 0 {
		return track.Errorf(track.ResourceDoesNotExist, "Assessment with ID '%s' not found for trace '%s'", which, id)
	}
	return reply(c, func(w *jx.Encoder) {
		w.Field("assessment", func(w *jx.Encoder) { mlflow.EncodeMessage(w, all[i]) })
	})
}

// encode writes a trace with its spans.
func encode(w *jx.Encoder, t *sgpb.Trace, spans []string) {
	w.Obj(func(w *jx.Encoder) {
		w.Field("trace_info", func(w *jx.Encoder) { mlflow.EncodeMessage(w, t.GetInfo()) })
		if len(spans) > 0 {
			w.Field("spans", func(w *jx.Encoder) { list(w, spans) })
		}
	})
}

func list(w *jx.Encoder, texts []string) {
	w.Arr(func(w *jx.Encoder) {
		for _, t := range texts {
			w.Raw([]byte(t))
		}
	})
}
