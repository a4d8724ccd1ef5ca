package catalog

import (
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/naming"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// CreateModel makes a registered model, or a prompt if its tags say so.
type CreateModel struct {
	Name, Description string
	Tags              []*track.KeyValue
}

// RenameModel gives a model another name and frees the old one.
type RenameModel struct{ Name, NewName string }

// DescribeModel sets a model's description.
type DescribeModel struct{ Name, Description string }

// DeleteModel deletes a model with its versions and frees its name.
type DeleteModel struct{ Name string }

// SetModelTag sets one tag.
type SetModelTag struct{ Name, Key, Value string }

// DeleteModelTag removes one tag; one that is not there is well.
type DeleteModelTag struct{ Name, Key string }

// SetAlias points an alias at a version.
type SetAlias struct{ Name, Alias, Version string }

// DeleteAlias removes an alias; one that is not there is well.
type DeleteAlias struct{ Name, Alias string }

// historyTextMax cuts long texts in history, in characters.
const historyTextMax = 1000

func changed(what, from, to string) *decide.Change {
	return &decide.Change{What: what, From: decide.Truncate(from, historyTextMax), To: decide.Truncate(to, historyTextMax)}
}

// Decide makes the claim and the document.
func (c CreateModel) Decide(d *decide.Decider) error {
	if err := naming.CheckName("name", c.Name); err != nil {
		return err
	}
	if err := mlflow.CheckLength("description", c.Description, naming.DescriptionMax); err != nil {
		return err
	}
	tags, err := naming.NewTags(c.Tags)
	if err != nil {
		return err
	}
	owner, err := d.Claimed(document.RegisteredNameKey(c.Name))
	if err != nil {
		return err
	}
	if owner != "" {
		doc, err := d.Load(owner)
		if err != nil {
			return err
		}
		return taken(c.Name, doc.GetRegisteredModel().GetTags(), tags)
	}
	now := d.Given().NowMS
	m := &sgpb.RegisteredModel{
		Id: d.Given().ID, Name: c.Name, Description: c.Description, CreatedMs: now, UpdatedMs: now, Tags: tags, User: d.Given().By,
		Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE,
	}
	event, data := webhook.CreatedOf(m)
	notice, err := webhook.Notice(d, event, data)
	if err != nil {
		return err
	}
	key := document.RegisteredModelKey(m.Id)
	d.Claim(document.RegisteredNameKey(c.Name), key, c.Name)
	d.Create(key, decide.Change{What: "created", To: c.Name, Implied: true, Notice: notice}, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_RegisteredModel{RegisteredModel: proto.Clone(m).(*sgpb.RegisteredModel)}
	})
	d.Answer(key)
	return nil
}

// find reads the model of a name, nil if there is none.
func find(d *decide.Decider, name string) (*sgpb.RegisteredModel, error) {
	owner, err := d.Claimed(document.RegisteredNameKey(name))
	if err != nil || owner == "" {
		return nil, err
	}
	doc, err := d.Load(owner)
	return doc.GetRegisteredModel(), err
}

// model reads a model that must exist and makes it the answer.
func model(d *decide.Decider, name string) (*sgpb.RegisteredModel, error) {
	if err := naming.CheckName("name", name); err != nil {
		return nil, err
	}
	m, err := find(d, name)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, NoModel(name)
	}
	d.Answer(document.RegisteredModelKey(m.GetId()))
	return m, nil
}

// change changes a model's document.
func change(d *decide.Decider, m *sgpb.RegisteredModel, c *decide.Change, set func(*sgpb.RegisteredModel)) {
	d.Change(document.RegisteredModelKey(m.GetId()), c, func(doc *sgpb.Document) { set(doc.GetRegisteredModel()) })
}

// Decide moves the claim. That the versions are of the new name, and updated now, follows from the document.
func (c RenameModel) Decide(d *decide.Decider) error {
	if err := naming.CheckName("new_name", c.NewName); err != nil {
		return err
	}
	m, err := model(d, c.Name)
	if err != nil {
		return err
	}
	if c.NewName != c.Name {
		if err := unguarded(m, "renamed"); err != nil {
			return err
		}
		owner, err := d.Claimed(document.RegisteredNameKey(c.NewName))
		if err != nil {
			return err
		}
		if owner != "" {
			return track.Errorf(track.ResourceAlreadyExists, "Registered Model (name=%s) already exists.", c.NewName)
		}
		d.Claim(document.RegisteredNameKey(c.Name), "", c.Name)
		d.Claim(document.RegisteredNameKey(c.NewName), document.RegisteredModelKey(m.GetId()), c.NewName)
	}
	now := d.Given().NowMS
	change(d, m, changed("renamed", c.Name, c.NewName), func(x *sgpb.RegisteredModel) {
		x.Name, x.UpdatedMs, x.RenamedMs = c.NewName, now, now
	})
	return nil
}

// Decide sets the description.
func (c DescribeModel) Decide(d *decide.Decider) error {
	if err := mlflow.CheckLength("description", c.Description, naming.DescriptionMax); err != nil {
		return err
	}
	m, err := model(d, c.Name)
	if err != nil {
		return err
	}
	now := d.Given().NowMS
	change(d, m, changed("description", m.GetDescription(), c.Description), func(x *sgpb.RegisteredModel) {
		x.Description, x.UpdatedMs = c.Description, now
	})
	return nil
}

// unguarded refuses what would free the name of a model whose stages need approvals: a new model of the name would
// need none, and whoever loads by name and stage would not notice.
func unguarded(m *sgpb.RegisteredModel, done string) error {
	required := m.GetApprovalsRequired()
	for _, stage := range slices.Sorted(maps.Keys(required)) {
		if required[stage] > 0 {
			return track.Errorf(track.PermissionDenied, "Registered Model (name=%s) cannot be %s while a stage of it needs approvals; `streamgauge registry require %s %s 0` ends that", m.GetName(), done, m.GetName(), stage)
		}
	}
	return nil
}

// Decide frees the name. The versions go with the model: nothing leads to them any more.
func (c DeleteModel) Decide(d *decide.Decider) error {
	m, err := model(d, c.Name)
	if err != nil {
		return err
	}
	if err := unguarded(m, "deleted"); err != nil {
		return err
	}
	d.Claim(document.RegisteredNameKey(c.Name), "", c.Name)
	now := d.Given().NowMS
	change(d, m, changed("deleted", c.Name, ""), func(x *sgpb.RegisteredModel) {
		x.Lifecycle, x.UpdatedMs, x.Aliases = sgpb.Lifecycle_LIFECYCLE_DELETED, now, nil
	})
	return nil
}

// Decide sets the tag.
func (c SetModelTag) Decide(d *decide.Decider) error {
	if err := naming.CheckTag(c.Key, c.Value); err != nil {
		return err
	}
	m, err := model(d, c.Name)
	if err != nil {
		return err
	}
	old, has := m.GetTags()[c.Key]
	if has && old == c.Value {
		return nil
	}
	tags, err := naming.WithTag(m.GetTags(), c.Key, c.Value)
	if err != nil {
		return err
	}
	happened := changed("tag "+c.Key, old, c.Value)
	if document.IsPrompt(m.GetTags()) { // MLflow has no such event of models
		if happened.Notice, err = webhook.Notice(d, webhook.PromptTagSet, webhook.Tag{Name: c.Name, Key: c.Key, Value: &c.Value}); err != nil {
			return err
		}
	}
	change(d, m, happened, func(x *sgpb.RegisteredModel) { x.Tags = tags })
	return nil
}

// Decide removes the tag.
func (c DeleteModelTag) Decide(d *decide.Decider) error {
	if err := mlflow.CheckKey("key", c.Key); err != nil {
		return err
	}
	m, err := model(d, c.Name)
	if err != nil {
		return err
	}
	old, has := m.GetTags()[c.Key]
	if !has {
		return nil
	}
	happened := changed("tag "+c.Key, old, "")
	if document.IsPrompt(m.GetTags()) {
		if happened.Notice, err = webhook.Notice(d, webhook.PromptTagDeleted, webhook.Tag{Name: c.Name, Key: c.Key}); err != nil {
			return err
		}
	}
	change(d, m, happened, func(x *sgpb.RegisteredModel) { delete(x.Tags, c.Key) })
	return nil
}

// Decide points the alias at the version, which must exist.
func (c SetAlias) Decide(d *decide.Decider) error {
	if err := naming.CheckName("name", c.Name); err != nil {
		return err
	}
	if err := naming.CheckNewAlias(c.Alias); err != nil {
		return err
	}
	m, n, err := numbered(d, c.Name, c.Version)
	if err != nil {
		return err
	}
	d.Answer(document.RegisteredModelKey(m.GetId()))
	old, has := m.GetAliases()[c.Alias]
	if old == n {
		return nil
	}
	if !has && len(m.GetAliases()) >= naming.AliasesMax {
		return invalid("Registered model '%s' has %d aliases, which is as many as are kept; delete one first", c.Name, naming.AliasesMax)
	}
	happened := changed("alias "+c.Alias, versionText(old), versionText(n))
	data := webhook.Alias{Name: c.Name, Alias: c.Alias, Version: c.Version}
	if happened.Notice, err = webhook.Notice(d, eventOf(m, webhook.AliasCreated), data); err != nil {
		return err
	}
	change(d, m, happened, func(x *sgpb.RegisteredModel) {
		if x.Aliases == nil {
			x.Aliases = make(map[string]uint64)
		}
		x.Aliases[c.Alias] = n
	})
	return nil
}

func versionText(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// Decide removes the alias.
func (c DeleteAlias) Decide(d *decide.Decider) error {
	if err := naming.CheckName("name", c.Name); err != nil {
		return err
	}
	if err := naming.CheckAlias(c.Alias); err != nil {
		return err
	}
	m, err := model(d, c.Name)
	if err != nil {
		return err
	}
	old, has := m.GetAliases()[c.Alias]
	if !has {
		return nil
	}
	happened := changed("alias "+c.Alias, versionText(old), "")
	if happened.Notice, err = webhook.Notice(d, eventOf(m, webhook.AliasDeleted), webhook.Alias{Name: c.Name, Alias: c.Alias}); err != nil {
		return err
	}
	change(d, m, happened, func(x *sgpb.RegisteredModel) { delete(x.Aliases, c.Alias) })
	return nil
}
