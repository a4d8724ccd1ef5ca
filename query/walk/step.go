package walk

import (
	"cmp"
	"math"
	"slices"

	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// step is a walk under way.
type step struct {
	request Request
	ask     Ask
	way     uint8
	// asOf is the time at which edges must hold.
	asOf      int64
	nodes     map[lineage.Node]*Node
	roots     []lineage.Node // those that are known
	edges     []Row
	truncated bool
}

func newStep(r Request, way uint8, nowMS int64) *step {
	s := &step{request: r, way: way, asOf: cmp.Or(r.AsOfMS, nowMS), nodes: make(map[lineage.Node]*Node)}
	// Without a time everything has begun, also what a clock ahead of ours says.
	s.ask = Ask{BegunMS: cmp.Or(r.AsOfMS, math.MaxInt64), EndMS: s.asOf, Ended: r.Ended, Confined: r.Confined, Experiments: r.Experiments, Max: r.EdgesMax + 1}
	return s
}

// begin takes the roots whose rows make them nodes that the caller may see; false if there are none.
func (s *step) begin(rows []Row) bool {
	for _, r := range rows {
		if s.nodes[r.Node] == nil && s.known(r) {
			s.nodes[r.Node] = &Node{}
			s.roots = append(s.roots, r.Node)
		}
	}
	return len(s.roots) > 0
}

// known says whether a row makes its node one that the caller may see.
func (s *step) known(r Row) bool {
	if r.Way == table.LineageNode {
		return s.sees(r)
	}
	// An edge tells of a run whose document is gone.
	return !s.request.Confined || !ownKind(r.Node)
}

// sees says whether the caller may see the node that a row is of.
func (s *step) sees(r Row) bool {
	if !s.request.Confined {
		return true
	}
	if ofRegistry(r.Node) {
		return s.request.Belongs(r.Node)
	}
	return s.ask.sees(r.Experiments)
}

// ofRegistry says whether a node is one of those whose rows do not say where they belong.
func ofRegistry(n lineage.Node) bool {
	return n.Kind() == lineage.KindVersion || n.Kind() == lineage.KindEndpoint
}

// own are the kinds of nodes that belong to the experiments of their documents, or to none.
var own = []string{lineage.KindRun, lineage.KindModel, lineage.KindVersion, lineage.KindEndpoint, lineage.KindJobRun}

func ownKind(n lineage.Node) bool { return slices.Contains(own, n.Kind()) }

// take joins the rows of a level's nodes and answers the next level's.
func (s *step) take(rows []Row, distance int) (next []lineage.Node) {
	for _, r := range rows {
		if r.Way == table.LineageNode && s.nodes[r.Node] != nil && s.sees(r) {
			s.nodes[r.Node].Row = r
		}
	}
	// The newest edges first, so that it is the oldest that are cut. What is known to be hidden takes no place among them.
	rows = slices.DeleteFunc(rows, func(r Row) bool {
		return r.Way != s.way || s.nodes[r.Node] == nil || !s.visible(r.Node) || s.request.Confined && ofRegistry(r.Other) && !s.request.Belongs(r.Other)
	})
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.SinceMS, a.SinceMS), cmp.Compare(a.Other, b.Other), cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Revision, a.Revision))
	})
	followed := make(map[lineage.Node]int)
	for _, r := range rows {
		if s.gone(r) {
			continue
		}
		if followed[r.Node]++; followed[r.Node] > s.request.EdgesMax {
			s.nodes[r.Node].More = true
			continue
		}
		if s.nodes[r.Other] == nil {
			if len(s.nodes) >= s.request.NodesMax {
				s.truncated, s.nodes[r.Node].More = true, true
				continue
			}
			s.nodes[r.Other] = &Node{Distance: distance}
			next = append(next, r.Other)
		}
		s.edges = append(s.edges, r)
	}
	return next
}

// visible says whether the caller may see a node whose row was read: what belongs to experiments needs one that says so.
func (s *step) visible(n lineage.Node) bool {
	return !s.request.Confined || !ownKind(n) || s.nodes[n] != nil && s.nodes[n].Row.Revision > 0
}

// gone says whether a newer revision of an edge's owner, as far as that is known, does not tell of it any more, and did
// not at the time that is looked at. When exactly the edge went is not written down: it was there when the document was
// last written with it, and until the end of a document that has ended.
func (s *step) gone(r Row) bool {
	end, stale := s.end(r)
	return stale && !s.request.Ended && end <= s.asOf
}

func (s *step) end(r Row) (ms int64, stale bool) {
	owner := s.nodes[r.Owner]
	if owner == nil || owner.Row.Revision <= r.Revision {
		return r.UntilMS, false
	}
	return max(r.SeenMS, owner.Row.UntilMS, 1), true
}

// graph judges all edges by what is known in the end, and keeps what can still be reached. Of those who tell of the same edge
// the earliest counts, as in the table's rows: where a row is must not change the answer.
func (s *step) graph() *Graph {
	from := make(map[lineage.Node][]Row)
	told := make(map[edgeID]Row, len(s.edges))
	for _, e := range s.edges {
		if s.gone(e) || !s.visible(e.Node) || !s.visible(e.Other) {
			continue
		}
		if before, ok := told[edgeOf(e)]; !ok || cmp.Or(cmp.Compare(e.SinceMS, before.SinceMS), cmp.Compare(e.Owner, before.Owner)) < 0 {
			told[edgeOf(e)] = e
		}
	}
	for _, e := range s.edges {
		if told[edgeOf(e)].identity() != e.identity() {
			continue
		}
		if end, stale := s.end(e); stale {
			e.UntilMS = end
		}
		from[e.Node] = append(from[e.Node], e)
	}
	g := &Graph{Nodes: make(map[lineage.Node]*Node), Truncated: s.truncated}
	for _, root := range s.roots {
		g.Nodes[root] = s.nodes[root]
	}
	for level := s.roots; len(level) > 0; {
		var next []lineage.Node
		for _, n := range level {
			for _, e := range from[n] {
				g.Edges = append(g.Edges, e)
				if g.Nodes[e.Other] == nil {
					g.Nodes[e.Other] = s.nodes[e.Other]
					next = append(next, e.Other)
				}
			}
		}
		level = next
	}
	return g
}
