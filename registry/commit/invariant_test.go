package commit

import (
	"maps"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// check compares every document with the truth, and what documents say of each other.
func (w *world) check() {
	docs := w.documents()
	histories := make(map[string]uint64)
	claims, experiments, runs := 0, 0, 0
	for key, doc := range docs {
		switch b := doc.GetBody().(type) {
		case *sgpb.Document_Experiment:
			experiments++
			histories[key] += b.Experiment.GetChanges()
			w.checkExperiment(b.Experiment, docs)
		case *sgpb.Document_Run:
			runs++
			histories[key] += b.Run.GetChanges()
			w.checkRun(b.Run, docs)
		case *sgpb.Document_Claim:
			if strings.HasPrefix(key, "expname.") && b.Claim.GetOwner() != "" {
				claims++
			}
		}
	}
	if experiments != len(w.truth.experiments) || claims != experiments {
		w.t.Errorf("%d experiments hold %d names, want %d", experiments, claims, len(w.truth.experiments))
	}
	if next := docs[document.ExperimentCounter].GetCounter().GetNext(); max(next, 1) != uint64(experiments) {
		w.t.Errorf("the counter says %d after %d experiments", next, experiments)
	}
	if runs != len(w.truth.runs) {
		w.t.Errorf("%d runs, want %d", runs, len(w.truth.runs))
	}
	w.checkModels(docs, histories)
	w.checkHistory(docs, histories)
}

func (w *world) checkExperiment(e *sgpb.Experiment, docs map[string]*sgpb.Document) {
	want := w.truth.experiment(e.GetId())
	if want == nil {
		w.t.Errorf("experiment %s is not in the truth", e.GetId())
		return
	}
	deleted := e.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED
	if e.GetName() != want.name || deleted != want.deleted || !maps.Equal(e.GetTags(), want.tags) {
		w.t.Errorf("experiment %v, want %+v", e, want)
	}
	if owner := docs[document.ExperimentNameKey(want.name)].GetClaim().GetOwner(); owner != document.ExperimentKey(e.GetId()) {
		w.t.Errorf("the name %s of experiment %s is held by %q", want.name, e.GetId(), owner)
	}
}

func (w *world) checkRun(r *sgpb.Run, docs map[string]*sgpb.Document) {
	want := w.truth.runs[r.GetId()]
	if want == nil {
		w.t.Errorf("run %s is not in the truth", r.GetId())
		return
	}
	experiment := docs[document.ExperimentKey(r.GetExperimentId())].GetExperiment()
	deleted := document.LifecycleOf(r, experiment) == sgpb.Lifecycle_LIFECYCLE_DELETED
	var outputs []string
	for _, m := range r.GetModelOutputs() {
		outputs = append(outputs, m.GetModelId())
	}
	if r.GetExperimentId() != want.experiment || r.GetName() != want.name || r.GetStatus() != want.status || deleted != want.deleted ||
		!maps.Equal(r.GetParams(), want.params) || !maps.Equal(r.GetTags(), want.tags) || strings.Join(outputs, " ") != strings.Join(want.outputs, " ") {
		w.t.Errorf("run %v (deleted %v), want %+v", r, deleted, want)
	}
}

// checkHistory wants every change of every document exactly once, numbered from 1 without gaps.
func (w *world) checkHistory(docs map[string]*sgpb.Document, changes map[string]uint64) {
	total := uint64(0)
	for key, n := range changes {
		implied := document.FirstChange(key, docs[key])
		if total += n; implied != nil {
			total--
		}
		for i := uint64(1); i <= n; i++ {
			c := docs[document.HistoryKey(key, i)].GetChange()
			if i == 1 && implied != nil {
				c = implied
			}
			if c.GetDocument() != key || c.GetNumber() != i {
				w.t.Errorf("change %s of %s is %v", strconv.FormatUint(i, 10), key, c)
			}
			if i == 1 && c.GetWhat() != "created" {
				w.t.Errorf("the first change of %s is %q", key, c.GetWhat())
			}
		}
	}
	found := uint64(0)
	for key := range docs {
		if strings.HasPrefix(key, document.HistoryPrefix) {
			found++
		}
	}
	if found != total {
		w.t.Errorf("%d changes are stored, the documents count %d", found, total)
	}
}
