package decide

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// The experiment that exists from the beginning.
const (
	DefaultExperimentID   = "0"
	DefaultExperimentName = "Default"
)

// CreateExperiment makes an experiment under a name that no other has, deleted ones included.
type CreateExperiment struct {
	Name             string
	ArtifactLocation string
	Tags             []*track.KeyValue
}

// CreateDefault makes experiment 0 unless it was ever made.
type CreateDefault struct{}

// RenameExperiment gives an active experiment another name and frees the old one.
type RenameExperiment struct{ ID, Name string }

// DeleteExperiment and RestoreExperiment move an experiment and all its runs between the lifecycle stages.
type DeleteExperiment struct{ ID string }

// RestoreExperiment undoes DeleteExperiment.
type RestoreExperiment struct{ ID string }

// SetExperimentTag sets one tag.
type SetExperimentTag struct{ ID, Key, Value string }

// DeleteExperimentTag removes one tag.
type DeleteExperimentTag struct{ ID, Key string }

func (c CreateExperiment) decide(d *decider) error {
	if err := checkExperimentName(c.Name); err != nil {
		return err
	}
	for _, t := range c.Tags {
		if err := checkExperimentTag(t.Key, t.Value); err != nil {
			return err
		}
	}
	nameKey := document.ExperimentNameKey(c.Name)
	owner, err := d.claimed(nameKey)
	if err != nil {
		return err
	}
	if owner != "" {
		return nameTaken(c.Name, owner)
	}
	id, err := d.nextExperimentID()
	if err != nil {
		return err
	}
	location := c.ArtifactLocation
	if location == "" {
		location = under(d.ArtifactRoot, id)
	}
	d.createExperiment(id, c.Name, location, keyValueMap(c.Tags))
	return nil
}

func (CreateDefault) decide(d *decider) error {
	key := document.ExperimentKey(DefaultExperimentID)
	d.out.Answer = key
	doc, err := d.load(key)
	if err != nil || doc != nil {
		return err
	}
	owner, err := d.claimed(document.ExperimentNameKey(DefaultExperimentName))
	if err != nil {
		return err
	}
	if owner != "" {
		return nameTaken(DefaultExperimentName, owner)
	}
	d.createExperiment(DefaultExperimentID, DefaultExperimentName, under(d.ArtifactRoot, DefaultExperimentID), nil)
	return nil
}

func (d *decider) nextExperimentID() (string, error) {
	doc, err := d.load(document.ExperimentCounter)
	if err != nil {
		return "", err
	}
	// Id 0 is the default experiment's, which does not come from the counter.
	next := max(doc.GetCounter().GetNext(), 1)
	id := strconv.FormatUint(next, 10)
	if _, ok := track.ParseExperimentID(id); !ok {
		return "", track.Errorf(track.ResourceExhausted, "there are no experiment ids left: the last was %d", next-1)
	}
	d.write(document.ExperimentCounter, false, &sgpb.Document{Body: &sgpb.Document_Counter{Counter: &sgpb.Counter{Next: next + 1}}})
	return id, nil
}

func (d *decider) createExperiment(id, name, location string, tags map[string]string) *sgpb.Experiment {
	key := document.ExperimentKey(id)
	e := &sgpb.Experiment{
		Id: id, Name: name, ArtifactLocation: location, Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE,
		CreatedMs: d.NowMS, UpdatedMs: d.NowMS, Tags: tags,
	}
	d.write(document.ExperimentNameKey(name), false, claim(key, name))
	d.emit(Event{
		Key: key, Fresh: true, change: &change{what: "created", to: name},
		set: func(doc *sgpb.Document) {
			doc.Body = &sgpb.Document_Experiment{Experiment: proto.Clone(e).(*sgpb.Experiment)}
		},
	})
	d.out.Answer = key
	return e
}

// experiment reads an experiment that must exist.
func (d *decider) experiment(id string) (*sgpb.Experiment, error) {
	key, err := ExperimentKey(id)
	if err != nil {
		return nil, err
	}
	doc, err := d.load(key)
	if err != nil {
		return nil, err
	}
	if doc.GetExperiment() == nil {
		return nil, NoExperiment(experimentID(key))
	}
	return doc.GetExperiment(), nil
}

// ExperimentKey is the document key of an experiment id as a client wrote it; none is the default experiment.
func ExperimentKey(id string) (string, error) {
	if id == "" {
		id = DefaultExperimentID
	}
	n, err := strconv.ParseInt(strings.TrimSpace(id), 10, 64)
	if err != nil {
		return "", invalid("Invalid experiment ID '%s'. Experiment ID must be a valid integer.", id)
	}
	if _, ok := track.ParseExperimentID(strconv.FormatInt(n, 10)); !ok {
		return "", NoExperiment(strconv.FormatInt(n, 10))
	}
	return document.ExperimentKey(strconv.FormatInt(n, 10)), nil
}

// NoExperiment is MLflow's answer to an unknown id.
func NoExperiment(id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "No Experiment with id=%s exists", id)
}

func nameTaken(name, owner string) error {
	return track.Errorf(track.ResourceAlreadyExists, "Experiment(name=%s) already exists. Its id is %s; if it is deleted, restore it or choose another name.", name, experimentID(owner))
}

func (c RenameExperiment) decide(d *decider) error {
	if err := checkExperimentName(c.Name); err != nil {
		return err
	}
	e, err := d.experiment(c.ID)
	if err != nil {
		return err
	}
	if e.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_ACTIVE {
		return track.Errorf(track.InvalidState, "Cannot rename a non-active experiment.")
	}
	key := document.ExperimentKey(e.GetId())
	d.out.Answer = key
	if e.GetName() == c.Name {
		return nil
	}
	owner, err := d.claimed(document.ExperimentNameKey(c.Name))
	if err != nil {
		return err
	}
	if owner != "" {
		return nameTaken(c.Name, owner)
	}
	if _, err := d.load(document.ExperimentNameKey(e.GetName())); err != nil {
		return err
	}
	d.write(document.ExperimentNameKey(e.GetName()), false, claim("", e.GetName()))
	d.write(document.ExperimentNameKey(c.Name), false, claim(key, c.Name))
	d.changeExperiment(e, &change{what: "renamed", from: e.GetName(), to: c.Name}, func(x *sgpb.Experiment) {
		x.Name, x.UpdatedMs = c.Name, d.NowMS
	})
	return nil
}

func (d *decider) changeExperiment(e *sgpb.Experiment, ch *change, set func(*sgpb.Experiment)) {
	d.out.Answer = document.ExperimentKey(e.GetId())
	d.emit(Event{Key: d.out.Answer, change: ch, set: func(doc *sgpb.Document) { set(doc.GetExperiment()) }})
}

func (c DeleteExperiment) decide(d *decider) error {
	return d.moveExperiment(c.ID, sgpb.Lifecycle_LIFECYCLE_DELETED, "deleted")
}

func (c RestoreExperiment) decide(d *decider) error {
	return d.moveExperiment(c.ID, sgpb.Lifecycle_LIFECYCLE_ACTIVE, "restored")
}

// moveExperiment is strict, unlike moving a run: MLflow does not find an experiment that is already there.
func (d *decider) moveExperiment(id string, to sgpb.Lifecycle, what string) error {
	e, err := d.experiment(id)
	if err != nil {
		return err
	}
	if e.GetLifecycle() == to {
		return NoExperiment(e.GetId())
	}
	d.changeExperiment(e, &change{what: what}, func(x *sgpb.Experiment) {
		x.Lifecycle, x.UpdatedMs = to, d.NowMS
		x.LifecycleEpoch++
	})
	return nil
}

// activeExperiment reads an experiment that must exist and be active.
func (d *decider) activeExperiment(id string) (*sgpb.Experiment, error) {
	e, err := d.experiment(id)
	if err == nil && e.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_ACTIVE {
		err = invalid("The experiment %s must be in the 'active' state. Current state is %s.", e.GetId(), mlflow.LifecycleName(e.GetLifecycle()))
	}
	return e, err
}

func (c SetExperimentTag) decide(d *decider) error {
	if err := checkExperimentTag(c.Key, c.Value); err != nil {
		return err
	}
	e, err := d.activeExperiment(c.ID)
	if err != nil {
		return err
	}
	d.out.Answer = document.ExperimentKey(e.GetId())
	if old, ok := e.GetTags()[c.Key]; ok && old == c.Value {
		return nil
	}
	d.changeExperiment(e, nil, func(x *sgpb.Experiment) { put(&x.Tags, c.Key, c.Value) })
	return nil
}

func (c DeleteExperimentTag) decide(d *decider) error {
	e, err := d.activeExperiment(c.ID)
	if err != nil {
		return err
	}
	if _, ok := e.GetTags()[c.Key]; !ok {
		return track.Errorf(track.ResourceDoesNotExist, "No tag with name: %s in experiment with id %s", c.Key, e.GetId())
	}
	d.changeExperiment(e, nil, func(x *sgpb.Experiment) { delete(x.Tags, c.Key) })
	return nil
}

func checkExperimentName(name string) error {
	if name == "" {
		return invalid("Invalid experiment name: ''")
	}
	return mlflow.CheckLength("name", name, mlflow.ExperimentNameMax)
}

func checkExperimentTag(key, value string) error {
	if err := mlflow.CheckKey("key", key); err != nil {
		return err
	}
	return mlflow.CheckLength("value", value, mlflow.ExperimentTagValueMax)
}
