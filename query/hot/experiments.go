package hot

import (
	"sync"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Experiment is one experiment's document; Doc is nil if it was deleted for good.
type Experiment struct {
	Doc      *sgpb.Experiment
	Revision uint64
}

// experiments holds every experiment there is: they are few, and every page asks for them.
type experiments struct {
	mu   sync.RWMutex
	byID map[string]Experiment
}

func (e *experiments) set(id string, doc *sgpb.Experiment, revision uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if old, ok := e.byID[id]; ok && old.Revision >= revision {
		return
	}
	e.byID[id] = Experiment{doc, revision}
}

func (e *experiments) len() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.byID)
}

// AddExperiments joins what ClickHouse has of the experiments.
func (s *Set) AddExperiments(all []Experiment) {
	for _, e := range all {
		s.experiments.set(e.Doc.GetId(), e.Doc, e.Revision)
	}
}

// Experiments lists all experiments, in no order. The documents are shared: do not change them.
func (s *Set) Experiments() []*sgpb.Experiment {
	s.experiments.mu.RLock()
	defer s.experiments.mu.RUnlock()
	out := make([]*sgpb.Experiment, 0, len(s.experiments.byID))
	for _, e := range s.experiments.byID {
		if e.Doc != nil {
			out = append(out, e.Doc)
		}
	}
	return out
}

// Experiment is an experiment by id, nil if there is none. It is shared: do not change it.
func (s *Set) Experiment(id string) *sgpb.Experiment {
	s.experiments.mu.RLock()
	defer s.experiments.mu.RUnlock()
	return s.experiments.byID[id].Doc
}
