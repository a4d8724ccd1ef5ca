package walk

import (
	"sync"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// Set is what documents tell that the table does not have yet. It is as small as what the documents' loop holds. Its
// methods may be called at once by many.
type Set struct {
	mu sync.RWMutex
	// byKey has the newest projection of each document, byNode those that have rows of a node.
	byKey  map[string]*fresh
	byNode map[lineage.Node]map[*fresh]struct{}
	// order are all projections by revision.
	order []*fresh
}

type fresh struct {
	lineage.Projection
	key      string
	revision uint64
}

var _ feed.Observer = (*Set)(nil)

// NewSet makes an empty set, which must observe the documents from their watermark on.
func NewSet() *Set {
	return &Set{byKey: make(map[string]*fresh), byNode: make(map[lineage.Node]map[*fresh]struct{})}
}

// ObserveSections is of no interest here.
func (s *Set) ObserveSections([]*feed.Section) {}

// ObserveDocuments joins what the stream brings.
func (s *Set) ObserveDocuments(docs []feed.Document) {
	for _, d := range docs {
		p, ok := lineage.Of(d.Doc)
		if !ok {
			continue
		}
		s.mu.Lock()
		s.add(&fresh{p, d.Key, d.Revision})
		s.mu.Unlock()
	}
}

func (s *Set) add(f *fresh) {
	if before := s.byKey[f.key]; before != nil {
		if before.revision >= f.revision {
			return
		}
		s.forget(before)
	}
	s.byKey[f.key] = f
	s.order = append(s.order, f)
	for _, n := range f.nodes() {
		if s.byNode[n] == nil {
			s.byNode[n] = make(map[*fresh]struct{})
		}
		s.byNode[n][f] = struct{}{}
	}
}

func (s *Set) forget(f *fresh) {
	delete(s.byKey, f.key)
	for _, n := range f.nodes() {
		if delete(s.byNode[n], f); len(s.byNode[n]) == 0 {
			delete(s.byNode, n)
		}
	}
}

func (f *fresh) nodes() []lineage.Node {
	out := []lineage.Node{f.Node}
	for _, e := range f.Edges {
		out = append(out, e.From, e.To)
	}
	return out
}

// DocumentsApplied forgets what the table has.
func (s *Set) DocumentsApplied(revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for ; n < len(s.order) && s.order[n].revision <= revision; n++ {
		if f := s.order[n]; s.byKey[f.key] == f {
			s.forget(f)
		}
		s.order[n] = nil
	}
	s.order = s.order[n:]
}

// rows answers all rows of some nodes that are not in the table.
func (s *Set) rows(nodes []lineage.Node) (out []Row) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.byNode) == 0 {
		return nil
	}
	for _, n := range nodes {
		for f := range s.byNode[n] {
			out = append(out, f.rows(n)...)
		}
	}
	return out
}

// rows are those that the table will have under a node.
func (f *fresh) rows(n lineage.Node) (out []Row) {
	if f.Node == n {
		out = append(out, Row{
			Node: n, Way: table.LineageNode, Kind: n.Kind(), Owner: n, Name: f.Name, Attributes: f.Attributes, Experiments: f.Experiments,
			SinceMS: f.SinceMS, UntilMS: f.UntilMS, SeenMS: f.SeenMS, Revision: f.revision,
		})
	}
	for _, e := range f.Edges {
		row := Row{
			Node: e.From, Way: table.LineageDown, Other: e.To, Kind: e.Kind, Owner: f.Node, Name: e.Name, Attributes: e.Attributes, Experiments: f.Experiments,
			SinceMS: e.SinceMS, UntilMS: e.UntilMS, SeenMS: f.SeenMS, Revision: f.revision,
		}
		if e.From == n {
			out = append(out, row)
		}
		if e.To == n {
			row.Node, row.Other, row.Way = e.To, e.From, table.LineageUp
			out = append(out, row)
		}
	}
	return out
}

// identity is what one row replaces another by.
type identity struct {
	node  lineage.Node
	way   uint8
	other lineage.Node
	kind  string
	owner lineage.Node
}

func (r Row) identity() identity { return identity{r.Node, r.Way, r.Other, r.Kind, r.Owner} }

// over lays fresh rows over those of the table: of each row the greatest revision stays, if it is asked for.
func (a Ask) over(stored, fresh []Row) []Row {
	if len(fresh) == 0 {
		return stored
	}
	newest := make(map[identity]Row, len(fresh))
	for _, r := range fresh {
		if before, ok := newest[r.identity()]; !ok || before.Revision < r.Revision {
			newest[r.identity()] = r
		}
	}
	out := make([]Row, 0, len(stored)+len(newest))
	for _, r := range stored {
		if n, ok := newest[r.identity()]; !ok || n.Revision < r.Revision {
			out = append(out, r)
			delete(newest, r.identity())
		}
	}
	for _, r := range fresh {
		if n, ok := newest[r.identity()]; ok && n.Revision == r.Revision && a.takes(r) {
			out = append(out, r)
			delete(newest, r.identity())
		}
	}
	return out
}
