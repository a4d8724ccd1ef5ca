package table

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/lineage"
)

// Ways of the rows of table lineage.
const (
	LineageNode uint8 = iota
	LineageDown
	LineageUp
)

// Lineage are the columns of table lineage. Make one with NewLineage.
type Lineage struct {
	node        proto.ColStr
	way         proto.ColUInt8
	other       proto.ColStr
	kind        Dictionary
	owner       proto.ColStr
	name        proto.ColStr
	attributes  *proto.ColMap[string, string]
	experiments *proto.ColArr[uint32]
	sinceMS     proto.ColInt64
	untilMS     proto.ColInt64
	seenMS      proto.ColInt64
	revision    proto.ColUInt64
}

// NewLineage gives empty columns.
func NewLineage() *Lineage {
	return &Lineage{attributes: newTextMap(), experiments: proto.NewArray[uint32](new(proto.ColUInt32))}
}

// Append adds what one revision of a document tells: its node, and each edge under both ends.
func (c *Lineage) Append(p lineage.Projection, revision uint64) {
	if p.Node.Kind() != lineage.KindRecorded {
		node := lineage.Edge{From: p.Node, Kind: p.Node.Kind(), Name: p.Name, Attributes: p.Attributes, SinceMS: p.SinceMS, UntilMS: p.UntilMS}
		c.append(LineageNode, node, p.Fact, revision)
	}
	for _, e := range p.Edges {
		c.append(LineageDown, e, p.Fact, revision)
		e.From, e.To = e.To, e.From
		c.append(LineageUp, e, p.Fact, revision)
	}
}

// AppendWatermark adds the row that says how far this table has come.
func (c *Lineage) AppendWatermark(revision uint64) {
	c.append(LineageNode, lineage.Edge{}, lineage.Fact{}, revision)
}

func (c *Lineage) append(way uint8, e lineage.Edge, owner lineage.Fact, revision uint64) {
	c.node.Append(string(e.From))
	c.way.Append(way)
	c.other.Append(string(e.To))
	c.kind.Append(e.Kind)
	c.owner.Append(string(owner.Node))
	c.name.Append(e.Name)
	c.attributes.AppendKV(sortedPairs(e.Attributes))
	c.experiments.Append(owner.Experiments)
	c.sinceMS.Append(e.SinceMS)
	c.untilMS.Append(e.UntilMS)
	c.seenMS.Append(owner.SeenMS)
	c.revision.Append(revision)
}

// Rows in the columns, the watermark's included.
func (c *Lineage) Rows() int { return len(c.revision) }

// Input names the columns for an insert.
func (c *Lineage) Input() proto.Input {
	return proto.Input{
		{Name: "node", Data: &c.node},
		{Name: "way", Data: &c.way},
		{Name: "other", Data: &c.other},
		{Name: "kind", Data: &c.kind},
		{Name: "owner", Data: &c.owner},
		{Name: "name", Data: &c.name},
		{Name: "attributes", Data: c.attributes},
		{Name: "experiments", Data: c.experiments},
		{Name: "since_ms", Data: &c.sinceMS},
		{Name: "until_ms", Data: &c.untilMS},
		{Name: "seen_ms", Data: &c.seenMS},
		{Name: "revision", Data: &c.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (c *Lineage) Reset() {
	for _, col := range c.Input() {
		col.Data.(interface{ Reset() }).Reset()
	}
}
