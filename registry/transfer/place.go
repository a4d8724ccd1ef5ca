// Package transfer decides on documents that come from another server: each is there afterwards as it was, with its times,
// its users and its history, or is refused. What is there already and is the same stays. It is pure.
package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// ChangesMax is how many entries of a history one command takes: each is read, and a command reads at most 512 documents.
const ChangesMax = 200

// Outcomes of a document.
const (
	// Created: it was not there.
	Created = "created"
	// Same: it was there as it is.
	Same = "same"
	// Matched is an experiment of that name that is another, or an alert that was changed. It stays as it is; an experiment takes in runs.
	Matched = "matched"
	// Refused: something else is in its place.
	Refused = "refused"
)

// Place puts one document where it belongs.
type Place struct {
	Doc *sgpb.Document
	// Changes are its history, at most ChangesMax.
	Changes []*sgpb.Change
	// Of is what records (a dataset) and scorers (an experiment) belong to; other documents say it themselves.
	Of string
	// Check: whether the experiment of a run is there does not matter yet.
	Check bool
	// Outcome is Created, Same or Matched, of the decision that was carried out.
	Outcome *string
}

// History puts a part of the history of a document that is not there yet: the document's own command has the rest.
type History struct {
	Key     string
	Changes []*sgpb.Change
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

func taken(format string, args ...any) error {
	return track.Errorf(track.ResourceAlreadyExists, format, args...)
}

// Key is where the document belongs.
func (p Place) Key() (string, error) {
	switch b := p.Doc.GetBody().(type) {
	case *sgpb.Document_Blob:
		sum := sha256.Sum256(b.Blob.GetContent())
		return document.BlobKey(hex.EncodeToString(sum[:])), nil
	case *sgpb.Document_EvaluationRecords:
		return document.EvaluationRecordsKey(p.Of), named("of", p.Of)
	case *sgpb.Document_Scorers:
		_, err := decide.ExperimentKey(p.Of)
		return document.ScorersKey(p.Of), err
	}
	key, err := document.KeyOf(p.Doc)
	if err != nil {
		return "", invalid("Invalid document: %v", err)
	}
	return key, nil
}

func named(field, id string) error {
	if _, ok := track.ParseRunID(trimmed(id)); !ok {
		return invalid("Invalid value %s for parameter '%s' supplied: it must be the id of an evaluation dataset", decide.PythonText(decide.Truncate(id, 64)), field)
	}
	return nil
}

func trimmed(id string) string {
	if len(id) > 2 && id[:2] == "d-" {
		return id[2:]
	}
	return ""
}

// Decide writes the document if its place is empty.
func (p Place) Decide(d *decide.Decider) error {
	if len(p.Changes) > ChangesMax {
		return invalid("Invalid value for parameter 'changes' supplied: there are %d, at most %d are taken at a time", len(p.Changes), ChangesMax)
	}
	key, err := p.Key()
	if err != nil {
		return err
	}
	switch b := p.Doc.GetBody().(type) {
	case *sgpb.Document_Experiment:
		return p.experiment(d, b.Experiment)
	case *sgpb.Document_Run:
		return p.run(d, key, b.Run)
	case *sgpb.Document_RegisteredModel:
		return p.registered(d, key, b.RegisteredModel)
	case *sgpb.Document_AlertRules:
		return p.rule(d, key)
	case *sgpb.Document_AlertEvent:
		return p.event(d, key, b.AlertEvent)
	}
	before, err := d.Load(key)
	if err != nil {
		return err
	}
	if before != nil {
		return p.compare(d, key, before, nil)
	}
	return p.put(d, key, p.Doc)
}

// compare answers for a document whose place is taken.
func (p Place) compare(d *decide.Decider, key string, before *sgpb.Document, experiment *sgpb.Experiment) error {
	if !same(document.Portable(before, experiment), document.Portable(p.Doc, nil)) {
		return taken("%s is there already and differs: it was changed on one of the servers since", What(p.Doc))
	}
	*p.Outcome = Same
	d.Answer(key)
	return nil
}

// same says whether two portable documents are equal. Whether a run is deleted by itself or with its experiment makes no
// difference.
func same(a, b *sgpb.Document) bool {
	if r := a.GetRun(); r != nil {
		r.DeletedWithExperiment = false
	}
	if r := b.GetRun(); r != nil {
		r.DeletedWithExperiment = false
	}
	return proto.Equal(a, b)
}

// put writes a document and its history.
func (p Place) put(d *decide.Decider, key string, doc *sgpb.Document) error {
	if err := (History{key, p.Changes}).Decide(d); err != nil {
		return err
	}
	*p.Outcome = Created
	place(d, key, doc)
	d.Answer(key)
	return nil
}

// Decide writes the entries that are not there.
func (h History) Decide(d *decide.Decider) error {
	for i, c := range h.Changes {
		if c.GetNumber() == 0 {
			return invalid("Invalid value for parameter 'changes[%d].number' supplied: changes are counted from 1", i)
		}
		at := document.HistoryKey(h.Key, c.GetNumber())
		before, err := d.Load(at)
		if err != nil {
			return err
		}
		next := document.PortableChange(c)
		next.Document = h.Key
		if before == nil || !proto.Equal(document.PortableChange(before.GetChange()), next) {
			place(d, at, &sgpb.Document{Body: &sgpb.Document_Change{Change: next}})
		}
	}
	d.Answer("")
	return nil
}

// place writes a document as it was elsewhere.
func place(d *decide.Decider, key string, doc *sgpb.Document) {
	d.Change(key, nil, func(to *sgpb.Document) { to.Body = doc.Body })
}

// run places a run into an experiment of this server, on this server's lanes.
func (p Place) run(d *decide.Decider, key string, r *sgpb.Run) error {
	before, err := d.Load(key)
	if err != nil {
		return err
	}
	if before == nil && p.Check {
		*p.Outcome = Created
		return nil
	}
	e, err := d.Load(document.ExperimentKey(r.GetExperimentId()))
	if err != nil {
		return err
	}
	if before == nil && e.GetExperiment() == nil {
		return invalid("The experiment %s of run %s is not there", decide.PythonText(r.GetExperimentId()), r.GetId())
	}
	if before != nil && before.GetRun().GetId() != r.GetId() {
		return taken("Run %s begins with the same 16 digits as run %s, which is there", r.GetId(), before.GetRun().GetId())
	}
	if before != nil {
		return p.compare(d, key, before, e.GetExperiment())
	}
	next := document.Portable(p.Doc, nil).GetRun()
	next.Lanes = nil
	for _, l := range track.LanesOf(r.GetId(), r.GetRanks(), d.Given().Lanes) {
		next.Lanes = append(next.Lanes, uint32(l))
	}
	next.LifecycleEpoch = e.GetExperiment().GetLifecycleEpoch()
	if with := next.GetDeletedWithExperiment(); with && next.LifecycleEpoch > 0 && e.GetExperiment().GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		// Deleted only because its experiment is: so it stays older than that.
		next.Lifecycle, next.LifecycleEpoch = sgpb.Lifecycle_LIFECYCLE_ACTIVE, next.LifecycleEpoch-1
	}
	next.DeletedWithExperiment = false
	return p.put(d, key, &sgpb.Document{Body: &sgpb.Document_Run{Run: next}})
}

// registered places a registered model under its name. Its versions are placed before it, so that it is whole when it shows.
func (p Place) registered(d *decide.Decider, key string, m *sgpb.RegisteredModel) error {
	before, err := d.Load(key)
	if err != nil {
		return err
	}
	if before != nil {
		return p.compare(d, key, before, nil)
	}
	if m.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_DELETED {
		if m.GetName() == "" {
			return invalid("Invalid value for parameter 'registeredModel.name' supplied: it is empty")
		}
		owner, err := d.Claimed(document.RegisteredNameKey(m.GetName()))
		if err != nil {
			return err
		}
		if owner != "" {
			return taken("Another registered model has the name %s", decide.PythonText(m.GetName()))
		}
		d.Claim(document.RegisteredNameKey(m.GetName()), key, m.GetName())
	}
	return p.put(d, key, p.Doc)
}

// What names a document for people.
func What(doc *sgpb.Document) string {
	switch b := doc.GetBody().(type) {
	case *sgpb.Document_Experiment:
		return fmt.Sprintf("Experiment %s (id %s)", decide.PythonText(b.Experiment.GetName()), b.Experiment.GetId())
	case *sgpb.Document_Run:
		return "Run " + b.Run.GetId()
	case *sgpb.Document_LoggedModel:
		return "Logged model " + b.LoggedModel.GetId()
	case *sgpb.Document_RegisteredModel:
		return "Registered model " + decide.PythonText(b.RegisteredModel.GetName())
	case *sgpb.Document_ModelVersion:
		return fmt.Sprintf("Version %d of registered model %s", b.ModelVersion.GetVersion(), decide.PythonText(b.ModelVersion.GetName()))
	case *sgpb.Document_Approval:
		return "Approval " + b.Approval.GetId()
	case *sgpb.Document_Endpoint:
		return "Endpoint " + b.Endpoint.GetId()
	case *sgpb.Document_EvaluationDataset:
		return "Evaluation dataset " + b.EvaluationDataset.GetId()
	case *sgpb.Document_JobRun:
		return "Job run " + b.JobRun.GetId()
	case *sgpb.Document_LineageEdge:
		return fmt.Sprintf("The edge from %s to %s", b.LineageEdge.GetFrom(), b.LineageEdge.GetTo())
	case *sgpb.Document_LineageNode:
		return "The node " + b.LineageNode.GetNode()
	case *sgpb.Document_AlertRules:
		for _, r := range b.AlertRules.GetRules() {
			return "Alert " + r.GetId()
		}
	case *sgpb.Document_AlertEvent:
		return "Event " + b.AlertEvent.GetId()
	case *sgpb.Document_EvaluationRecords:
		return "The records of an evaluation dataset"
	case *sgpb.Document_Scorers:
		return "The scorers of an experiment"
	}
	return "A document"
}
