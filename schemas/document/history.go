package document

import "github.com/streamgauge/streamgauge/schemas/sgpb"

// FirstChange is change 1 of the history of a run, a registered model or a version: its creation. It has no key
// of its own: the document says it, so that creating one, of runs and versions the most frequent command, is
// one message. Nil for other documents.
func FirstChange(key string, doc *sgpb.Document) *sgpb.Change {
	first := &sgpb.Change{Document: key, Number: 1, What: "created"}
	switch b := doc.GetBody().(type) {
	case *sgpb.Document_Run:
		first.TimeMs, first.By = b.Run.GetCreatedMs(), b.Run.GetCreatedBy()
	case *sgpb.Document_RegisteredModel:
		first.TimeMs, first.By = b.RegisteredModel.GetCreatedMs(), b.RegisteredModel.GetUser()
	case *sgpb.Document_ModelVersion:
		first.TimeMs, first.By = b.ModelVersion.GetCreatedMs(), b.ModelVersion.GetUser()
	default:
		return nil
	}
	return first
}
