package trace

import (
	"context"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Headers that say where spans belong.
const (
	experimentHeader = "X-Mlflow-Experiment-Id"
	runHeader        = "X-Mlflow-Run-Id"
	protobufType     = "application/x-protobuf"
)

// postSpans takes spans in as OpenTelemetry's exporters send them.
func (e *Edge) postSpans(c *fiber.Ctx) error {
	kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	kind = strings.TrimSpace(kind)
	experimentID := strings.Clone(c.Get(experimentHeader))
	if experimentID == "" {
		return refuse(c, fiber.NewError(fiber.StatusUnprocessableEntity, "the header x-mlflow-experiment-id is missing: it says which experiment the spans belong to"))
	}
	if kind != protobufType && kind != fiber.MIMEApplicationJSON {
		return refuse(c, track.Errorf(track.BadRequest, "Invalid Content-Type: %s. Expected: application/x-protobuf or application/json", c.Get(fiber.HeaderContentType)))
	}
	run := strings.Clone(c.Get(runHeader))
	if _, ok := track.ParseRunID(run); run != "" && !ok {
		return refuse(c, track.Errorf(track.InvalidParameterValue, "Invalid run ID %q in the header %s", run, runHeader))
	}
	body, err := e.accept(c, otlp.BodyBytesMax)
	if err != nil {
		return err
	}
	spans, err := e.parse(c.UserContext(), body, strings.ToLower(c.Get(fiber.HeaderContentEncoding)), kind)
	if err != nil {
		return err
	}
	experiment, err := e.experiments.Experiment(c.UserContext(), experimentID)
	if err != nil {
		return err
	}
	parts := make([]write.Part, 0, 1)
	for _, of := range byTrace(spans) {
		id := of[0].TraceID
		parts = append(parts, write.Part{ID: id, Change: change.LogSpans(of, experiment), Spans: of})
		if run != "" && slices.ContainsFunc(of, (*otlp.Span).Root) {
			parts = append(parts, write.Part{ID: id, Change: change.LinkRun(run)})
		}
	}
	if len(parts) > 0 {
		if _, err := e.change(c, parts...); err != nil {
			return err
		}
	}
	// An empty ExportTraceServiceResponse; its JSON is an empty object.
	c.Context().SetContentType(kind)
	if kind == fiber.MIMEApplicationJSON {
		return c.SendString("{}")
	}
	return c.Send(nil)
}

// parse unpacks and reads spans once there is memory for it.
func (e *Edge) parse(ctx context.Context, body []byte, encoding, kind string) ([]*otlp.Span, error) {
	size, err := otlp.Size(body, encoding)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, parsingTimeout)
	defer cancel()
	if e.parsing.Acquire(ctx, int64(size)) != nil {
		return nil, track.Unavailable(track.ResourceExhausted, retryAfterSeconds, "spans come faster than they are read; try again")
	}
	defer e.parsing.Release(int64(size))
	body, err = otlp.Decompress(body, encoding, size)
	if err != nil {
		return nil, err
	}
	return otlp.Parse(body, kind)
}

// byTrace groups spans in the order of their traces' first.
func byTrace(spans []*otlp.Span) [][]*otlp.Span {
	at := make(map[string]int)
	var out [][]*otlp.Span
	for _, s := range spans {
		i, ok := at[s.TraceID]
		if !ok {
			i = len(out)
			at[s.TraceID] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], s)
	}
	return out
}
