package trace

import (
	"encoding/json"
	"sync"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// importBytesMax bounds a request with traces of another server.
	importBytesMax = 32 << 20
	// importMax is how many traces one request brings: one insert.
	importMax = 256
)

// Import is the request that brings traces of another server.
type Import struct {
	Traces []ImportTrace `json:"traces" required:"true" minItems:"1" maxItems:"256"`
}

// ImportTrace is a trace, or more spans of one that an earlier request brought.
type ImportTrace struct {
	Trace []byte       `json:"trace" required:"true" format:"byte" description:"sgpb.Trace of schemas/proto/streamgauge/v1/traces.proto, encoded."`
	Spans []ImportSpan `json:"spans"`
	More  bool         `json:"more" description:"The trace was sent before, and these are more of its spans."`
}

// ImportSpan is a span in its two forms.
type ImportSpan struct {
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

// Imported says what became of each trace.
type Imported struct {
	Results []ImportResult `json:"results"`
}

// ImportResult is of one trace.
type ImportResult struct {
	Outcome string `json:"outcome" enum:"created,same,refused"`
	Message string `json:"message,omitempty"`
}

func (e *Edge) importTraces(c *fiber.Ctx) error {
	body, err := e.accept(c, importBytesMax)
	if err != nil {
		return err
	}
	var in Import
	if err := json.Unmarshal(body, &in); err != nil {
		return track.Errorf(track.InvalidParameterValue, "Invalid request: %v", err)
	}
	if len(in.Traces) == 0 || len(in.Traces) > importMax {
		return track.Errorf(track.InvalidParameterValue, "'traces' has %d entries; 1 to %d are taken at a time", len(in.Traces), importMax)
	}
	out := Imported{make([]ImportResult, len(in.Traces))}
	failed := make([]error, len(in.Traces))
	var wg sync.WaitGroup
	for i, t := range in.Traces {
		wg.Go(func() { out.Results[i], failed[i] = e.importOne(c, t) })
	}
	wg.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return c.JSON(out)
}

// importOne places a trace; an error is one that may pass.
func (e *Edge) importOne(c *fiber.Ctx, t ImportTrace) (ImportResult, error) {
	refused := func(err error) (ImportResult, error) {
		if !track.Permanent(err) {
			return ImportResult{}, err
		}
		return ImportResult{Outcome: "refused", Message: err.Error()}, nil
	}
	next := new(sgpb.Trace)
	if err := proto.Unmarshal(t.Trace, next); err != nil {
		return refused(track.Errorf(track.InvalidParameterValue, "'trace' cannot be decoded: %v", err))
	}
	id := next.GetInfo().GetTraceId()
	if id == "" || len(id) > idLengthMax {
		return refused(track.Errorf(track.InvalidParameterValue, "'trace' has no id, or one of more than %d bytes", idLengthMax))
	}
	if _, err := e.experiments.Experiment(c.UserContext(), next.GetInfo().GetTraceLocation().GetMlflowExperiment().GetExperimentId()); err != nil {
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
	if _, err := e.writer.Do(bytes, part); err != nil {
		return refused(err)
	}
	if created {
		return ImportResult{Outcome: "created"}, nil
	}
	return ImportResult{Outcome: "same"}, nil
}
