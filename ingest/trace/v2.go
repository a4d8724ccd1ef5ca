package trace

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// begin and end are MLflow 2's; a trace's id is drawn here.
func (e *Edge) begin(c *fiber.Ctx) error {
	f, err := e.fields(c)
	if err != nil {
		return err
	}
	experimentID, e1 := f.ID("experiment_id")
	start, e2 := f.Int64("timestamp_ms", 0)
	metadata, e3 := pairs(f, "request_metadata")
	tags, e4 := pairs(f, "tags")
	if err := first(e1, e2, e3, e4); err != nil {
		return err
	}
	experiment, err := e.active(c.UserContext(), experimentID)
	if err != nil {
		return err
	}
	id := newRequestID()
	return e.told(c, write.Part{ID: id, Change: change.Begin(id, experiment, start, metadata, tags)})
}

func newRequestID() string {
	const idBytes = 16
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

func pairs(f mlflow.Fields, name string) (map[string]string, error) {
	list, err := f.KeyValues(name)
	out := make(map[string]string, len(list))
	for _, kv := range list {
		out[kv.Key] = kv.Value
	}
	return out, err
}

func (e *Edge) end(c *fiber.Ctx) error {
	f, e1 := e.fields(c)
	id, e2 := param(c, "id")
	if err := first(e1, e2); err != nil {
		return err
	}
	at, e1 := f.Int64("timestamp_ms", 0)
	status, e2 := f.String("status")
	metadata, e3 := pairs(f, "request_metadata")
	tags, e4 := pairs(f, "tags")
	if err := first(e1, e2, e3, e4); err != nil {
		return err
	}
	return e.told(c, write.Part{ID: id, Change: change.End(id, at, status, metadata, tags)})
}

// told answers the trace in the form of MLflow 2.
func (e *Edge) told(c *fiber.Ctx, p write.Part) error {
	after, err := e.change(c, p)
	if err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) {
		w.Field("trace_info", func(w *jx.Encoder) { mlflow.EncodeTraceV2(w, after[0].Info) })
	})
}
