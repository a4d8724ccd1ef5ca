// Package lineage decides on what is recorded of lineage beside what other documents tell: edges and names of nodes that
// somebody sends, and runs of jobs outside as OpenLineage's events tell of them. What edges follow from the documents is
// in package schemas/lineage. It is pure.
package lineage

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// itemsMax bounds the edges, and the nodes, of one request: an edge between two versions needs seven documents, and
	// a command reads at most 512.
	itemsMax = 60
	// Bounds of one edge or node; together they keep its document far below a message.
	nameMax, attributesMax, attributeKeyMax, attributeValueMax = 256, 32, 250, 5000
)

// kindDerived is the kind of edges of which nobody said one.
const kindDerived = "derived"

// Edge is an edge as somebody sent it. Since nil is now, or what it was; Until nil leaves it, 0 takes it back.
type Edge struct {
	From, To, Kind, Name string
	Attributes           map[string]string
	SinceMS, UntilMS     *int64
}

// Node is what somebody sent of a node.
type Node struct {
	Node, Name string
	Attributes map[string]string
}

// Record keeps edges and what nodes are called, all or none. An edge is known by its ends and kind; recording it again
// changes the rest.
type Record struct {
	Edges []Edge
	Nodes []Node
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

// Decide makes or changes the documents of edges and nodes.
func (c Record) Decide(d *decide.Decider) error {
	switch {
	case len(c.Edges)+len(c.Nodes) == 0:
		return invalid("Nothing is recorded: give 'edges', each with 'from' and 'to', or 'nodes', each with 'node'")
	case len(c.Edges) > itemsMax || len(c.Nodes) > itemsMax:
		return invalid("A request has at most %d edges and %d nodes; send more than one", itemsMax, itemsMax)
	}
	edges, nodes := make(map[string]bool), make(map[string]bool)
	for i, e := range c.Edges {
		key, err := e.decide(d, fmt.Sprintf("edges[%d].", i))
		if err != nil {
			return err
		}
		if edges[key] {
			return invalid("Invalid value for parameter 'edges[%d]' supplied: the same edge stands in the request twice", i)
		}
		edges[key] = true
	}
	for i, n := range c.Nodes {
		key, err := n.decide(d, fmt.Sprintf("nodes[%d].", i))
		if err != nil {
			return err
		}
		if nodes[key] {
			return invalid("Invalid value for parameter 'nodes[%d]' supplied: the same node stands in the request twice", i)
		}
		nodes[key] = true
	}
	d.Answer("") // what was read on the way is no answer
	return nil
}

func (e Edge) decide(d *decide.Decider, at string) (key string, err error) {
	if e.Kind == "" {
		e.Kind = kindDerived
	}
	if !lineage.IsKind(e.Kind) {
		return "", invalid("Invalid value %s for parameter '%skind' supplied: it must be lower-case letters, digits and hyphens", decide.PythonText(e.Kind), at)
	}
	if err := checkTexts(at, e.Name, e.Attributes); err != nil {
		return "", err
	}
	from, in, err := end(d, at+"from", e.From)
	if err != nil {
		return "", err
	}
	to, out, err := end(d, at+"to", e.To)
	if err != nil {
		return "", err
	}
	if from == to {
		return "", invalid("Invalid value for parameter '%sto' supplied: an edge leads to another node", at)
	}
	key = document.LineageEdgeKey(string(from), string(to), e.Kind)
	doc, err := d.Load(key)
	if err != nil {
		return "", err
	}
	next := &sgpb.LineageEdge{From: string(from), To: string(to), Kind: e.Kind, CreatedBy: d.Given().By, CreatedMs: d.Given().NowMS, SinceMs: d.Given().NowMS}
	before := doc.GetLineageEdge()
	if before != nil {
		next = proto.Clone(before).(*sgpb.LineageEdge)
	}
	next.Name, next.Attributes, next.ExperimentIds = e.Name, maps.Clone(e.Attributes), distinct(in, out)
	if err := e.times(next, at); err != nil {
		return "", err
	}
	if before != nil && proto.Equal(before, next) {
		return key, nil
	}
	next.UpdatedMs = d.Given().NowMS
	d.Change(key, nil, func(doc *sgpb.Document) { doc.Body = &sgpb.Document_LineageEdge{LineageEdge: next} })
	return key, nil
}

// times takes the times that were sent.
func (e Edge) times(next *sgpb.LineageEdge, at string) error {
	if e.SinceMS != nil {
		next.SinceMs = *e.SinceMS
	}
	if e.UntilMS != nil {
		next.UntilMs = *e.UntilMS
	}
	if next.SinceMs <= 0 {
		return invalid("Invalid value %d for parameter '%ssince_ms' supplied: it must be in milliseconds since 1970", next.SinceMs, at)
	}
	if next.UntilMs < 0 || next.UntilMs != 0 && next.UntilMs < next.SinceMs {
		return invalid("Invalid value %d for parameter '%suntil_ms' supplied: the edge holds since %d", next.UntilMs, at, next.SinceMs)
	}
	return nil
}

func distinct(ids ...string) []string {
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// told are the kinds of nodes that documents of their own tell of.
var told = []string{lineage.KindRun, lineage.KindModel, lineage.KindVersion, lineage.KindEndpoint, lineage.KindJobRun, lineage.KindRecorded}

func (n Node) decide(d *decide.Decider, at string) (key string, err error) {
	node, err := parse(at+"node", n.Node)
	if err != nil {
		return "", err
	}
	if slices.Contains(told, node.Kind()) {
		return "", invalid("Invalid value %s for parameter '%snode' supplied: what a %s is called and what it has stands where it was made", decide.PythonText(n.Node), at, node.Kind())
	}
	if err := checkTexts(at, n.Name, n.Attributes); err != nil {
		return "", err
	}
	key = document.LineageNodeKey(string(node))
	doc, err := d.Load(key)
	if err != nil {
		return "", err
	}
	next := &sgpb.LineageNode{Node: string(node), CreatedBy: d.Given().By, CreatedMs: d.Given().NowMS}
	before := doc.GetLineageNode()
	if before != nil {
		next = proto.Clone(before).(*sgpb.LineageNode)
	}
	next.Name, next.Attributes = n.Name, maps.Clone(n.Attributes)
	if before != nil && proto.Equal(before, next) {
		return key, nil
	}
	next.UpdatedMs = d.Given().NowMS
	d.Change(key, nil, func(doc *sgpb.Document) { doc.Body = &sgpb.Document_LineageNode{LineageNode: next} })
	return key, nil
}

func parse(field, text string) (lineage.Node, error) {
	n, err := lineage.Parse(text)
	if err == nil && n.Kind() == lineage.KindRecorded {
		err = fmt.Errorf("nodes of the kind %s are the server's own", lineage.KindRecorded)
	}
	if err != nil {
		return "", invalid("Invalid value %s for parameter '%s' supplied: %v", decide.PythonText(decide.Truncate(text, nameMax)), field, err)
	}
	return n, nil
}

// end answers an end of an edge, and the experiment that it is in, if it is in one. What the server knows by itself must
// be there.
func end(d *decide.Decider, field, text string) (n lineage.Node, experiment string, err error) {
	if n, err = parse(field, text); err != nil {
		return "", "", err
	}
	first, second := n.Parts()
	switch n.Kind() {
	case lineage.KindRun:
		if _, ok := track.ParseRunID(first); !ok {
			return "", "", decide.NoRun(first)
		}
		doc, err := d.Load(document.RunKey(first))
		if err == nil && doc.GetRun().GetId() != first {
			err = decide.NoRun(first)
		}
		return n, doc.GetRun().GetExperimentId(), err
	case lineage.KindModel:
		key, err := decide.ModelKey(first)
		if err != nil {
			return "", "", err
		}
		doc, err := d.Load(key)
		if err == nil && doc.GetLoggedModel() == nil {
			err = decide.NoModel(first)
		}
		return n, doc.GetLoggedModel().GetExperimentId(), err
	case lineage.KindVersion:
		m, v, err := catalog.Version(d, first, second)
		if err != nil {
			return "", "", err
		}
		return lineage.Version(m.GetId(), v.GetVersion()), "", nil
	case lineage.KindEndpoint:
		doc, err := d.Load(document.EndpointKey(first))
		if err == nil && doc.GetEndpoint() == nil {
			err = track.Errorf(track.ResourceDoesNotExist, "Endpoint %s not found; GET /v1/endpoints lists them", decide.PythonText(first))
		}
		return n, "", err
	}
	return n, "", nil
}

func checkTexts(at, name string, attributes map[string]string) error {
	if utf8.RuneCountInString(name) > nameMax {
		return invalid("Invalid value for parameter '%sname' supplied: it has more than %d characters", at, nameMax)
	}
	if len(attributes) > attributesMax {
		return invalid("Invalid value for parameter '%sattributes' supplied: there are %d, at most %d are kept", at, len(attributes), attributesMax)
	}
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		if k == "" || utf8.RuneCountInString(k) > attributeKeyMax || utf8.RuneCountInString(attributes[k]) > attributeValueMax {
			return invalid("Invalid value for parameter '%sattributes' supplied: %s has a key or value that is empty or too long; %d and %d characters are kept", at, decide.PythonText(decide.Truncate(k, nameMax)), attributeKeyMax, attributeValueMax)
		}
	}
	return nil
}
