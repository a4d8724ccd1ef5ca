package hot

// Dirty lists the ids of an experiment's runs whose document is not applied.
func (s *Set) Dirty(experiment uint32) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for r := range s.dirty {
		if r.experiment == experiment {
			out = append(out, r.ID)
		}
	}
	return out
}

// DirtyRuns lists all runs whose document is not applied.
func (s *Set) DirtyRuns() []*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Run, 0, len(s.dirty))
	for r := range s.dirty {
		out = append(out, r)
	}
	return out
}
