package catalog

import (
	"slices"

	"github.com/streamgauge/streamgauge/registry/approval"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/naming"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// DescribeVersion sets a version's description; nil takes it away.
type DescribeVersion struct {
	Name, Version string
	Description   *string
}

// MoveVersion puts a version into a stage, and those that are there into the archive if Archive is set. The comment,
// which MLflow does not have, says why; it may be empty.
type MoveVersion struct {
	Name, Version, Stage, Comment string
	Archive                       bool
}

// DeleteVersion deletes a version; its number stays taken.
type DeleteVersion struct{ Name, Version string }

// SetVersionTag sets one tag.
type SetVersionTag struct{ Name, Version, Key, Value string }

// DeleteVersionTag removes one tag; one that is not there is well.
type DeleteVersionTag struct{ Name, Version, Key string }

// ArchivedMax is how many versions one transition archives: each is a document and an entry of history, and all
// of them must fit one atomic batch.
const ArchivedMax = 400

// numbered reads the model of a version that must exist.
func numbered(d *decide.Decider, name, version string) (*sgpb.RegisteredModel, uint64, error) {
	if err := naming.CheckName("name", name); err != nil {
		return nil, 0, err
	}
	n, err := naming.ParseVersion(version)
	if err != nil {
		return nil, 0, err
	}
	m, err := find(d, name)
	if err != nil {
		return nil, 0, err
	}
	if !exists(m, n) {
		return nil, 0, NoVersion(name, n)
	}
	return m, uint64(n), nil
}

func exists(m *sgpb.RegisteredModel, version int64) bool {
	if version < 1 {
		return false
	}
	s := document.StageOf(m, uint64(version))
	return s != sgpb.Stage_STAGE_UNSPECIFIED && s != sgpb.Stage_STAGE_DELETED
}

// version reads a version that must exist and makes it the answer.
func version(d *decide.Decider, name, number string) (*sgpb.RegisteredModel, *sgpb.ModelVersion, error) {
	m, n, err := numbered(d, name, number)
	if err != nil {
		return nil, nil, err
	}
	key := document.ModelVersionKey(m.GetId(), n)
	doc, err := d.Load(key)
	if err != nil {
		return nil, nil, err
	}
	d.Answer(key)
	return m, doc.GetModelVersion(), nil
}

// changeVersion changes a version's document.
func changeVersion(d *decide.Decider, v *sgpb.ModelVersion, c *decide.Change, set func(*sgpb.ModelVersion)) {
	d.Change(versionKey(v), c, func(doc *sgpb.Document) { set(doc.GetModelVersion()) })
}

func versionKey(v *sgpb.ModelVersion) string {
	return document.ModelVersionKey(v.GetRegisteredModelId(), v.GetVersion())
}

// Decide sets the description.
func (c DescribeVersion) Decide(d *decide.Decider) error {
	text := ""
	if c.Description != nil {
		text = *c.Description
	}
	if err := mlflow.CheckLength("description", text, naming.DescriptionMax); err != nil {
		return err
	}
	_, v, err := version(d, c.Name, c.Version)
	if err != nil {
		return err
	}
	now := d.Given().NowMS
	changeVersion(d, v, changed("description", v.GetDescription(), text), func(x *sgpb.ModelVersion) {
		x.Description, x.NoDescription, x.UpdatedMs = text, c.Description == nil, now
	})
	return nil
}

// Decide moves the version, and archives the others of the stage if it is asked to. All of it is one batch: there
// is no moment with two versions in production, nor one with none.
func (c MoveVersion) Decide(d *decide.Decider) error {
	stage, err := naming.ParseStage(c.Stage)
	if err != nil {
		return err
	}
	if c.Archive && stage != sgpb.Stage_STAGE_STAGING && stage != sgpb.Stage_STAGE_PRODUCTION {
		// MLflow answers this with 500, which its client repeats for minutes.
		return invalid("Model version transition cannot archive existing model versions because '%s' is not an Active stage. Valid stages are ['Staging', 'Production']", c.Stage)
	}
	if err := mlflow.CheckLength("comment", c.Comment, historyTextMax); err != nil {
		return err
	}
	m, v, err := version(d, c.Name, c.Version)
	if err != nil {
		return err
	}
	if err := approved(d, m, v, stage); err != nil {
		return err
	}
	now := d.Given().NowMS
	var archived []uint64
	if c.Archive {
		if archived, err = archive(d, m, v, stage); err != nil {
			return err
		}
	}
	changeVersion(d, v, changed("stage", mlflow.StageName(v.GetStage()), mlflow.StageName(stage)), func(x *sgpb.ModelVersion) {
		x.Stage, x.UpdatedMs = stage, now
	})
	if c.Comment != "" {
		changeVersion(d, v, changed("comment", "", c.Comment), func(*sgpb.ModelVersion) {})
	}
	change(d, m, nil, func(x *sgpb.RegisteredModel) {
		for _, n := range archived {
			document.SetStage(x, n, sgpb.Stage_STAGE_ARCHIVED)
		}
		document.SetStage(x, v.GetVersion(), stage)
		x.UpdatedMs = now
	})
	return nil
}

// approved refuses a transition without the approvals that the model wants for the stage, and closes the request
// that has them.
func approved(d *decide.Decider, m *sgpb.RegisteredModel, v *sgpb.ModelVersion, stage sgpb.Stage) error {
	if approval.Required(m, stage) == 0 || v.GetStage() == stage {
		return nil
	}
	key := document.ApprovalKey(m.GetId(), v.GetVersion(), stage)
	doc, err := d.Load(key)
	if err != nil {
		return err
	}
	if err := approval.Check(m, v.GetVersion(), stage, doc.GetApproval()); err != nil {
		return err
	}
	d.Change(key, changed("closed", "", mlflow.StageName(stage)), func(doc *sgpb.Document) { doc.GetApproval().Closed = true })
	return nil
}

// archive puts the other versions of a stage into the archive.
func archive(d *decide.Decider, m *sgpb.RegisteredModel, but *sgpb.ModelVersion, stage sgpb.Stage) ([]uint64, error) {
	others := document.InStage(m, stage, ArchivedMax+2)
	others = slices.DeleteFunc(others, func(n uint64) bool { return n == but.GetVersion() })
	if len(others) > ArchivedMax {
		return nil, invalid("More than %d versions of '%s' are in %s; move some of them out of it first", ArchivedMax, m.GetName(), mlflow.StageName(stage))
	}
	now := d.Given().NowMS
	for _, n := range others {
		doc, err := d.Load(document.ModelVersionKey(m.GetId(), n))
		if err != nil {
			return nil, err
		}
		changeVersion(d, doc.GetModelVersion(), changed("stage", mlflow.StageName(stage), mlflow.StageName(sgpb.Stage_STAGE_ARCHIVED)), func(x *sgpb.ModelVersion) {
			x.Stage, x.UpdatedMs = sgpb.Stage_STAGE_ARCHIVED, now
		})
	}
	return others, nil
}

// What a deleted version keeps in place of where it came from, as MLflow writes it.
const (
	redactedSource  = "REDACTED-SOURCE-PATH"
	redactedRun     = "REDACTED-RUN-ID"
	redactedRunLink = "REDACTED-RUN-LINK"
)

// Decide takes the version's aliases, and out of the version what led to its files. Its tags stay, as in MLflow.
func (c DeleteVersion) Decide(d *decide.Decider) error {
	m, v, err := version(d, c.Name, c.Version)
	if err != nil {
		return err
	}
	now := d.Given().NowMS
	changeVersion(d, v, changed("deleted", mlflow.StageName(v.GetStage()), ""), func(x *sgpb.ModelVersion) {
		x.Deleted, x.Stage, x.UpdatedMs = true, sgpb.Stage_STAGE_DELETED, now
		x.Description, x.NoDescription, x.User, x.StatusMessage = "", true, "", ""
		x.Source, x.RunId, x.RunLink, x.StorageLocation, x.ModelId = redactedSource, redactedRun, redactedRunLink, "", ""
	})
	for _, alias := range document.AliasesOf(m, v.GetVersion()) {
		change(d, m, changed("alias "+alias, versionText(v.GetVersion()), ""), func(x *sgpb.RegisteredModel) { delete(x.Aliases, alias) })
	}
	change(d, m, nil, func(x *sgpb.RegisteredModel) {
		document.SetStage(x, v.GetVersion(), sgpb.Stage_STAGE_DELETED)
		x.UpdatedMs = now
	})
	return nil
}

// Decide sets the tag.
func (c SetVersionTag) Decide(d *decide.Decider) error {
	if err := naming.CheckTag(c.Key, c.Value); err != nil {
		return err
	}
	m, v, err := version(d, c.Name, c.Version)
	if err != nil {
		return err
	}
	old, has := v.GetTags()[c.Key]
	if has && old == c.Value {
		return nil
	}
	tags, err := naming.WithTag(v.GetTags(), c.Key, c.Value)
	if err != nil {
		return err
	}
	happened := changed("tag "+c.Key, old, c.Value)
	data := webhook.Tag{Name: c.Name, Version: c.Version, Key: c.Key, Value: &c.Value}
	if happened.Notice, err = webhook.Notice(d, eventOf(m, webhook.VersionTagSet), data); err != nil {
		return err
	}
	changeVersion(d, v, happened, func(x *sgpb.ModelVersion) { x.Tags = tags })
	return nil
}

// Decide removes the tag.
func (c DeleteVersionTag) Decide(d *decide.Decider) error {
	if err := mlflow.CheckKey("key", c.Key); err != nil {
		return err
	}
	m, v, err := version(d, c.Name, c.Version)
	if err != nil {
		return err
	}
	old, has := v.GetTags()[c.Key]
	if !has {
		return nil
	}
	happened := changed("tag "+c.Key, old, "")
	data := webhook.Tag{Name: c.Name, Version: c.Version, Key: c.Key}
	if happened.Notice, err = webhook.Notice(d, eventOf(m, webhook.VersionTagDeleted), data); err != nil {
		return err
	}
	changeVersion(d, v, happened, func(x *sgpb.ModelVersion) { delete(x.Tags, c.Key) })
	return nil
}
