package decide

import "github.com/streamgauge/streamgauge/schemas/sgpb"

// Rule is a command that another package of the registry decides on, with what a Decider offers.
type Rule interface {
	Decide(d *Decider) error
}

// By makes a Command of a Rule.
func By(r Rule) Command { return ruled{r} }

type ruled struct{ rule Rule }

func (r ruled) decide(d *decider) error { return r.rule.Decide(&Decider{d}) }

// Decider is the documents that a Rule may read and the events that it emits.
type Decider struct{ d *decider }

// Change is what history remembers. An Implied one is the first, which the document says by itself
// (document.FirstChange).
type Change struct {
	What, From, To string
	Implied        bool
	// Notice is what webhooks are told of it, nil if nobody wants to know.
	Notice *sgpb.Notice
}

// Given is what the decision was given.
func (d *Decider) Given() Given { return d.d.Given }

// Load answers a document, nil if it does not exist. Its error is for the caller of Decide.
func (d *Decider) Load(key string) (*sgpb.Document, error) { return d.d.load(key) }

// ActiveExperiment answers an experiment that must exist and be active.
func (d *Decider) ActiveExperiment(id string) (*sgpb.Experiment, error) {
	return d.d.activeExperiment(id)
}

// Claimed answers the owner of a unique name, "" if it is free.
func (d *Decider) Claimed(key string) (owner string, err error) { return d.d.claimed(key) }

// Claim gives a unique name to an owner, "" frees it. The claim must have been read before.
func (d *Decider) Claim(key, owner, text string) { d.d.write(key, false, claim(owner, text)) }

// Create writes a document under a key that was never written; set is called on an empty document.
func (d *Decider) Create(key string, c Change, set func(*sgpb.Document)) {
	d.d.emit(Event{Key: key, Fresh: true, set: set, change: c.own()})
}

// CreateQuietly is Create of a document that keeps no history.
func (d *Decider) CreateQuietly(key string, set func(*sgpb.Document)) {
	d.d.emit(Event{Key: key, Fresh: true, set: set})
}

// Change changes a document that was read before. set gets a copy of its own.
func (d *Decider) Change(key string, c *Change, set func(*sgpb.Document)) {
	e := Event{Key: key, set: set}
	if c != nil {
		e.change = c.own()
	}
	d.d.emit(e)
}

// Answer names the document that answers the command.
func (d *Decider) Answer(key string) { d.d.out.Answer = key }

func (c Change) own() *change {
	return &change{what: c.What, from: c.From, to: c.To, implied: c.Implied, notice: c.Notice}
}

// PythonText writes a text as Python's repr does, which MLflow's messages show.
func PythonText(s string) string { return pythonText(s) }

// Truncate cuts a text to so many characters.
func Truncate(s string, runesMax int) string { return truncate(s, runesMax) }
