package registered

import "github.com/streamgauge/streamgauge/schemas/sgpb"

// ModelByName answers the living model of a name, nil if there is none here. It is shared: do not change it.
func (s *Set) ModelByName(name string) *sgpb.RegisteredModel {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, m := range s.models {
		if m.doc != nil && !m.gone() && m.doc.GetName() == name {
			return m.doc
		}
	}
	return nil
}

// ModelByID answers a living model, nil if there is none here. It is shared: do not change it.
func (s *Set) ModelByID(id string) *sgpb.RegisteredModel {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if m := s.models[id]; m != nil && m.doc != nil && !m.gone() {
		return m.doc
	}
	return nil
}
