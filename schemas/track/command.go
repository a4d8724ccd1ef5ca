package track

import "github.com/streamgauge/streamgauge/schemas/sgpb"

// Command is a wish to change a run's document. Who carries it out decides; the decision is pure.
type Command interface {
	// Run is the id of the run, "" for one that is to be created under a drawn id.
	Run() string
}

// CreateRun starts a run. ID may be empty: then one is drawn. Either ExperimentID or ExperimentName names
// the experiment; an unknown name is created, an unknown id refused.
type CreateRun struct {
	ID             string
	ExperimentID   string
	ExperimentName string
	Name           string
	User           string
	StartMS        int64
	Tags           []*KeyValue
	Ranks          uint32
	// Lenient makes a repeated creation of the same ID a success: frames are repeated, requests are not.
	Lenient bool
}

// UpdateRun changes status, end and name. Zero fields stay as they are.
type UpdateRun struct {
	RunID  string
	Status sgpb.RunStatus
	EndMS  int64
	Name   string
}

// LogBatch adds immutable params and upserts tags, all or nothing. Batch says which of MLflow's two
// messages a conflict gets.
type LogBatch struct {
	RunID  string
	Params []*KeyValue
	Tags   []*KeyValue
	Batch  bool
}

// DeleteTag removes one tag.
type DeleteTag struct{ RunID, Key string }

// DeleteRun and RestoreRun move a run between the lifecycle stages; both are idempotent.
type DeleteRun struct{ RunID string }

// RestoreRun undoes DeleteRun.
type RestoreRun struct{ RunID string }

// LogInputs adds datasets and model inputs.
type LogInputs struct {
	RunID    string
	Datasets []*sgpb.DatasetInput
	Models   []string
}

// LogOutputs links logged models as outputs.
type LogOutputs struct {
	RunID  string
	Models []*sgpb.ModelOutput
}

// WarnRun adds a warning: the run event at that position was refused. One position is warned of once.
type WarnRun struct {
	RunID string
	At    Position
	Text  string
}

// Beat says that a run is alive: it changes nothing else than when the run was last heard of.
type Beat struct{ RunID string }

// Position is where a run event stands on the bus: lane, sequence of its frame, number in the frame from 1.
type Position struct {
	Lane     uint16
	Sequence uint64
	Event    uint32
}

// OnLane is a command that a run event asks for. However often it is decided, it is carried out once, and
// what was once refused stays refused.
type OnLane struct {
	Command
	At Position
}

// KeyValue is a param or a tag.
type KeyValue struct{ Key, Value string }

// Run implements Command.
func (c CreateRun) Run() string { return c.ID }

// Run implements Command.
func (c UpdateRun) Run() string { return c.RunID }

// Run implements Command.
func (c LogBatch) Run() string { return c.RunID }

// Run implements Command.
func (c DeleteTag) Run() string { return c.RunID }

// Run implements Command.
func (c DeleteRun) Run() string { return c.RunID }

// Run implements Command.
func (c RestoreRun) Run() string { return c.RunID }

// Run implements Command.
func (c LogInputs) Run() string { return c.RunID }

// Run implements Command.
func (c LogOutputs) Run() string { return c.RunID }

// Run implements Command.
func (c WarnRun) Run() string { return c.RunID }

// Run implements Command.
func (c Beat) Run() string { return c.RunID }
