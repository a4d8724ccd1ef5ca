package mlflow

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Limits of the searches of the registry.
const (
	RegisteredModelsDefault = 100
	RegisteredModelsMax     = 1000
	ModelVersionsMax        = 200_000
)

// ModelVersionsTag is the tag of a logged model that lists the versions made from it.
const ModelVersionsTag = "mlflow.modelVersions"

// Registration is an entry of that list.
type Registration struct {
	Name    string
	Version uint64
}

// registration is a Registration as clients write it: the version is a number or a text.
type registration struct {
	Name    string      `json:"name"`
	Version json.Number `json:"version"`
}

// Registrations reads the value of ModelVersionsTag; what is no such list is empty, for clients may set the tag
// themselves.
func Registrations(value string) []Registration {
	if value == "" {
		return nil
	}
	var raw []registration
	if json.Unmarshal([]byte(value), &raw) != nil {
		return nil
	}
	out := make([]Registration, 0, len(raw))
	for _, r := range raw {
		if n, err := strconv.ParseUint(r.Version.String(), 10, 64); err == nil {
			out = append(out, Registration{Name: r.Name, Version: n})
		}
	}
	return out
}

// RegistrationsText writes the list as MLflow's server does.
func RegistrationsText(all []Registration) string {
	parts := make([]string, len(all))
	for i, r := range all {
		parts[i] = fmt.Sprintf(`{"name": %s, "version": %d}`, quote(r.Name), r.Version)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// encodeRegistrations writes the list that a logged model's tag holds, each version once: the client notes what
// the server has noted.
func encodeRegistrations(w *jx.Encoder, tag string) {
	all := Registrations(tag)
	if len(all) == 0 {
		return
	}
	w.FieldStart("registrations")
	w.ArrStart()
	seen := make(map[Registration]bool, len(all))
	for _, r := range all {
		if seen[r] {
			continue
		}
		seen[r] = true
		w.ObjStart()
		w.FieldStart("name")
		w.Str(r.Name)
		w.FieldStart("version")
		w.Str(strconv.FormatUint(r.Version, 10))
		w.ObjEnd()
	}
	w.ArrEnd()
}

// StageName is MLflow's name of a stage.
func StageName(s sgpb.Stage) string {
	switch s {
	case sgpb.Stage_STAGE_STAGING:
		return "Staging"
	case sgpb.Stage_STAGE_PRODUCTION:
		return "Production"
	case sgpb.Stage_STAGE_ARCHIVED:
		return "Archived"
	case sgpb.Stage_STAGE_DELETED:
		return "Deleted_Internal"
	}
	return "None"
}

// VersionView is a version as MLflow shows it; Aliases and Logged stay empty where MLflow leaves them out or they
// are not asked for.
type VersionView struct {
	Model   *sgpb.RegisteredModel
	Version *sgpb.ModelVersion
	Aliases []string
	// Logged is the logged model that the version was made from, Metrics what was measured for it.
	Logged  *sgpb.LoggedModel
	Metrics []Metric
}

// EncodeRegisteredModel writes a registered model with the latest version of each stage.
func EncodeRegisteredModel(w *jx.Encoder, m *sgpb.RegisteredModel, latest []*sgpb.ModelVersion) {
	w.ObjStart()
	w.FieldStart("name")
	w.Str(m.GetName())
	w.FieldStart("creation_timestamp")
	w.Int64(m.GetCreatedMs())
	w.FieldStart("last_updated_timestamp")
	w.Int64(m.GetUpdatedMs())
	text(w, "user_id", m.GetUser())
	text(w, "description", m.GetDescription())
	if len(latest) > 0 {
		w.FieldStart("latest_versions")
		w.ArrStart()
		for _, v := range latest {
			EncodeModelVersion(w, VersionView{Model: m, Version: v})
		}
		w.ArrEnd()
	}
	EncodeMap(w, "tags", m.GetTags())
	if len(m.GetAliases()) > 0 {
		w.FieldStart("aliases")
		w.ArrStart()
		for _, a := range slices.Sorted(maps.Keys(m.GetAliases())) {
			w.ObjStart()
			w.FieldStart("alias")
			w.Str(a)
			w.FieldStart("version")
			w.Str(strconv.FormatUint(m.GetAliases()[a], 10))
			w.ObjEnd()
		}
		w.ArrEnd()
	}
	w.ObjEnd()
}

// EncodeModelVersion writes a version. Texts that a client did not send are empty, as in MLflow, but for the
// description.
func EncodeModelVersion(w *jx.Encoder, view VersionView) {
	v := view.Version
	w.ObjStart()
	w.FieldStart("name")
	w.Str(view.Model.GetName())
	w.FieldStart("version")
	w.Str(strconv.FormatUint(v.GetVersion(), 10))
	w.FieldStart("creation_timestamp")
	w.Int64(v.GetCreatedMs())
	w.FieldStart("last_updated_timestamp")
	w.Int64(document.VersionUpdatedMS(view.Model, v))
	text(w, "user_id", v.GetUser())
	w.FieldStart("current_stage")
	w.Str(StageName(v.GetStage()))
	if !v.GetNoDescription() {
		w.FieldStart("description")
		w.Str(v.GetDescription())
	}
	w.FieldStart("source")
	w.Str(v.GetSource())
	w.FieldStart("run_id")
	w.Str(v.GetRunId())
	w.FieldStart("status")
	w.Str(v.GetStatus())
	text(w, "status_message", v.GetStatusMessage())
	EncodeMap(w, "tags", v.GetTags())
	w.FieldStart("run_link")
	w.Str(v.GetRunLink())
	if len(view.Aliases) > 0 {
		w.FieldStart("aliases")
		w.ArrStart()
		for _, a := range view.Aliases {
			w.Str(a)
		}
		w.ArrEnd()
	}
	encodeOrigin(w, view)
	w.ObjEnd()
}

// encodeOrigin writes what the version's logged model says, in the fields that MLflow's protocol has for it and
// its server leaves out.
func encodeOrigin(w *jx.Encoder, view VersionView) {
	text(w, "model_id", view.Version.GetModelId())
	params := view.Logged.GetParams()
	if len(params) > 0 {
		w.FieldStart("model_params")
		w.ArrStart()
		for _, k := range slices.Sorted(maps.Keys(params)) {
			w.ObjStart()
			w.FieldStart("name")
			w.Str(k)
			w.FieldStart("value")
			w.Str(params[k])
			w.ObjEnd()
		}
		w.ArrEnd()
	}
	if len(view.Metrics) > 0 {
		w.FieldStart("model_metrics")
		w.ArrStart()
		for i := range view.Metrics {
			EncodeMetric(w, &view.Metrics[i])
		}
		w.ArrEnd()
	}
}
