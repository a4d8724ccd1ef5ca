// Package decide is the registry's middle: what a command does to the documents, or why it may not.
//
// Everything here is pure. A decision reads documents through a View, and time and drawn ids come in with it;
// it answers events, each a change of one document, and Evolve makes the changed document. Documents are
// stored, events are not: they only carry the decision to the committer, which applies and writes all of a
// decision or nothing.
//
//	Decide(view, command, given) -> events        or a refusal with MLflow's code and words
//	Evolve(document, event)      -> next document, and the change that its history remembers
//
// A decision that needs a document the view does not know answers *Missing; the caller loads it and decides
// again. Deleting or restoring an experiment writes that experiment alone: what it means for its runs is
// decided by counting (document.LifecycleOf), so it is as cheap and as atomic with a million runs as with
// none.
package decide

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// View is the documents as they are. A document that is known and nil does not exist.
type View interface {
	Document(key string) (doc *sgpb.Document, known bool)
}

// Given is what a decision may not fetch itself: the time, what was drawn for it, and how the house is built.
type Given struct {
	NowMS int64
	// By is who wants it, by the name of a token; "" if that is not known.
	By string
	// ID is 32 random hex digits: a new run's id, or a new model's behind "m-".
	ID string
	// Lanes is the number of lanes that new runs are spread over; at least 1.
	Lanes uint16
	// ArtifactRoot is where experiments without a location keep their artifacts, e.g. mlflow-artifacts:/.
	ArtifactRoot string
}

// Missing says which document a decision needs and the view does not know.
type Missing struct{ Key string }

func (m *Missing) Error() string { return "document " + m.Key + " is not loaded" }

// Event is one change of one document.
type Event struct {
	Key string
	// Fresh says that the key must never have been written; it need not be loaded for that.
	Fresh  bool
	set    func(*sgpb.Document)
	change *change
	by     string
}

// change is what history remembers of an event. An implied one has no message of its own, because the document
// itself says it (document.FirstChange); it counts all the same.
type change struct {
	what, from, to string
	implied        bool
	// notice is what webhooks are told. An implied change that has one is written, for it stands nowhere else.
	notice *sgpb.Notice
}

// Decision is what a command does. Answer is the key of the document that answers it.
type Decision struct {
	Events []Event
	Answer string
}

// Command is a wish that can be decided on.
type Command interface {
	decide(d *decider) error
}

// Decide answers what a command does, or refuses it with a *track.Error, or names a *Missing document.
func Decide(v View, c Command, g Given) (Decision, error) {
	d := &decider{view: v, Given: g}
	if err := c.decide(d); err != nil {
		return Decision{}, err
	}
	for i := range d.out.Events {
		d.out.Events[i].by = g.By
	}
	return d.out, nil
}

// decider collects one decision.
type decider struct {
	Given
	view View
	out  Decision
}

func (d *decider) load(key string) (*sgpb.Document, error) {
	doc, known := d.view.Document(key)
	if !known {
		return nil, &Missing{Key: key}
	}
	return doc, nil
}

func (d *decider) emit(e Event) { d.out.Events = append(d.out.Events, e) }

// write emits the whole content of a document that need not be evolved: a claim, a counter, a blob.
func (d *decider) write(key string, fresh bool, doc *sgpb.Document) {
	d.emit(Event{Key: key, Fresh: fresh, set: func(to *sgpb.Document) { to.Body = doc.Body }})
}

// Evolve makes the next document of an event, leaving doc as it is, and the change to remember, if any.
func Evolve(doc *sgpb.Document, e Event, nowMS int64) (*sgpb.Document, *sgpb.Change) {
	next := new(sgpb.Document)
	if doc != nil {
		next = proto.Clone(doc).(*sgpb.Document)
	}
	e.set(next)
	// A run that comes from another server brings its time.
	if r := next.GetRun(); r != nil && r.GetUpdatedMs() == doc.GetRun().GetUpdatedMs() {
		r.UpdatedMs = nowMS
	}
	if e.change == nil {
		return next, nil
	}
	n := count(next)
	if e.change.implied && e.change.notice == nil {
		return next, nil
	}
	return next, &sgpb.Change{Document: e.Key, Number: n, TimeMs: nowMS, By: e.by, What: e.change.what, From: e.change.from, To: e.change.to, Notice: e.change.notice}
}

// count takes the next number of a document's history.
func count(doc *sgpb.Document) uint64 {
	switch b := doc.GetBody().(type) {
	case *sgpb.Document_Experiment:
		b.Experiment.Changes++
		return b.Experiment.Changes
	case *sgpb.Document_Run:
		b.Run.Changes++
		return b.Run.Changes
	case *sgpb.Document_LoggedModel:
		b.LoggedModel.Changes++
		return b.LoggedModel.Changes
	case *sgpb.Document_RegisteredModel:
		b.RegisteredModel.Changes++
		return b.RegisteredModel.Changes
	case *sgpb.Document_ModelVersion:
		b.ModelVersion.Changes++
		return b.ModelVersion.Changes
	case *sgpb.Document_Approval:
		b.Approval.Changes++
		return b.Approval.Changes
	case *sgpb.Document_Endpoint:
		b.Endpoint.Changes++
		return b.Endpoint.Changes
	}
	panic(fmt.Sprintf("decide: a %T keeps no history", doc.GetBody()))
}

// claimed answers the owner of a unique name, "" if it is free.
func (d *decider) claimed(key string) (owner string, err error) {
	doc, err := d.load(key)
	return doc.GetClaim().GetOwner(), err
}

func claim(owner, text string) *sgpb.Document {
	return &sgpb.Document{Body: &sgpb.Document_Claim{Claim: &sgpb.Claim{Owner: owner, Text: text}}}
}

// under appends a path to a location, before its query if it has one, as MLflow does.
func under(location, path string) string {
	base, query, found := strings.Cut(location, "?")
	base = strings.TrimSuffix(base, "/") + "/" + path
	if found {
		return base + "?" + query
	}
	return base
}

// put puts a pair into a map that may be nil.
func put(m *map[string]string, key, value string) {
	if *m == nil {
		*m = make(map[string]string)
	}
	(*m)[key] = value
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

func keyValueMap(kvs []*track.KeyValue) map[string]string {
	if len(kvs) == 0 {
		return nil
	}
	m := make(map[string]string, len(kvs))
	for _, kv := range kvs {
		m[kv.Key] = kv.Value
	}
	return m
}

// experimentID is the id under an experiment's key.
func experimentID(key string) string { return strings.TrimPrefix(key, document.ExperimentPrefix) }
