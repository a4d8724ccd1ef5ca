package mlflow

import (
	"maps"
	"slices"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// EncodeTraceV2 writes a trace's info in the form that clients before MLflow 3 read.
func EncodeTraceV2(w *jx.Encoder, info *sgpb.TraceInfo) {
	w.Obj(func(w *jx.Encoder) {
		w.Field("request_id", func(w *jx.Encoder) { w.Str(info.GetTraceId()) })
		w.Field("experiment_id", func(w *jx.Encoder) { w.Str(info.GetTraceLocation().GetMlflowExperiment().GetExperimentId()) })
		w.Field("timestamp_ms", func(w *jx.Encoder) { w.Int64(info.GetRequestTime().AsTime().UnixMilli()) })
		// One that still runs has 0.
		w.Field("execution_time_ms", func(w *jx.Encoder) { w.Int64(info.GetExecutionDuration().AsDuration().Milliseconds()) })
		w.Field("status", func(w *jx.Encoder) { w.Str(statusV2(info.GetState())) })
		encodePairs(w, "request_metadata", info.GetTraceMetadata())
		encodePairs(w, "tags", info.GetTags())
	})
}

func statusV2(state string) string {
	if state == "" || state == "STATE_UNSPECIFIED" {
		return "TRACE_STATUS_UNSPECIFIED"
	}
	return state
}

func encodePairs(w *jx.Encoder, field string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	w.Field(field, func(w *jx.Encoder) {
		w.Arr(func(w *jx.Encoder) {
			for _, k := range slices.Sorted(maps.Keys(m)) {
				w.Obj(func(w *jx.Encoder) {
					w.Field("key", func(w *jx.Encoder) { w.Str(k) })
					w.Field("value", func(w *jx.Encoder) { w.Str(m[k]) })
				})
			}
		})
	})
}
