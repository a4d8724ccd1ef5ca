package clickhouse

import (
	"context"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/walk"
	"github.com/streamgauge/streamgauge/schemas/lineage"
)

type lineageRows struct {
	node, other, owner, name proto.ColStr
	way                      proto.ColUInt8
	kind                     *proto.ColLowCardinality[string]
	attributes               *proto.ColMap[string, string]
	experiments              *proto.ColArr[uint32]
	sinceMS, untilMS, seenMS proto.ColInt64
	revision                 proto.ColUInt64
	list                     []walk.Row
}

func (r *lineageRows) columns() proto.Results {
	r.kind = new(proto.ColStr).LowCardinality()
	r.attributes = proto.NewMap[string, string](new(proto.ColStr).LowCardinality(), new(proto.ColStr))
	r.experiments = proto.NewArray[uint32](new(proto.ColUInt32))
	return proto.Results{
		{Name: "node", Data: &r.node}, {Name: "way", Data: &r.way}, {Name: "other", Data: &r.other}, {Name: "kind", Data: r.kind},
		{Name: "owner", Data: &r.owner}, {Name: "name", Data: &r.name}, {Name: "attributes", Data: r.attributes}, {Name: "experiments", Data: r.experiments},
		{Name: "since_ms", Data: &r.sinceMS}, {Name: "until_ms", Data: &r.untilMS}, {Name: "seen_ms", Data: &r.seenMS}, {Name: "revision", Data: &r.revision},
	}
}

func (r *lineageRows) reset() { r.list = nil }

func (r *lineageRows) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, walk.Row{
			Node: lineage.Node(r.node.Row(i)), Way: r.way[i], Other: lineage.Node(r.other.Row(i)), Kind: r.kind.Row(i), Owner: lineage.Node(r.owner.Row(i)),
			Name: r.name.Row(i), Attributes: r.attributes.Row(i), Experiments: r.experiments.Row(i),
			SinceMS: r.sinceMS[i], UntilMS: r.untilMS[i], SeenMS: r.seenMS[i], Revision: r.revision[i],
		})
	}
	return nil
}

// fewMin is how many rows of a node are read as they are, at least: those of a usual node with its older revisions, also where few edges
// are wanted.
const fewMin = 200

// Lineage implements walk.Source.
func (s *Store) Lineage(ctx context.Context, a walk.Ask) ([]walk.Row, error) {
	most := max(fewMin, a.Max)
	all, err := s.lineage(ctx, "lineage_few", a, params{"most": uint64(most)})
	if err != nil {
		return nil, err
	}
	few, many := parted(all, most)
	few = a.Pick(few)
	if len(many) == 0 {
		return few, nil
	}
	a.Nodes = many
	picked, err := s.lineage(ctx, "lineage", a, params{
		"begun": a.BegunMS, "end": a.EndMS, "ended": flag(a.Ended), "confined": flag(a.Confined), "experiments": a.Experiments, "max": uint64(a.Max),
	})
	return append(few, picked...), err
}

// parted tells the rows of nodes that have fewer than most from the nodes that have not.
func parted(rows []walk.Row, most int) (few []walk.Row, many []lineage.Node) {
	counts := make(map[lineage.Node]int)
	for _, r := range rows {
		if counts[r.Node]++; counts[r.Node] == most {
			many = append(many, r.Node)
		}
	}
	return slices.DeleteFunc(rows, func(r walk.Row) bool { return counts[r.Node] >= most }), many
}

// lineage runs one of the two statements.
func (s *Store) lineage(ctx context.Context, name string, a walk.Ask, p params) ([]walk.Row, error) {
	nodes := make([]string, len(a.Nodes))
	for i, n := range a.Nodes {
		nodes[i] = string(n)
	}
	ways := make([]uint16, len(a.Ways))
	for i, w := range a.Ways {
		ways[i] = uint16(w)
	}
	p["nodes"], p["ways"] = nodes, ways
	var r lineageRows
	err := s.statement(ctx, name, p, &r)
	return r.list, err
}

func flag(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}
