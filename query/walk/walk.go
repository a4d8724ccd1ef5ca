package walk

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// DepthMax, NodesMax and EdgesMax bound a walk; the others are what it has if nothing is said.
	DepthMax, DepthDefault = 20, 5
	NodesMax, NodesDefault = 10_000, 1000
	EdgesMax, EdgesDefault = 1000, 100
	// RootsMax bounds the nodes that one walk begins at.
	RootsMax = 200
	// statementNodesMax bounds the nodes of one statement, whose text of some hundred bytes each goes with it.
	statementNodesMax = 2000
)

// Request is one walk. Up goes to what the roots came from, Down to what came of them; both may be set. Roots are at least one and
// each stands once.
type Request struct {
	Roots    []lineage.Node
	Up, Down bool
	Depth    int
	// AsOfMS is when the graph is looked at, 0 for now; Ended shows also what had ended before.
	AsOfMS int64
	Ended  bool
	// NodesMax bounds the nodes of a direction, EdgesMax the edges that are followed from one node.
	NodesMax, EdgesMax int
	// Confined callers see only what belongs to Experiments. Belongs says whether a version or an endpoint does: their rows do not
	// say so themselves. Both directions ask it at once.
	Confined    bool
	Experiments []uint32
	Belongs     func(lineage.Node) bool
}

// Node is a node of an answer. Distance is the number of edges from the nearest root, less than 0 for what is above it.
type Node struct {
	Row      Row
	Distance int
	// More says that it has more edges than were followed.
	More bool
}

// Graph is an answer. Truncated says that there were more nodes than are in it.
type Graph struct {
	Nodes     map[lineage.Node]*Node
	Edges     []Row
	Truncated bool
}

// Walker walks. It is safe for concurrent use.
type Walker struct {
	source Source
	set    *Set
}

// New makes a walker over what is stored and what is newer than that.
func New(source Source, set *Set) *Walker { return &Walker{source, set} }

// Walk answers the graph around the roots. Those that nothing is known of are left out; if that is all of them it is an error.
func (w *Walker) Walk(ctx context.Context, r Request, nowMS int64) (*Graph, error) {
	var up, down *Graph
	work, ctx := errgroup.WithContext(ctx)
	if r.Up {
		work.Go(func() (err error) { up, err = w.one(ctx, r, table.LineageUp, nowMS); return })
	}
	if r.Down {
		work.Go(func() (err error) { down, err = w.one(ctx, r, table.LineageDown, nowMS); return })
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return join(up, down), nil
}

// join puts what is above the root and what is below it together.
func join(up, down *Graph) *Graph {
	if up == nil {
		return down
	}
	for _, n := range up.Nodes {
		n.Distance = -n.Distance
	}
	if down == nil {
		return up
	}
	for id, n := range down.Nodes {
		if above := up.Nodes[id]; above != nil {
			above.More = above.More || n.More
			continue
		}
		up.Nodes[id] = n
	}
	seen := make(map[edgeID]bool, len(up.Edges))
	for _, e := range up.Edges {
		seen[edgeOf(e)] = true
	}
	for _, e := range down.Edges {
		if !seen[edgeOf(e)] { // in a circle an edge is above and below
			up.Edges = append(up.Edges, e)
		}
	}
	up.Truncated = up.Truncated || down.Truncated
	return up
}

type edgeID struct {
	from, to lineage.Node
	kind     string
}

// From and To are the ends of an edge's row.
func (r Row) From() lineage.Node {
	if r.Way == table.LineageUp {
		return r.Other
	}
	return r.Node
}

// To is where the edge leads.
func (r Row) To() lineage.Node {
	if r.Way == table.LineageUp {
		return r.Node
	}
	return r.Other
}

func edgeOf(r Row) edgeID { return edgeID{r.From(), r.To(), r.Kind} }

// one walks in one direction.
func (w *Walker) one(ctx context.Context, r Request, way uint8, nowMS int64) (*Graph, error) {
	s := newStep(r, way, nowMS)
	s.ask.Ways = []uint8{table.LineageNode, table.LineageDown, table.LineageUp} // the root has some row, or there is no such node
	for level, frontier := 0, r.Roots; len(frontier) > 0; level++ {
		if level == r.Depth {
			s.ask.Ways = []uint8{table.LineageNode}
		}
		rows, err := w.rows(ctx, s.ask, frontier)
		if err != nil {
			return nil, err
		}
		if level == 0 && !s.begin(rows) {
			return nil, track.Errorf(track.ResourceDoesNotExist, "Nothing is known of the node %q; nodes are KIND:NAME, such as run:ID, dataset:NAME@DIGEST or version:NAME/1", string(r.Roots[0]))
		}
		frontier = s.take(rows, level+1)
		s.ask.Ways = []uint8{table.LineageNode, way}
	}
	return s.graph(), nil
}

// rows reads what memory has of some nodes first, and what is stored second, so that nothing falls between.
func (w *Walker) rows(ctx context.Context, a Ask, nodes []lineage.Node) (out []Row, err error) {
	for some := range slices.Chunk(nodes, statementNodesMax) {
		a.Nodes = some
		newer := w.set.rows(some)
		stored, err := w.source.Lineage(ctx, a)
		if err != nil {
			return nil, err
		}
		out = append(out, a.over(stored, newer)...)
	}
	return out, nil
}
