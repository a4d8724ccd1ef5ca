package hot

import (
	"strings"
	"sync"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Model is one revision of a logged model's document; Doc is nil if it was removed.
type Model struct {
	Doc      *sgpb.LoggedModel
	Revision uint64
}

// recentModels are the logged models whose document is not in ClickHouse yet. Others are not kept: models are
// written a few times and searched in ClickHouse.
type recentModels struct {
	mu   sync.Mutex
	byID map[string]Model
}

func (m *recentModels) observe(d feed.Document) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := strings.TrimPrefix(d.Key, document.ModelPrefix)
	if m.byID == nil {
		m.byID = make(map[string]Model)
	}
	if old, ok := m.byID[id]; !ok || old.Revision < d.Revision {
		m.byID[id] = Model{d.Doc.GetLoggedModel(), d.Revision}
	}
}

func (m *recentModels) applied(revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, d := range m.byID {
		if d.Revision <= revision {
			delete(m.byID, id)
		}
	}
}

// RecentModels gives the logged models, by id, whose newest document is not applied. Documents are shared: do not
// change them.
func (s *Set) RecentModels() map[string]Model {
	s.models.mu.Lock()
	defer s.models.mu.Unlock()
	out := make(map[string]Model, len(s.models.byID))
	for id, d := range s.models.byID {
		out[id] = d
	}
	return out
}
