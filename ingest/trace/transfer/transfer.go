// Package transfer takes traces of another server in, as an export has them.
package transfer

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/body"
	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// tracesMax is how many traces one request brings: one insert.
	tracesMax = 256
	// idLengthMax bounds the id of a trace.
	idLengthMax = 250
)

// Experiments know the experiments. It is called at once by many.
type Experiments interface {
	Experiment(ctx context.Context, id string) (*sgpb.Experiment, error)
}

// Edge takes traces in.
type Edge struct {
	Writer      *write.Writer
	Experiments Experiments
	// Space is asked before anything is accepted; its error is the answer.
	Space func() error
}

// Routes registers POST /v1/import/traces.
func (e *Edge) Routes(r fiber.Router) { r.Post("/v1/import/traces", e.post) }

// Request is the request that brings traces of another server.
type Request struct {
	Traces []Trace `json:"traces" required:"true" minItems:"1" maxItems:"256"`
}

// Trace is a trace, or more spans of one that an earlier request brought.
type Trace struct {
	Trace []byte `json:"trace" required:"true" format:"byte" description:"sgpb.Trace of schemas/proto/streamgauge/v1/traces.proto, encoded."`
	Spans []Span `json:"spans"`
	More  bool   `json:"more" description:"The trace was sent before, and these are more of its spans."`
}

// Span is a span in its two forms.
type Span struct {
	SpanID   string `json:"span_id" required:"true" minLength:"1"`
	ParentID string `json:"parent_id"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Status   string `json:"status"`
	StartNS  int64  `json:"start_ns"`
	EndNS    int64  `json:"end_ns"`
	Content  string `json:"content" description:"As JSON in MLflow's form."`
	OTLP     string `json:"otlp" description:"As JSON in OpenTelemetry's form."`
}

// Answer says what became of each trace.
type Answer struct {
	Results []Result `json:"results"`
}

// Result is of one trace.
type Result struct {
	Outcome string `json:"outcome" enum:"created,same,refused"`
	Message string `json:"message,omitempty"`
}

func (e *Edge) post(c *fiber.Ctx) error {
	if err := e.Space(); err != nil {
		return body.Refuse(c, err)
	}
	b, err := body.JSON(c)
	if err != nil {
		return err
	}
	var in Request
	if err := json.Unmarshal(b, &in); err != nil {
		return track.Errorf(track.InvalidParameterValue, "Invalid request: %v", err)
	}
	if len(in.Traces) == 0 || len(in.Traces) > tracesMax {
		return track.Errorf(track.InvalidParameterValue, "'traces' has %d entries; 1 to %d are taken at a time", len(in.Traces), tracesMax)
	}
	out := Answer{make([]Result, len(in.Traces))}
	failed := make([]error, len(in.Traces))
	var wg sync.WaitGroup
	for i, t := range in.Traces {
		wg.Go(func() { out.Results[i], failed[i] = e.one(c, t) })
	}
	wg.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return c.JSON(out)
}

// one places a trace; an error is one that may pass.
func (e *Edge) one(c *fiber.Ctx, t Trace) (Result, error) {
	refused := func(err error) (Result, error) {
		if !track.Permanent(err) {
			return Result{}, err
		}
		return Result{Outcome: "refused", Message: err.Error()}, nil
	}
	next := new(sgpb.Trace)
	if err := proto.Unmarshal(t.Trace, next); err != nil {
		return refused(track.Errorf(track.InvalidParameterValue, "'trace' cannot be decoded: %v", err))
	}
	id := next.GetInfo().GetTraceId()
	if id == "" || len(id) > idLengthMax {
		return refused(track.Errorf(track.InvalidParameterValue, "'trace' has no id, or one of more than %d bytes", idLengthMax))
	}
	if _, err := e.Experiments.Experiment(c.UserContext(), next.GetInfo().GetTraceLocation().GetMlflowExperiment().GetExperimentId()); err != nil {
		return refused(err)
	}
	created, bytes := false, len(t.Trace)
	part := write.Part{ID: id, Change: change.Place(next, t.More, &created)}
	for _, s := range t.Spans {
		part.Spans = append(part.Spans, &otlp.Span{Span: table.Span{
			TraceID: id, SpanID: s.SpanID, ParentID: s.ParentID, Name: s.Name, Type: s.Type, Status: s.Status,
			StartNS: s.StartNS, EndNS: s.EndNS, Content: s.Content, OTLP: s.OTLP,
		}})
	}
	if _, err := e.Writer.Do(bytes, part); err != nil {
		return refused(err)
	}
	if created {
		return Result{Outcome: "created"}, nil
	}
	return Result{Outcome: "same"}, nil
}
