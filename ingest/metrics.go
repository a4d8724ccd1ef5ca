package ingest

import (
	"context"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/streamgauge/streamgauge/ingest/body"
	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/ingest/frames"
	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	mimeProtobuf = "application/x-protobuf"
	// parsingWaitMax is how long a request of metrics waits for the memory to be parsed in.
	parsingWaitMax = 5 * time.Second
	// metricsBytesMax of columns go into one frame, far below its limit.
	metricsBytesMax = 256 << 10
)

// postMetrics takes OpenTelemetry's metrics. Data points that cannot be taken are counted in the answer, as the
// protocol has it, and the others are durable.
func (e *Edge) postMetrics(c *fiber.Ctx) error {
	kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	kind = strings.TrimSpace(kind)
	if kind != mimeProtobuf && kind != fiber.MIMEApplicationJSON {
		return body.Refuse(c, track.Errorf(track.BadRequest, "Invalid Content-Type: %.100q. Expected: %s or %s", kind, mimeProtobuf, fiber.MIMEApplicationJSON))
	}
	if err := e.options.Space(); err != nil {
		return body.Refuse(c, err)
	}
	packed, err := body.Bytes(c, otlp.MetricsBytesMax, errMetricsTooLarge)
	if err != nil {
		return err
	}
	m, err := e.parseMetrics(c.UserContext(), packed, [2]string{strings.ToLower(c.Get(fiber.HeaderContentEncoding)), kind})
	if err != nil {
		return err
	}
	for _, of := range m.Runs {
		if err := e.logMetrics(c.UserContext(), m, of); err != nil {
			return err
		}
	}
	c.Context().SetContentType(kind)
	return c.Send(metricsAnswer(m, kind))
}

var errMetricsTooLarge = fiber.NewError(fiber.StatusRequestEntityTooLarge, "the metrics are larger than 4 MiB; send fewer at a time")

// parseMetrics unpacks and reads metrics once there is memory for it. form is the encoding and the type of the body.
func (e *Edge) parseMetrics(ctx context.Context, packed []byte, form [2]string) (*otlp.Metrics, error) {
	size, err := otlp.Size(packed, form[0])
	if err != nil {
		return nil, err
	}
	if size > otlp.MetricsBytesMax {
		return nil, errMetricsTooLarge
	}
	ctx, cancel := context.WithTimeout(ctx, parsingWaitMax)
	defer cancel()
	if e.parsing.Acquire(ctx, int64(size)) != nil {
		return nil, track.Unavailable(track.ResourceExhausted, retryAfterSeconds, "metrics come faster than they are read; come back in a moment")
	}
	defer e.parsing.Release(int64(size))
	b, err := otlp.Decompress(packed, form[0], size)
	if err != nil {
		return nil, err
	}
	return otlp.ParseMetrics(b, form[1], time.Now().UnixMilli())
}

// logMetrics makes the points of one resource durable, or rejects them.
func (e *Edge) logMetrics(ctx context.Context, m *otlp.Metrics, of otlp.RunPoints) error {
	run, err := e.runs.Lookup(ctx, of.RunID)
	if err == nil && run.Deleted {
		err = track.Errorf(track.InvalidParameterValue, "The run %s must be in the 'active' state. Current state is deleted.", run.ID)
	}
	if err != nil {
		if !track.Permanent(err) {
			return err
		}
		m.Reject(len(of.Points), err.Error())
		return nil
	}
	if err := frames.Allowed(ctx, e.options.Experiments, run); err != nil {
		return err
	}
	if err := e.quota.Take(time.Now(), track.CallerOf(ctx), map[string]int{run.ID: len(of.Points)}); err != nil {
		e.meter.RefuseRate()
		return err
	}
	for len(of.Points) > 0 {
		c := columns.Get()
		n := 0
		for n < len(of.Points) && c.Bytes() < metricsBytesMax {
			p := of.Points[n]
			key, known := c.Find([]byte(p.Key))
			if !known {
				key = c.Define(p.Key)
			}
			c.Append(columns.Point{Key: key, Step: p.Step, TimeMS: p.TimeMS, Value: p.Value})
			n++
		}
		of.Points = of.Points[n:]
		if err := e.lanes.Commit(ctx, run, c); err != nil {
			return err
		}
	}
	return nil
}

// metricsAnswer is an ExportMetricsServiceResponse, with its partial success if something was rejected.
func metricsAnswer(m *otlp.Metrics, kind string) []byte {
	if kind == fiber.MIMEApplicationJSON {
		var w jx.Encoder
		w.Obj(func(w *jx.Encoder) {
			if m.Rejected > 0 {
				w.Field("partialSuccess", func(w *jx.Encoder) {
					w.Obj(func(w *jx.Encoder) {
						w.Field("rejectedDataPoints", func(w *jx.Encoder) { w.Int(m.Rejected) })
						w.Field("errorMessage", func(w *jx.Encoder) { w.Str(m.Reason) })
					})
				})
			}
		})
		return w.Bytes()
	}
	if m.Rejected == 0 {
		return nil
	}
	partial := protowire.AppendTag(nil, 1, protowire.VarintType)
	partial = protowire.AppendVarint(partial, uint64(m.Rejected))
	partial = protowire.AppendTag(partial, 2, protowire.BytesType)
	partial = protowire.AppendString(partial, strings.ToValidUTF8(m.Reason, "?"))
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
}
