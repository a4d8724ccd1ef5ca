package documents

import (
	"maps"
	"slices"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// Lot is what one insert brings into the documents' tables.
type Lot struct {
	// Last is the revision up to which the tables are complete with this lot.
	Last        uint64
	Runs        *table.Runs
	Experiments *table.Experiments
	Models      *table.LoggedModels
	Registered  *table.RegisteredModels
	Versions    *table.ModelVersions
	Endpoints   *table.Endpoints
	Approvals   *table.Approvals
	AlertEvents *table.AlertEvents
	History     *table.History
	Lineage     *table.Lineage
	Quarantine  *table.Quarantine
	// told is what the newest revision of each document says of lineage, by key.
	told map[string]told
}

type told struct {
	lineage.Projection
	revision uint64
}

// NewLot gives an empty lot.
func NewLot() *Lot {
	return &Lot{
		Runs: table.NewRuns(), Experiments: table.NewExperiments(), Models: table.NewLoggedModels(),
		Registered: table.NewRegisteredModels(), Versions: table.NewModelVersions(),
		Endpoints: new(table.Endpoints), Approvals: table.NewApprovals(), History: new(table.History), Quarantine: new(table.Quarantine),
		AlertEvents: table.NewAlertEvents(), Lineage: table.NewLineage(), told: make(map[string]told),
	}
}

// Rows in all tables.
func (l *Lot) Rows() int {
	n := l.Quarantine.Rows() + len(l.told)
	for _, t := range l.tables() {
		n += t.Rows()
	}
	return n
}

// Seal adds what documents tell of lineage, and the watermark rows: to tables with rows, and to all if all is set.
func (l *Lot) Seal(all bool) {
	for _, key := range slices.Sorted(maps.Keys(l.told)) {
		l.Lineage.Append(l.told[key].Projection, l.told[key].revision)
	}
	clear(l.told)
	for _, t := range l.tables() {
		if all || t.Rows() > 0 {
			t.AppendWatermark(l.Last)
		}
	}
}

// marked is a table with a watermark of its own.
type marked interface {
	Rows() int
	AppendWatermark(revision uint64)
}

func (l *Lot) tables() []marked {
	return []marked{l.Runs, l.Experiments, l.Models, l.Registered, l.Versions, l.Endpoints, l.Approvals, l.AlertEvents, l.History, l.Lineage}
}

// entry is a message of the stream after it was read.
type entry struct {
	seq     uint64
	doc     *feed.Document // nil for what readers do not see
	encoded []byte
	refused *table.Refusal
	bytes   int
}

// add takes the next entry.
func (l *Lot) add(e *entry) {
	l.Last = e.seq
	if e.refused != nil {
		l.Quarantine.Append(*e.refused)
	}
	if e.doc == nil {
		return
	}
	switch body := e.doc.Doc.GetBody().(type) {
	case *sgpb.Document_Run:
		l.Runs.Append(body.Run, e.encoded, e.seq)
	case *sgpb.Document_Experiment:
		l.Experiments.Append(body.Experiment, e.encoded, e.seq)
	case *sgpb.Document_LoggedModel:
		l.Models.Append(body.LoggedModel, e.encoded, e.seq)
	case *sgpb.Document_RegisteredModel:
		l.Registered.Append(body.RegisteredModel, e.encoded, e.seq)
	case *sgpb.Document_ModelVersion:
		l.Versions.Append(body.ModelVersion, e.encoded, e.seq)
	case *sgpb.Document_Endpoint:
		l.Endpoints.Append(body.Endpoint, e.seq)
	case *sgpb.Document_Approval:
		l.Approvals.Append(body.Approval, e.seq)
	case *sgpb.Document_AlertEvent:
		l.AlertEvents.Append(body.AlertEvent, e.seq)
	case *sgpb.Document_Change:
		l.History.Append(body.Change, e.seq)
	}
	if p, ok := lineage.Of(e.doc.Doc); ok {
		l.told[e.doc.Key] = told{p, e.seq}
	}
	// Of whatever revision this is: the first may have been overwritten before it was read.
	if first := document.FirstChange(e.doc.Key, e.doc.Doc); first != nil {
		l.History.Append(first, e.seq)
	}
}
