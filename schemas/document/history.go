package document

import "github.com/streamgauge/streamgauge/schemas/sgpb"

// FirstChange is change 1 of a run's history, its creation. It has no key of its own: the document says it, so
// that the creation of a run, the most frequent command, is one message. Nil for other documents.
func FirstChange(key string, doc *sgpb.Document) *sgpb.Change {
	r := doc.GetRun()
	if r == nil {
		return nil
	}
	return &sgpb.Change{Document: key, Number: 1, TimeMs: r.GetCreatedMs(), By: r.GetCreatedBy(), What: "created"}
}
