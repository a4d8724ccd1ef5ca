package decide

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// CreateModel makes a logged model, pending until it is finalized. A name is drawn if there is none.
type CreateModel struct {
	ExperimentID, Name, Type, SourceRunID string
	Params, Tags                          []*track.KeyValue
}

// FinalizeModel sets a logged model's status; every change is allowed.
type FinalizeModel struct {
	ID     string
	Status sgpb.LoggedModelStatus
}

// DeleteModel hides a logged model.
type DeleteModel struct{ ID string }

// LogModelParams adds params, all or nothing; they never change.
type LogModelParams struct {
	ID     string
	Params []*track.KeyValue
}

// SetModelTags sets tags.
type SetModelTags struct {
	ID   string
	Tags []*track.KeyValue
}

// DeleteModelTag removes one tag.
type DeleteModelTag struct{ ID, Key string }

// modelEntriesMax bounds the params and the tags of a logged model.
const modelEntriesMax = 10000

// versionsTagMax bounds the list of the versions made from a logged model, which clients write anew with each.
const versionsTagMax = 100_000

func (c CreateModel) decide(d *decider) error {
	if strings.ContainsAny(c.Name, `/:.%"'`) {
		return invalid(`Invalid model name (%s) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%%', '"', "'")`, pythonText(c.Name))
	}
	if err := mlflow.CheckLength("name", c.Name, mlflow.ExperimentNameMax); err != nil {
		return err
	}
	params, err := modelParams(nil, c.Params)
	if err != nil {
		return err
	}
	tags, err := modelTags(nil, c.Tags)
	if err != nil {
		return err
	}
	e, err := d.activeExperiment(c.ExperimentID)
	if err != nil {
		return err
	}
	m := &sgpb.LoggedModel{
		Id: "m-" + d.ID, ExperimentId: e.GetId(), Name: c.Name, ModelType: c.Type, SourceRunId: c.SourceRunID,
		Status:    sgpb.LoggedModelStatus_LOGGED_MODEL_STATUS_PENDING,
		CreatedMs: d.NowMS, UpdatedMs: d.NowMS, Params: params, Tags: tags,
		Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE,
	}
	m.ArtifactUri = under(e.GetArtifactLocation(), "models/"+m.Id+"/artifacts")
	if m.Name == "" {
		m.Name = RandomName(d.ID)
	}
	d.out.Answer = document.LoggedModelKey(m.Id)
	d.emit(Event{
		Key: d.out.Answer, Fresh: true, change: &change{what: "created", to: m.Name},
		set: func(doc *sgpb.Document) {
			doc.Body = &sgpb.Document_LoggedModel{LoggedModel: proto.Clone(m).(*sgpb.LoggedModel)}
		},
	})
	return nil
}

// ModelKey is the document key of a model id as a client wrote it.
func ModelKey(id string) (string, error) {
	hex, found := strings.CutPrefix(id, "m-")
	if _, ok := track.ParseRunID(hex); !found || !ok {
		return "", NoModel(id)
	}
	return document.LoggedModelKey(id), nil
}

// NoModel is MLflow's answer to an unknown model.
func NoModel(id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Logged model with ID '%s' not found.", id)
}

// model reads a logged model that must exist; deleted ones may still be changed, as in MLflow.
func (d *decider) model(id string) (*sgpb.LoggedModel, error) {
	key, err := ModelKey(id)
	if err != nil {
		return nil, err
	}
	doc, err := d.load(key)
	if err != nil {
		return nil, err
	}
	if doc.GetLoggedModel() == nil {
		return nil, NoModel(id)
	}
	d.out.Answer = key
	return doc.GetLoggedModel(), nil
}

func (d *decider) changeModel(ch *change, set func(*sgpb.LoggedModel)) {
	d.emit(Event{Key: d.out.Answer, change: ch, set: func(doc *sgpb.Document) { set(doc.GetLoggedModel()) }})
}

func (c FinalizeModel) decide(d *decider) error {
	m, err := d.model(c.ID)
	if err != nil || m.GetStatus() == c.Status {
		return err
	}
	d.changeModel(&change{what: "status", from: statusText(m.GetStatus()), to: statusText(c.Status)}, func(x *sgpb.LoggedModel) {
		x.Status, x.UpdatedMs = c.Status, d.NowMS
	})
	return nil
}

func statusText(s sgpb.LoggedModelStatus) string {
	return strings.TrimPrefix(s.String(), "LOGGED_MODEL_STATUS_")
}

func (c DeleteModel) decide(d *decider) error {
	m, err := d.model(c.ID)
	if err != nil || m.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		return err
	}
	d.changeModel(&change{what: "deleted"}, func(x *sgpb.LoggedModel) {
		x.Lifecycle, x.UpdatedMs = sgpb.Lifecycle_LIFECYCLE_DELETED, d.NowMS
	})
	return nil
}

func (c LogModelParams) decide(d *decider) error {
	m, err := d.model(c.ID)
	if err != nil {
		return err
	}
	params, err := modelParams(m, c.Params)
	if err != nil || len(params) == 0 {
		return err
	}
	d.changeModel(nil, func(x *sgpb.LoggedModel) {
		for k, v := range params {
			put(&x.Params, k, v)
		}
	})
	return nil
}

// modelParams are the params that a model does not have yet. Unlike MLflow, whose server answers a repeat with
// its database's error, the same value again is well.
func modelParams(m *sgpb.LoggedModel, params []*track.KeyValue) (map[string]string, error) {
	out := make(map[string]string, len(params))
	for _, p := range params {
		if err := mlflow.CheckKey("key", p.Key); err != nil {
			return nil, err
		}
		value := truncate(p.Value, mlflow.ParamValueMax)
		old, ok := m.GetParams()[p.Key]
		if !ok {
			old, ok = out[p.Key]
		}
		if ok && old != value {
			return nil, invalid("Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for model ID='%s'. Attempted logging new value '%s'.", p.Key, old, m.GetId(), value)
		}
		if _, has := m.GetParams()[p.Key]; !has {
			out[p.Key] = value
		}
	}
	if n := len(m.GetParams()) + len(out); n > modelEntriesMax {
		return nil, invalid("Logged model '%s' would have %d params; at most %d are kept", m.GetId(), n, modelEntriesMax)
	}
	return out, nil
}

func (c SetModelTags) decide(d *decider) error {
	m, err := d.model(c.ID)
	if err != nil {
		return err
	}
	tags, err := modelTags(m, c.Tags)
	if err != nil || len(tags) == 0 {
		return err
	}
	d.changeModel(nil, func(x *sgpb.LoggedModel) {
		for k, v := range tags {
			put(&x.Tags, k, v)
		}
	})
	return nil
}

// modelTags are the tags that change something.
func modelTags(m *sgpb.LoggedModel, tags []*track.KeyValue) (map[string]string, error) {
	out, err := checkTags(tags, func(key string) error { return mlflow.CheckLength("key", key, mlflow.KeyLengthMax) })
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		if t.Key == mlflow.ModelVersionsTag {
			out[t.Key] = truncate(t.Value, versionsTagMax) // a list that is cut is none
		}
	}
	for _, k := range slices.Collect(maps.Keys(out)) {
		if old, ok := m.GetTags()[k]; ok && old == out[k] {
			delete(out, k)
		}
	}
	if n := len(m.GetTags()) + len(out); n > modelEntriesMax {
		return nil, invalid("Logged model '%s' would have %d tags; at most %d are kept", m.GetId(), n, modelEntriesMax)
	}
	return out, nil
}

func (c DeleteModelTag) decide(d *decider) error {
	m, err := d.model(c.ID)
	if err != nil {
		return err
	}
	if _, ok := m.GetTags()[c.Key]; !ok {
		return track.Errorf(track.ResourceDoesNotExist, "No tag with key %s found for model with ID %s.", pythonText(c.Key), pythonText(c.ID))
	}
	d.changeModel(nil, func(x *sgpb.LoggedModel) { delete(x.Tags, c.Key) })
	return nil
}
