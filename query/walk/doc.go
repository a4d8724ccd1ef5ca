// Package walk answers what something came from, and what came of it: a walk over the graph of table lineage.
//
//	root -> for each level: rows of its nodes (memory over ClickHouse, one statement, one more for nodes of very many) -> next level -> graph
//
// Rows come from package schemas/lineage: documents tell them, the table has all that is applied, and Set has the rest,
// so that a reader sees its own writes. Where both have a row, that of the greater revision counts, and an edge of an
// older revision than its owner's node has gone: so the row of each node is read also on the last level, and edges are
// judged when all of them are known. What then cannot be reached any more is left out.
//
// A walk is bounded in depth, in nodes, and in edges that it follows from one node, the newest; what it leaves out is
// said in the answer.
package walk

import (
	"context"
	"slices"

	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// Row is a row of table lineage, with Way as package table has it.
type Row struct {
	Node             lineage.Node
	Way              uint8
	Other            lineage.Node
	Kind             string
	Owner            lineage.Node
	Name             string
	Attributes       map[string]string
	Experiments      []uint32
	SinceMS, UntilMS int64
	SeenMS           int64
	Revision         uint64
}

// Ask says which rows of some nodes are wanted. Rows of nodes themselves always are; the rest holds for edges.
type Ask struct {
	Nodes []lineage.Node
	Ways  []uint8
	// BegunMS is the time up to which edges were recorded, EndMS the time at which they must not have ended.
	BegunMS, EndMS int64
	// Ended asks also for edges that have ended.
	Ended bool
	// Confined asks only for edges whose experiments are all among Experiments, and that have some, and for those that tell of
	// versions and endpoints and say none: who may see both ends may see them.
	Confined    bool
	Experiments []uint32
	// Max bounds the edges of one node in one way; the newest are given.
	Max int
}

// Source reads rows; the table's, without repetitions of one edge. It may be called at once by many.
type Source interface {
	Lineage(ctx context.Context, a Ask) ([]Row, error)
}

// takes says whether a row is asked for, its node aside.
func (a Ask) takes(r Row) bool {
	if !slices.Contains(a.Ways, r.Way) {
		return false
	}
	if r.Way == table.LineageNode {
		return true
	}
	if r.SinceMS > a.BegunMS || !a.Ended && r.UntilMS != 0 && r.UntilMS <= a.EndMS {
		return false
	}
	return !a.Confined || a.sees(r.Experiments) || toldByRegistry(r)
}

// toldByRegistry says whether a version or an endpoint tells of an edge. A version of a source alone belongs to no experiment.
func toldByRegistry(r Row) bool {
	return len(r.Experiments) == 0 && ofRegistry(r.Owner) && r.From().Kind() != lineage.KindSource
}

// sees says whether the caller may see what belongs to these experiments.
func (a Ask) sees(experiments []uint32) bool {
	return len(experiments) > 0 && !slices.ContainsFunc(experiments, func(e uint32) bool { return !slices.Contains(a.Experiments, e) })
}
