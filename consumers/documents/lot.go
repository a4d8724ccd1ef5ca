package documents

import (
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
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
	History     *table.History
	Quarantine  *table.Quarantine
}

// NewLot gives an empty lot.
func NewLot() *Lot {
	return &Lot{Runs: table.NewRuns(), Experiments: table.NewExperiments(), Models: table.NewLoggedModels(), History: new(table.History), Quarantine: new(table.Quarantine)}
}

// Rows in all tables.
func (l *Lot) Rows() int {
	return l.Runs.Rows() + l.Experiments.Rows() + l.Models.Rows() + l.History.Rows() + l.Quarantine.Rows()
}

// Seal adds the watermark rows: to tables with rows, and to all if all is set.
func (l *Lot) Seal(all bool) {
	if all || l.Runs.Rows() > 0 {
		l.Runs.AppendWatermark(l.Last)
	}
	if all || l.Experiments.Rows() > 0 {
		l.Experiments.AppendWatermark(l.Last)
	}
	if all || l.Models.Rows() > 0 {
		l.Models.AppendWatermark(l.Last)
	}
	if all || l.History.Rows() > 0 {
		l.History.AppendWatermark(l.Last)
	}
}

// entry is a message of the stream after it was read.
type entry struct {
	seq     uint64
	doc     *feed.Document // nil for what readers do not see
	encoded []byte
	refused *table.Refusal
	bytes   int
}

// Add takes the next entry.
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
		// Of whatever revision this is: the first may have been overwritten before it was read.
		l.History.Append(document.FirstChange(e.doc.Key, e.doc.Doc), e.seq)
	case *sgpb.Document_Experiment:
		l.Experiments.Append(body.Experiment, e.encoded, e.seq)
	case *sgpb.Document_LoggedModel:
		l.Models.Append(body.LoggedModel, e.encoded, e.seq)
	case *sgpb.Document_Change:
		l.History.Append(body.Change, e.seq)
	}
}
