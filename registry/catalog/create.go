package catalog

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/naming"
	"github.com/streamgauge/streamgauge/registry/source"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// CreateVersion makes the next version of a model, READY at once.
type CreateVersion struct {
	Name, Source string
	// RunID and ModelID say what the version is made from. nil is not the same as empty: what is nil comes from
	// the version that the source names, if it names one.
	RunID, ModelID       *string
	Tags                 []*track.KeyValue
	RunLink, Description string
}

// statusReady is the status of every version: nothing is copied, so nothing is waited for.
const statusReady = "READY"

// registrationsMax bounds the list in a logged model's tag of the versions made from it; the oldest go.
const registrationsMax = 1000

// origin is what a version is made from, once its source is judged.
type origin struct {
	source, storage, runID, modelID string
	// askedRun is the run of the request, or of the version that the source names: what webhooks are told.
	askedRun string
	// model is the logged model, if there is one.
	model *sgpb.LoggedModel
	// inherited says that the logged model is that of the version in the source; it may be gone.
	inherited bool
}

// Decide judges the source, takes the next number, and notes the version in the logged model that it is made
// from, all in one batch.
func (c CreateVersion) Decide(d *decide.Decider) error {
	tags, err := c.check()
	if err != nil {
		return err
	}
	prompt := document.IsPrompt(tags)
	o, err := c.origin(d, prompt)
	if err != nil {
		return err
	}
	m, err := model(d, c.Name)
	if err != nil {
		return err
	}
	now := d.Given().NowMS
	v := &sgpb.ModelVersion{
		Name: m.GetName(), Version: m.GetLastVersion() + 1, RegisteredModelId: m.GetId(),
		Stage: sgpb.Stage_STAGE_NONE, Status: statusReady, Description: c.Description, User: d.Given().By,
		Source: o.source, StorageLocation: o.storage, RunId: o.runID, RunLink: c.RunLink, ModelId: o.modelID,
		CreatedMs: now, UpdatedMs: now, Tags: tags,
	}
	event, data := webhook.VersionOf(v, o.askedRun)
	notice, err := webhook.Notice(d, event, data)
	if err != nil {
		return err
	}
	key := versionKey(v)
	d.Create(key, decide.Change{What: "created", Implied: true, Notice: notice}, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_ModelVersion{ModelVersion: proto.Clone(v).(*sgpb.ModelVersion)}
	})
	change(d, m, nil, func(x *sgpb.RegisteredModel) {
		document.SetStage(x, v.Version, sgpb.Stage_STAGE_NONE)
		x.UpdatedMs = now
	})
	if o.model != nil && !prompt {
		register(d, o.model, mlflow.Registration{Name: m.GetName(), Version: v.Version})
	}
	d.Answer(key)
	return nil
}

// check checks what needs no document.
func (c CreateVersion) check() (map[string]string, error) {
	if err := naming.CheckName("name", c.Name); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name, text string
		runesMax   int
	}{
		{"source", c.Source, source.LengthMax}, {"run_link", c.RunLink, naming.RunLinkMax}, {"description", c.Description, naming.DescriptionMax},
	} {
		if err := mlflow.CheckLength(f.name, f.text, f.runesMax); err != nil {
			return nil, err
		}
	}
	return naming.NewTags(c.Tags)
}

// origin judges the source and resolves it to where the files are.
func (c CreateVersion) origin(d *decide.Decider, prompt bool) (o origin, err error) {
	o = origin{source: c.Source, storage: c.Source, runID: text(c.RunID), modelID: text(c.ModelID), askedRun: text(c.RunID)}
	if prompt {
		return o, source.CheckPrompt(c.Source)
	}
	if err := source.CheckScheme(c.Source); err != nil {
		return o, err
	}
	if source.IsModel(c.Source) {
		if err := c.fromModel(d, &o); err != nil {
			return o, err
		}
	}
	if o.modelID != "" {
		err = source.CheckModel(o.source, source.Owner{ID: o.modelID, Root: func() (string, bool, error) {
			m, err := loggedModel(d, o.modelID)
			return m.GetArtifactUri(), m != nil, err
		}})
	} else {
		err = source.CheckRun(o.source, source.Owner{ID: o.runID, Root: func() (string, bool, error) {
			r, err := run(d, o.runID)
			return r.GetArtifactUri(), r != nil, err
		}})
	}
	if err != nil || o.modelID == "" {
		return o, err
	}
	if o.model, err = loggedModel(d, o.modelID); err != nil {
		return o, err
	}
	switch {
	case o.model == nil && o.inherited:
		return o, nil
	case o.model == nil:
		return o, c.noModel(o)
	}
	if at, ok := source.ParseModel(o.source); ok && at.ID != "" {
		o.storage = o.model.GetArtifactUri()
	}
	if o.runID == "" {
		o.runID = o.model.GetSourceRunId()
	}
	return o, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// noModel is MLflow's answer to a logged model that is not there; it says where it was looked for.
func (c CreateVersion) noModel(o origin) error {
	missing := decide.NoModel(o.modelID)
	if !source.IsModel(o.source) {
		return missing
	}
	// MLflow answers 500 here, which its client repeats for minutes.
	return track.Errorf(track.ResourceDoesNotExist, "Unable to fetch model from model URI source artifact location '%s'.Error: %v", o.source, missing)
}

// fromModel resolves a models:/ source that names another version: the new one is made from what that was made
// from.
func (c CreateVersion) fromModel(d *decide.Decider, o *origin) error {
	at, ok := source.ParseModel(c.Source)
	switch {
	case at.Foreign():
		return invalid("Invalid model version source: '%s'. Registered model sources must use the active model registry.", c.Source)
	case !ok:
		return source.Malformed(c.Source)
	case at.ID != "":
		return nil
	}
	m, err := model(d, at.Name)
	if err != nil {
		return err
	}
	if document.IsPrompt(m.GetTags()) {
		return invalid("Invalid model version source: '%s'. Prompt versions cannot be used as model version sources.", c.Source)
	}
	number, err := Pick(m, at)
	if err != nil {
		return err
	}
	_, v, err := version(d, at.Name, number)
	if err != nil {
		return err
	}
	if c.RunID != nil && *c.RunID != v.GetRunId() || text(c.ModelID) != "" && *c.ModelID != v.GetModelId() {
		return invalid("Invalid model version source: '%s'. The run_id and model_id request parameters must match the referenced model version.", c.Source)
	}
	o.source = fmt.Sprintf("models:/%s/%d", at.Name, v.GetVersion())
	o.storage, o.askedRun = DownloadURI(v), v.GetRunId()
	o.runID, o.modelID, o.inherited = v.GetRunId(), v.GetModelId(), text(c.ModelID) == ""
	return nil
}

// Pick answers the number of the version that a models:/ address names, as text; it may be of none.
func Pick(m *sgpb.RegisteredModel, at source.Model) (string, error) {
	switch {
	case at.Version != "":
		return at.Version, nil
	case at.Alias != "":
		if err := naming.CheckAlias(at.Alias); err != nil {
			return "", err
		}
		if n, ok := m.GetAliases()[at.Alias]; ok && !naming.IsLatest(at.Alias) {
			return versionText(n), nil
		}
		if !naming.IsLatest(at.Alias) {
			return "", NoAlias(at.Alias)
		}
	case at.Stage != "":
		stage, err := naming.ParseStage(at.Stage)
		if err != nil {
			return "", err
		}
		for _, n := range document.LatestVersions(m) {
			if document.StageOf(m, n) == stage {
				return versionText(n), nil
			}
		}
		return "", track.Errorf(track.ResourceDoesNotExist, "No versions of model with name '%s' and stage '%s' found", m.GetName(), at.Stage)
	}
	latest := document.LatestVersions(m)
	if len(latest) == 0 {
		return "", track.Errorf(track.ResourceDoesNotExist, "No versions of model with name '%s' found", m.GetName())
	}
	return versionText(slices.Max(latest)), nil
}

// NoAlias is MLflow's answer to an alias that is not set; its status is 400.
func NoAlias(alias string) error { return invalid("Registered model alias %s not found.", alias) }

// DownloadURI is where a version's files are.
func DownloadURI(v *sgpb.ModelVersion) string {
	if v.GetStorageLocation() != "" {
		return v.GetStorageLocation()
	}
	return v.GetSource()
}

// loggedModel reads a logged model, nil if there is none or it is deleted.
func loggedModel(d *decide.Decider, id string) (*sgpb.LoggedModel, error) {
	key, err := decide.ModelKey(id)
	var refused *track.Error
	if errors.As(err, &refused) {
		return nil, nil
	}
	doc, err := d.Load(key)
	if m := doc.GetLoggedModel(); err == nil && m.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_DELETED {
		return m, nil
	}
	return nil, err
}

// run reads a run, a deleted one too, nil if there is none.
func run(d *decide.Decider, id string) (*sgpb.Run, error) {
	if _, ok := track.ParseRunID(id); !ok {
		return nil, nil
	}
	doc, err := d.Load(document.RunKey(id))
	if r := doc.GetRun(); err == nil && r.GetId() == id {
		return r, nil
	}
	return nil, err
}

// register notes a version in the tag of the logged model that it was made from, where MLflow's client and page
// look for it.
func register(d *decide.Decider, m *sgpb.LoggedModel, r mlflow.Registration) {
	all := mlflow.Registrations(m.GetTags()[mlflow.ModelVersionsTag])
	if slices.Contains(all, r) {
		return
	}
	all = append(all, r)
	all = all[max(0, len(all)-registrationsMax):]
	value := mlflow.RegistrationsText(all)
	d.Change(document.LoggedModelKey(m.GetId()), nil, func(doc *sgpb.Document) {
		x := doc.GetLoggedModel()
		if x.Tags == nil {
			x.Tags = make(map[string]string, 1)
		}
		x.Tags[mlflow.ModelVersionsTag] = value
	})
}
