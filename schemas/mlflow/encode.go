package mlflow

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// The Encode functions write MLflow's JSON: snake_case, int64 as numbers, enums by name, unset fields and
// empty lists left out, NaN and infinities as texts.

// EncodeFloat writes a double.
func EncodeFloat(w *jx.Encoder, v float64) {
	switch {
	case math.IsNaN(v):
		w.Str("NaN")
	case math.IsInf(v, 1):
		w.Str("Infinity")
	case math.IsInf(v, -1):
		w.Str("-Infinity")
	default:
		w.Float64(v)
	}
}

// Metric is one value of a run as MLflow shows it.
type Metric struct {
	Key     string
	Value   float64
	TimeMS  int64
	Step    int64
	RunID   string
	Context track.PointContext
}

// EncodeMetric writes one metric.
func EncodeMetric(w *jx.Encoder, m *Metric) {
	w.ObjStart()
	w.FieldStart("key")
	w.Str(m.Key)
	w.FieldStart("value")
	EncodeFloat(w, m.Value)
	w.FieldStart("timestamp")
	w.Int64(m.TimeMS)
	w.FieldStart("step")
	w.Int64(m.Step)
	text(w, "dataset_name", m.Context.DatasetName)
	text(w, "dataset_digest", m.Context.DatasetDigest)
	text(w, "model_id", m.Context.ModelID)
	text(w, "run_id", m.RunID)
	w.ObjEnd()
}

func text(w *jx.Encoder, field, value string) {
	if value != "" {
		w.FieldStart(field)
		w.Str(value)
	}
}

func number(w *jx.Encoder, field string, value int64) {
	if value != 0 {
		w.FieldStart(field)
		w.Int64(value)
	}
}

// EncodeMap writes a map as MLflow's list of {key, value}, by key; nothing if it is empty.
func EncodeMap(w *jx.Encoder, field string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	w.FieldStart(field)
	w.ArrStart()
	for _, k := range slices.Sorted(maps.Keys(m)) {
		w.ObjStart()
		w.FieldStart("key")
		w.Str(k)
		w.FieldStart("value")
		w.Str(m[k])
		w.ObjEnd()
	}
	w.ArrEnd()
}

// StatusName is MLflow's name of a run's status.
func StatusName(s sgpb.RunStatus) string {
	switch s {
	case sgpb.RunStatus_RUN_STATUS_SCHEDULED:
		return "SCHEDULED"
	case sgpb.RunStatus_RUN_STATUS_FINISHED:
		return "FINISHED"
	case sgpb.RunStatus_RUN_STATUS_FAILED:
		return "FAILED"
	case sgpb.RunStatus_RUN_STATUS_KILLED:
		return "KILLED"
	}
	return "RUNNING"
}

// ParseStatus reads a status by name or by number.
func ParseStatus(field, s string) (sgpb.RunStatus, error) {
	if v, ok := sgpb.RunStatus_value["RUN_STATUS_"+s]; ok && v != 0 {
		return sgpb.RunStatus(v), nil
	}
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n < len(sgpb.RunStatus_name) {
		return sgpb.RunStatus(n), nil
	}
	return 0, track.Errorf(track.InvalidParameterValue, "Invalid value %s for parameter '%s' supplied: it must be one of RUNNING, SCHEDULED, FINISHED, FAILED, KILLED", quote(s), field)
}

// LifecycleName is MLflow's name of a lifecycle stage.
func LifecycleName(l sgpb.Lifecycle) string {
	if l == sgpb.Lifecycle_LIFECYCLE_DELETED {
		return "deleted"
	}
	return "active"
}

// EncodeRunInfo writes the info object of a run.
func EncodeRunInfo(w *jx.Encoder, r *sgpb.Run) {
	w.ObjStart()
	w.FieldStart("run_uuid")
	w.Str(r.GetId())
	w.FieldStart("experiment_id")
	w.Str(r.GetExperimentId())
	w.FieldStart("run_name")
	w.Str(r.GetName())
	w.FieldStart("user_id")
	w.Str(r.GetUser())
	w.FieldStart("status")
	w.Str(StatusName(r.GetStatus()))
	w.FieldStart("start_time")
	w.Int64(r.GetStartMs())
	number(w, "end_time", r.GetEndMs())
	w.FieldStart("artifact_uri")
	w.Str(r.GetArtifactUri())
	w.FieldStart("lifecycle_stage")
	w.Str(LifecycleName(r.GetLifecycle()))
	w.FieldStart("run_id")
	w.Str(r.GetId())
	w.ObjEnd()
}

// EncodeRun writes a whole run: info, data with the latest metrics, inputs, outputs.
// Texts of datasets must be in place (not blobs).
func EncodeRun(w *jx.Encoder, r *sgpb.Run, latest []Metric) {
	w.ObjStart()
	w.FieldStart("info")
	EncodeRunInfo(w, r)
	w.FieldStart("data")
	w.ObjStart()
	if len(latest) > 0 {
		w.FieldStart("metrics")
		w.ArrStart()
		for i := range latest {
			EncodeMetric(w, &latest[i])
		}
		w.ArrEnd()
	}
	EncodeMap(w, "params", r.GetParams())
	EncodeMap(w, "tags", r.GetTags())
	w.ObjEnd()
	w.FieldStart("inputs")
	encodeInputs(w, r)
	w.FieldStart("outputs")
	encodeOutputs(w, r)
	w.ObjEnd()
}

func encodeInputs(w *jx.Encoder, r *sgpb.Run) {
	w.ObjStart()
	if len(r.GetInputs()) > 0 {
		w.FieldStart("dataset_inputs")
		w.ArrStart()
		for _, in := range r.GetInputs() {
			w.ObjStart()
			EncodeMap(w, "tags", in.GetTags())
			w.FieldStart("dataset")
			EncodeDataset(w, in.GetDataset())
			w.ObjEnd()
		}
		w.ArrEnd()
	}
	if len(r.GetModelInputs()) > 0 {
		w.FieldStart("model_inputs")
		w.ArrStart()
		for _, id := range r.GetModelInputs() {
			w.ObjStart()
			w.FieldStart("model_id")
			w.Str(id)
			w.ObjEnd()
		}
		w.ArrEnd()
	}
	w.ObjEnd()
}

// EncodeDataset writes a dataset.
func EncodeDataset(w *jx.Encoder, d *sgpb.Dataset) {
	w.ObjStart()
	text(w, "name", d.GetName())
	text(w, "digest", d.GetDigest())
	text(w, "source_type", d.GetSourceType())
	text(w, "source", d.GetSource())
	text(w, "schema", d.GetSchema())
	text(w, "profile", d.GetProfile())
	w.ObjEnd()
}

func encodeOutputs(w *jx.Encoder, r *sgpb.Run) {
	w.ObjStart()
	if len(r.GetModelOutputs()) > 0 {
		w.FieldStart("model_outputs")
		w.ArrStart()
		for _, m := range r.GetModelOutputs() {
			w.ObjStart()
			w.FieldStart("model_id")
			w.Str(m.GetModelId())
			w.FieldStart("step")
			w.Int64(m.GetStep())
			w.ObjEnd()
		}
		w.ArrEnd()
	}
	w.ObjEnd()
}

// EncodeExperiment writes an experiment.
func EncodeExperiment(w *jx.Encoder, e *sgpb.Experiment) {
	w.ObjStart()
	w.FieldStart("experiment_id")
	w.Str(e.GetId())
	w.FieldStart("name")
	w.Str(e.GetName())
	w.FieldStart("artifact_location")
	w.Str(e.GetArtifactLocation())
	w.FieldStart("lifecycle_stage")
	w.Str(LifecycleName(e.GetLifecycle()))
	number(w, "last_update_time", e.GetUpdatedMs())
	number(w, "creation_time", e.GetCreatedMs())
	EncodeMap(w, "tags", e.GetTags())
	w.FieldStart("workspace")
	w.Str(workspace)
	w.ObjEnd()
}

// workspace is where everything of a server without workspaces belongs.
const workspace = "default"

// EncodeLoggedModel writes a logged model with the metrics measured for it.
func EncodeLoggedModel(w *jx.Encoder, m *sgpb.LoggedModel, metrics []Metric) {
	w.ObjStart()
	w.FieldStart("info")
	w.ObjStart()
	w.FieldStart("model_id")
	w.Str(m.GetId())
	w.FieldStart("experiment_id")
	w.Str(m.GetExperimentId())
	w.FieldStart("name")
	w.Str(m.GetName())
	w.FieldStart("creation_timestamp_ms")
	w.Int64(m.GetCreatedMs())
	w.FieldStart("last_updated_timestamp_ms")
	w.Int64(m.GetUpdatedMs())
	w.FieldStart("artifact_uri")
	w.Str(m.GetArtifactUri())
	w.FieldStart("status")
	w.Str(loggedModelStatus(m.GetStatus()))
	text(w, "creator_id", m.GetCreator())
	text(w, "model_type", m.GetModelType())
	text(w, "source_run_id", m.GetSourceRunId())
	text(w, "status_message", m.GetStatusMessage())
	EncodeMap(w, "tags", m.GetTags())
	encodeRegistrations(w, m.GetTags()[ModelVersionsTag])
	w.ObjEnd()
	w.FieldStart("data")
	w.ObjStart()
	EncodeMap(w, "params", m.GetParams())
	if len(metrics) > 0 {
		w.FieldStart("metrics")
		w.ArrStart()
		for i := range metrics {
			EncodeMetric(w, &metrics[i])
		}
		w.ArrEnd()
	}
	w.ObjEnd()
	w.ObjEnd()
}

func loggedModelStatus(s sgpb.LoggedModelStatus) string {
	switch s {
	case sgpb.LoggedModelStatus_LOGGED_MODEL_STATUS_READY:
		return "LOGGED_MODEL_READY"
	case sgpb.LoggedModelStatus_LOGGED_MODEL_STATUS_UPLOAD_FAILED:
		return "LOGGED_MODEL_UPLOAD_FAILED"
	}
	return "LOGGED_MODEL_PENDING"
}
