package traces

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// whole says whether all spans are there that the client says the trace has.
func whole(t *sgpb.Trace, spans []string) bool {
	var stats struct {
		Spans int `json:"num_spans"`
	}
	if json.Unmarshal([]byte(t.GetInfo().GetTraceMetadata()[sizeStatsField]), &stats) != nil {
		stats.Spans = 0
	}
	return len(spans) > 0 && len(spans) >= stats.Spans
}

func (r *Reader) get(c *fiber.Ctx) error {
	id := strings.Clone(c.Query("trace_id"))
	if id == "" {
		return mlflow.MissingParameter("trace_id")
	}
	ctx, cancel := within(c)
	defer cancel()
	t, spans, err := r.exported(ctx, id, c.QueryBool("allow_partial"))
	if err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) { w.Field("trace", func(w *jx.Encoder) { encode(w, t, spans) }) })
}

// exported reads a trace with all its spans, which may be on their way behind it.
func (r *Reader) exported(ctx context.Context, id string, partial bool) (*sgpb.Trace, []string, error) {
	end := time.Now().Add(exportedWait)
	for {
		t, err := r.one(ctx, id, "Trace with ID %s is not found.")
		if err != nil {
			return nil, nil, err
		}
		if t.GetInfo().GetTags()[spansTag] != spansHere {
			return nil, nil, track.Errorf(track.BadRequest, "Trace data not stored in tracking store")
		}
		spans, err := r.store.Spans(ctx, []string{id}, false)
		if err != nil {
			return nil, nil, err
		}
		if partial || whole(t, spans[id]) {
			return t, spans[id], nil
		}
		if time.Now().After(end) {
			return nil, nil, track.Errorf(track.ResourceDoesNotExist, "Trace with ID %s is not fully exported yet, please try again later.", id)
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(exportedRetry):
		}
	}
}

// named reads the traces that a request names, in its order.
func (r *Reader) named(ctx context.Context, f mlflow.Fields) ([]*sgpb.Trace, error) {
	ids, err := f.Strings("trace_ids")
	if err == nil && len(ids) == 0 {
		err = mlflow.MissingParameter("trace_ids")
	}
	if err == nil && len(ids) > idsMax {
		err = track.Errorf(track.InvalidParameterValue, "trace_ids has %d ids and at most %d are allowed", len(ids), idsMax)
	}
	if err != nil {
		return nil, err
	}
	found, err := r.store.TracesByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	if f.Has("experiment_ids") {
		experiments, err := f.Strings("experiment_ids")
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(t *sgpb.Trace) bool {
			return !slices.Contains(experiments, t.GetInfo().GetTraceLocation().GetMlflowExperiment().GetExperimentId())
		})
	}
	at := make(map[string]int, len(ids))
	for i, id := range ids {
		if _, ok := at[id]; !ok {
			at[id] = i
		}
	}
	slices.SortFunc(found, func(a, b *sgpb.Trace) int { return at[a.GetInfo().GetTraceId()] - at[b.GetInfo().GetTraceId()] })
	return found, nil
}

func (r *Reader) batchGet(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	ctx, cancel := within(c)
	defer cancel()
	found, err := r.named(ctx, f)
	if err != nil {
		return err
	}
	var ids []string
	for _, t := range found {
		ids = append(ids, t.GetInfo().GetTraceId())
	}
	spans, err := r.store.Spans(ctx, ids, false)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(t *sgpb.Trace) bool { return !whole(t, spans[t.GetInfo().GetTraceId()]) })
	return reply(c, func(w *jx.Encoder) {
		many(w, "traces", found, func(w *jx.Encoder, t *sgpb.Trace) { encode(w, t, spans[t.GetInfo().GetTraceId()]) })
	})
}

// many writes a list that is left out when it is empty, as protobuf does.
func many(w *jx.Encoder, field string, all []*sgpb.Trace, each func(*jx.Encoder, *sgpb.Trace)) {
	if len(all) == 0 {
		return
	}
	w.Field(field, func(w *jx.Encoder) {
		w.Arr(func(w *jx.Encoder) {
			for _, t := range all {
				each(w, t)
			}
		})
	})
}

func encodeInfo(w *jx.Encoder, t *sgpb.Trace)   { mlflow.EncodeMessage(w, t.GetInfo()) }
func encodeInfoV2(w *jx.Encoder, t *sgpb.Trace) { mlflow.EncodeTraceV2(w, t.GetInfo()) }

func (r *Reader) batchGetInfos(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	ctx, cancel := within(c)
	defer cancel()
	found, err := r.named(ctx, f)
	if err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) { many(w, "trace_infos", found, encodeInfo) })
}

// artifact sends a trace's spans as a file, or one of its attachments.
func (r *Reader) artifact(c *fiber.Ctx) error {
	id, path := strings.Clone(c.Query("request_id")), strings.Clone(c.Query("path"))
	if id == "" {
		return track.Errorf(track.BadRequest, `Request must include the "request_id" query parameter.`)
	}
	ctx, cancel := within(c)
	defer cancel()
	t, err := r.one(ctx, id, noTrace)
	if err != nil {
		return err
	}
	tags := t.GetInfo().GetTags()
	if path != "" {
		return r.file(c, tags[artifactTag], "attachments/"+path)
	}
	const name = "traces.json"
	if tags[spansTag] != spansHere {
		return r.file(c, tags[artifactTag], name)
	}
	spans, err := r.store.Spans(ctx, []string{id}, true)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentDisposition, "attachment; filename="+name)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Context().SetContentType(fiber.MIMEOctetStream)
	return c.SendString(`{"spans":[` + strings.Join(spans[id], ",") + `]}`)
}
