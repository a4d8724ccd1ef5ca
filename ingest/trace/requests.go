package trace

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// archiveFailedTag may be removed, so that archiving is tried again.
const archiveFailedTag = "mlflow.trace.archivalFailure"

// ownTags say where spans lie; they are the server's own.
var ownTags = map[string]bool{"mlflow.trace.spansLocation": true, "mlflow.trace.archiveLocation": true, archiveFailedTag: true}

// linksMax is how many traces one request links to a run.
const linksMax = 100

func (e *Edge) setTag(c *fiber.Ctx) error {
	f, e1 := e.fields(c)
	id, e2 := param(c, "id")
	key, e3 := f.Required("key")
	value, e4 := f.String("value")
	if err := first(e1, e2, e3, e4); err != nil {
		return err
	}
	if ownTags[key] {
		return track.Errorf(track.InvalidParameterValue, "Tag '%s' is immutable and cannot be set on a trace.", key)
	}
	if err := mlflow.CheckKey("key", key); err != nil {
		return err
	}
	return e.done(c, write.Part{ID: id, Change: change.SetTag(id, key, value)})
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Edge) deleteTag(c *fiber.Ctx) error {
	f, e1 := e.fields(c)
	id, e2 := param(c, "id")
	if err := first(e1, e2); err != nil {
		return err
	}
	key, err := f.String("key")
	if key == "" && err == nil {
		key = strings.Clone(c.Query("key"))
		err = checkText("key", key)
	}
	if err == nil && key == "" {
		err = mlflow.MissingParameter("key")
	}
	if err == nil && ownTags[key] && key != archiveFailedTag {
		err = track.Errorf(track.InvalidParameterValue, "Tag '%s' is immutable and cannot be deleted on a trace.", key)
	}
	if err != nil {
		return err
	}
	return e.done(c, write.Part{ID: id, Change: change.DeleteTag(id, key)})
}

func (e *Edge) deleteTraces(c *fiber.Ctx) error {
	f, err := e.fields(c)
	if err != nil {
		return err
	}
	experiment, e1 := f.RequiredID("experiment_id")
	ids, e2 := f.Strings("request_ids")
	until, e3 := optional(f, "max_timestamp_millis")
	most, e4 := optional(f, "max_traces")
	if err := first(e1, e2, e3, e4); err != nil {
		return err
	}
	if until == nil && len(ids) == 0 {
		return track.Errorf(track.InvalidParameterValue, "Either `max_timestamp_millis` or `trace_ids` must be specified.")
	}
	if until != nil && len(ids) > 0 {
		return track.Errorf(track.InvalidParameterValue, "Only one of `max_timestamp_millis` and `trace_ids` can be specified.")
	}
	if most != nil && len(ids) > 0 {
		return track.Errorf(track.InvalidParameterValue, "`max_traces` can't be specified if `trace_ids` is specified.")
	}
	if most != nil && *most <= 0 {
		return track.Errorf(track.InvalidParameterValue, "`max_traces` must be a positive integer, received %d.", *most)
	}
	number, ok := track.ParseExperimentID(experiment)
	if !ok {
		return track.Errorf(track.InvalidParameterValue, "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", experiment)
	}
	for _, id := range ids {
		if _, err := checkID(id); err != nil {
			return err
		}
	}
	n, err := e.writer.Remove(write.Selection{Experiment: number, IDs: ids, UntilMS: until, Max: most})
	if err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) { w.Field("traces_deleted", func(w *jx.Encoder) { w.Int(n) }) })
}

// optional is a whole number that may be left out.
func optional(f mlflow.Fields, name string) (*int64, error) {
	if !f.Has(name) {
		return nil, nil
	}
	n, err := f.Int64(name, 0)
	return &n, err
}

func (e *Edge) linkToRun(c *fiber.Ctx) error {
	f, err := e.fields(c)
	if err != nil {
		return err
	}
	ids, e1 := f.Strings("trace_ids")
	run, e2 := f.RunID()
	if len(ids) == 0 && e1 == nil {
		e1 = mlflow.MissingParameter("trace_ids")
	}
	if err := first(e1, e2); err != nil {
		return err
	}
	if len(ids) > linksMax {
		return track.Errorf(track.InvalidParameterValue, "Cannot link more than %d traces to a run in a single request. Provided %d traces.", linksMax, len(ids))
	}
	parts := make([]write.Part, len(ids))
	for i, id := range ids {
		if _, err := checkID(id); err != nil {
			return err
		}
		parts[i] = write.Part{ID: id, Change: change.LinkRun(run)}
	}
	return e.done(c, parts...)
}

func (e *Edge) linkPrompts(c *fiber.Ctx) error {
	f, err := e.fields(c)
	if err != nil {
		return err
	}
	id, e1 := f.Required("trace_id")
	versions, e2 := f.Objects("prompt_versions")
	if len(versions) == 0 && e2 == nil {
		e2 = mlflow.MissingParameter("prompt_versions")
	}
	if err := first(e1, e2); err != nil {
		return err
	}
	prompts := make([]string, len(versions))
	for i, v := range versions {
		name, e1 := v.Required("name")
		version, e2 := v.RequiredID("version")
		if err := first(e1, e2); err != nil {
			return err
		}
		prompts[i] = name + "/" + version
	}
	if _, err := checkID(id); err != nil {
		return err
	}
	return e.done(c, write.Part{ID: id, Change: change.LinkPrompts(id, prompts)})
}

// assessment reads the assessment of a request.
func assessment(f mlflow.Fields) (*sgpb.Assessment, error) {
	if !f.Has("assessment") {
		return nil, mlflow.MissingParameter("assessment")
	}
	a := new(sgpb.Assessment)
	return a, mlflow.DecodeMessage("assessment", f.Raw("assessment"), a)
}

func (e *Edge) createAssessment(c *fiber.Ctx) error {
	f, e1 := e.fields(c)
	id, e2 := param(c, "id")
	if err := first(e1, e2); err != nil {
		return err
	}
	a, err := assessment(f)
	if err == nil {
		err = change.CheckAssessment(a)
	}
	if err != nil {
		return err
	}
	var created *sgpb.Assessment
	return e.assessed(c, &created, write.Part{ID: id, Change: change.Assess(id, a, e.now(), func(a *sgpb.Assessment) { created = a })})
}

// assessed carries out a change and answers the assessment that it tells of.
func (e *Edge) assessed(c *fiber.Ctx, a **sgpb.Assessment, p write.Part) error {
	if _, err := e.change(c, p); err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) { w.Field("assessment", func(w *jx.Encoder) { mlflow.EncodeMessage(w, *a) }) })
}

func (e *Edge) updateAssessment(c *fiber.Ctx) error {
	f, e1 := e.fields(c)
	id, e2 := param(c, "id")
	which, e3 := param(c, "assessment")
	if err := first(e1, e2, e3); err != nil {
		return err
	}
	a, err := assessment(f)
	if err == nil && !f.Has("update_mask") {
		err = mlflow.MissingParameter("update_mask")
	}
	if err != nil {
		return err
	}
	paths, err := mask(f)
	if err != nil {
		return err
	}
	var updated *sgpb.Assessment
	return e.assessed(c, &updated, write.Part{ID: id, Change: change.Reassess(id, which, a, paths, e.now(), func(a *sgpb.Assessment) { updated = a })})
}

// mask reads a list of fields: protobuf writes it as names in lowerCamelCase with commas between.
func mask(f mlflow.Fields) ([]string, error) {
	var object struct {
		Paths []string `json:"paths"`
	}
	if json.Unmarshal(f.Raw("update_mask"), &object) == nil {
		return object.Paths, nil
	}
	text, err := f.String("update_mask")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Split(b.String(), ","), nil
}

func (e *Edge) deleteAssessment(c *fiber.Ctx) error {
	_, e1 := e.fields(c)
	id, e2 := param(c, "id")
	which, e3 := param(c, "assessment")
	if err := first(e1, e2, e3); err != nil {
		return err
	}
	return e.done(c, write.Part{ID: id, Change: change.Unassess(which)})
}
