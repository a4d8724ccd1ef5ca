package decide

import (
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// ForRun is a command on a run.
func ForRun(c track.Command) Command { return runCommand{c} }

type runCommand struct{ track.Command }

func (rc runCommand) decide(d *decider) error {
	switch c := rc.Command.(type) {
	case track.CreateRun:
		return d.createRun(c)
	case track.UpdateRun:
		return d.updateRun(c)
	case track.LogBatch:
		return d.logBatch(c)
	case track.DeleteTag:
		return d.deleteTag(c)
	case track.DeleteRun:
		return d.moveRun(c.RunID, sgpb.Lifecycle_LIFECYCLE_DELETED)
	case track.RestoreRun:
		return d.moveRun(c.RunID, sgpb.Lifecycle_LIFECYCLE_ACTIVE)
	case track.LogInputs:
		return d.logInputs(c)
	case track.LogOutputs:
		return d.logOutputs(c)
	case track.WarnRun:
		return d.warnRun(c)
	case track.Beat:
		return d.beat(c)
	case track.OnLane:
		return d.onLane(c)
	}
	return track.Errorf(track.NotImplemented, "the registry does not know the command %T", rc.Command)
}

func (d *decider) createRun(c track.CreateRun) error {
	id := c.ID
	if id == "" {
		id = d.ID
	} else if done, err := d.chosenID(c); done || err != nil {
		return err
	}
	e, err := d.experimentOfNewRun(c)
	if err != nil {
		return err
	}
	tags, err := checkTags(c.Tags, func(key string) error { return mlflow.CheckLength("key", key, mlflow.KeyLengthMax) })
	if err != nil {
		return err
	}
	name := c.Name
	switch tagged := tags[mlflow.RunNameTag]; {
	case name != "" && tagged != "" && name != tagged:
		return invalid("Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='%s', mlflow.runName='%s').", name, tagged)
	case name == "" && tagged != "":
		name = tagged
	case name == "":
		name = RandomName(id)
	}
	put(&tags, mlflow.RunNameTag, name)
	r := &sgpb.Run{
		Id: id, ExperimentId: e.GetId(), Name: name, User: c.User,
		Status: sgpb.RunStatus_RUN_STATUS_RUNNING, StartMs: c.StartMS,
		Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE, LifecycleEpoch: e.GetLifecycleEpoch(),
		ArtifactUri: under(e.GetArtifactLocation(), id+"/artifacts"),
		Tags:        tags, Lanes: lanesOf(id, c.Ranks, d.Lanes), Ranks: c.Ranks, CreatedMs: d.NowMS, CreatedBy: d.By,
	}
	key := document.RunKey(id)
	d.emit(Event{
		Key: key, Fresh: true, change: &change{what: "created", implied: true},
		set: func(doc *sgpb.Document) { doc.Body = &sgpb.Document_Run{Run: proto.Clone(r).(*sgpb.Run)} },
	})
	d.out.Answer = key
	return nil
}

// chosenID checks an id that the job chose; done says that the run is there already and that is well.
func (d *decider) chosenID(c track.CreateRun) (done bool, err error) {
	if _, ok := track.ParseRunID(c.ID); !ok {
		return false, invalid("Invalid run id '%s': it must be 32 lower-case hex digits, the first 16 not all 0", c.ID)
	}
	key := document.RunKey(c.ID)
	doc, err := d.load(key)
	if err != nil {
		return false, err
	}
	switch owner := doc.GetRun().GetId(); {
	case owner == "":
		return false, nil
	case owner != c.ID:
		return false, invalid("Run id '%s' begins with the same 16 digits as %s; choose another", c.ID, owner)
	case c.Lenient:
		d.out.Answer = key
		return true, nil
	}
	return false, track.Errorf(track.ResourceAlreadyExists, "Run with id=%s already exists", c.ID)
}

// experimentOfNewRun finds the experiment of a run that is to be created, and creates one that is named and
// not there.
func (d *decider) experimentOfNewRun(c track.CreateRun) (*sgpb.Experiment, error) {
	if c.ExperimentName == "" {
		return d.activeExperiment(c.ExperimentID)
	}
	if err := checkExperimentName(c.ExperimentName); err != nil {
		return nil, err
	}
	owner, err := d.claimed(document.ExperimentNameKey(c.ExperimentName))
	if err != nil {
		return nil, err
	}
	if owner != "" {
		return d.activeExperiment(experimentID(owner))
	}
	id, err := d.nextExperimentID()
	if err != nil {
		return nil, err
	}
	return d.createExperiment(id, c.ExperimentName, under(d.ArtifactRoot, id), nil), nil
}

func lanesOf(id string, ranks uint32, lanes uint16) []uint32 {
	chosen := track.LanesOf(id, ranks, lanes)
	out := make([]uint32, len(chosen))
	for i, l := range chosen {
		out[i] = uint32(l)
	}
	return out
}

// runAt is a run with the experiment whose moves it follows.
type runAt struct {
	*sgpb.Run
	stage sgpb.Lifecycle
	epoch uint64
}

// run reads a run that must exist.
func (d *decider) run(id string) (runAt, error) {
	if _, ok := track.ParseRunID(id); !ok {
		return runAt{}, NoRun(id)
	}
	doc, err := d.load(document.RunKey(id))
	if err != nil {
		return runAt{}, err
	}
	r := doc.GetRun()
	if r.GetId() != id { // another run may have the same number
		return runAt{}, NoRun(id)
	}
	e, err := d.load(document.ExperimentKey(r.GetExperimentId()))
	if err != nil {
		return runAt{}, err
	}
	d.out.Answer = document.RunKey(id)
	return runAt{Run: r, stage: document.LifecycleOf(r, e.GetExperiment()), epoch: e.GetExperiment().GetLifecycleEpoch()}, nil
}

// activeRun reads a run that must exist and be active.
func (d *decider) activeRun(id string) (runAt, error) {
	r, err := d.run(id)
	if err == nil && r.stage != sgpb.Lifecycle_LIFECYCLE_ACTIVE {
		err = DeletedRun(id)
	}
	return r, err
}

// NoRun and DeletedRun are MLflow's refusals of a run.
func NoRun(id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", id)
}

// DeletedRun refuses a write to a deleted run.
func DeletedRun(id string) error {
	return invalid("The run %s must be in the 'active' state. Current state is deleted.", id)
}

// changeRun emits a change of a run. Whatever is written, the lifecycle stage is settled along with it.
func (d *decider) changeRun(r runAt, ch *change, set func(*sgpb.Run)) {
	d.emit(Event{Key: document.RunKey(r.GetId()), change: ch, set: func(doc *sgpb.Document) {
		x := doc.GetRun()
		x.Lifecycle, x.LifecycleEpoch = r.stage, r.epoch
		set(x)
	}})
}

func (d *decider) updateRun(c track.UpdateRun) error {
	r, err := d.activeRun(c.RunID)
	if err != nil {
		return err
	}
	if c.Name != "" {
		d.renameRun(r, c.Name)
	}
	if c.Status != sgpb.RunStatus_RUN_STATUS_UNSPECIFIED && c.Status != r.GetStatus() {
		d.changeRun(r, &change{what: "status", from: mlflow.StatusName(r.GetStatus()), to: mlflow.StatusName(c.Status)}, func(x *sgpb.Run) {
			x.Status = c.Status
		})
	}
	if c.EndMS != 0 && c.EndMS != r.GetEndMs() {
		d.changeRun(r, nil, func(x *sgpb.Run) { x.EndMs = c.EndMS })
	}
	return nil
}

// renameRun sets the name and the tag that mirrors it.
func (d *decider) renameRun(r runAt, name string) {
	var ch *change
	if r.GetName() != name {
		ch = &change{what: "renamed", from: r.GetName(), to: name}
	} else if r.GetTags()[mlflow.RunNameTag] == name {
		return
	}
	d.changeRun(r, ch, func(x *sgpb.Run) {
		x.Name = name
		put(&x.Tags, mlflow.RunNameTag, name)
	})
}

func (d *decider) deleteTag(c track.DeleteTag) error {
	r, err := d.activeRun(c.RunID)
	if err != nil {
		return err
	}
	if _, ok := r.GetTags()[c.Key]; !ok {
		return track.Errorf(track.ResourceDoesNotExist, "No tag with name: %s in run with id %s", c.Key, c.RunID)
	}
	d.changeRun(r, nil, func(x *sgpb.Run) { delete(x.Tags, c.Key) })
	return nil
}

// moveRun is idempotent.
func (d *decider) moveRun(id string, to sgpb.Lifecycle) error {
	r, err := d.run(id)
	if err != nil || r.stage == to {
		return err
	}
	r.stage = to
	if to == sgpb.Lifecycle_LIFECYCLE_DELETED {
		d.changeRun(r, &change{what: "deleted"}, func(x *sgpb.Run) { x.DeletedMs = d.NowMS })
		return nil
	}
	d.changeRun(r, &change{what: "restored"}, func(x *sgpb.Run) { x.DeletedMs = 0 })
	return nil
}
