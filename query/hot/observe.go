package hot

import (
	"strings"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

var _ feed.Observer = (*Set)(nil)

// ObserveSections joins points of any runs.
func (s *Set) ObserveSections(sections []*feed.Section) {
	if len(sections) == 0 {
		return
	}
	runs := make([]*Run, len(sections))
	s.mu.Lock()
	for i, sec := range sections {
		runs[i] = s.entry(sec.RunID)
		runs[i].touched = true
	}
	s.mu.Unlock()
	// A run evicted in between takes its points along; whoever loads it again finds them in the tail.
	for i, sec := range sections {
		runs[i].mergeSection(sec)
	}
	s.account(runs...)
}

// ObserveDocuments joins documents of runs, experiments and logged models.
func (s *Set) ObserveDocuments(docs []feed.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range docs {
		switch {
		case strings.HasPrefix(d.Key, document.ExperimentPrefix):
			s.experiments.set(strings.TrimPrefix(d.Key, document.ExperimentPrefix), d.Doc.GetExperiment(), d.Revision)
		case strings.HasPrefix(d.Key, document.RunPrefix):
			s.observeRun(s.runOf(d), d.Doc.GetRun(), d.Revision)
		case strings.HasPrefix(d.Key, document.ModelPrefix):
			s.models.observe(d)
		}
	}
	s.evict()
}

// runOf is the id of the run whose document this is. The key holds the run's number alone, so for a removed
// document, which is rare, the id is looked for among the runs that are here; nobody else needs to know.
func (s *Set) runOf(d feed.Document) string {
	if run := d.Doc.GetRun(); run != nil {
		return run.GetId()
	}
	number := strings.TrimPrefix(d.Key, document.RunPrefix)
	for id := range s.runs {
		if strings.HasPrefix(id, number) {
			return id
		}
	}
	return ""
}

// observeRun happens wholly under the set's lock: eviction must not come between entry and revision.
func (s *Set) observeRun(id string, doc *sgpb.Run, revision uint64) {
	if id == "" {
		return
	}
	r := s.entry(id)
	if doc != nil && s.isNew(r, doc) {
		r.setComplete()
	}
	r.touched = true
	r.setDocument(doc, revision)
	r.placeIn(doc)
	s.measure(r)
	if revision > s.applied {
		s.dirty[r] = struct{}{}
	}
}

// isNew says whether everything that was ever logged to the run has been observed; see the package comment.
func (s *Set) isNew(r *Run, doc *sgpb.Run) bool {
	if r.Document() != nil {
		return false
	}
	created, now := doc.GetCreatedMs(), s.opts.Now()
	return created > s.horizonMS && created <= now.Add(clockMargin).UnixMilli()
}

// placeIn notes the experiment of a run, which never changes.
func (r *Run) placeIn(doc *sgpb.Run) {
	if experiment, ok := track.ParseExperimentID(doc.GetExperimentId()); ok {
		r.experiment = experiment
	}
}

// DocumentsApplied marks documents as readable in ClickHouse.
func (s *Set) DocumentsApplied(revision uint64) {
	s.models.applied(revision)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied = max(s.applied, revision)
	for r := range s.dirty {
		if r.currentRevision() <= s.applied {
			delete(s.dirty, r)
		}
	}
	s.evict()
}

func (r *Run) currentRevision() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.revision
}
