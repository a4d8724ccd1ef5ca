package lineage

import (
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Kinds of edges that documents tell of. Each goes from what was there to what came of it.
const (
	EdgeInput      = "input"      // dataset, source or model -> run or job-run
	EdgeOutput     = "output"     // run -> model, job-run -> source
	EdgeHolds      = "holds"      // source -> dataset
	EdgeParent     = "parent"     // run -> run, job-run -> job-run
	EdgeFork       = "fork"       // run -> run
	EdgeCode       = "code"       // commit -> run or job-run
	EdgeProject    = "project"    // project -> run
	EdgeRegistered = "registered" // run or model -> version
	EdgeServes     = "serves"     // version -> endpoint
	EdgeRunOf      = "run"        // job -> job-run
)

// Fact is what a document says of its own node.
type Fact struct {
	Node       Node
	Name       string
	Attributes map[string]string
	// Experiments that it belongs to; none: it belongs to no experiment, and confined callers do not see it.
	Experiments []uint32
	// SinceMS is when it began; UntilMS when it ended or was deleted, 0 while neither.
	SinceMS, UntilMS int64
	// SeenMS is when the document was last written.
	SeenMS int64
}

// Edge goes from what was there to what came of it.
type Edge struct {
	From, To Node
	Kind     string
	Name     string
	// Attributes are texts such as the step of an output.
	Attributes map[string]string
	// SinceMS is when it was recorded; UntilMS since when it does not hold any more, 0 while it does.
	SinceMS, UntilMS int64
}

// Projection is what one document tells of the graph.
type Projection struct {
	Fact
	Edges []Edge
}

// Of answers what a document tells; false if nothing. It is pure.
func Of(doc *sgpb.Document) (Projection, bool) {
	p, ok := of(doc)
	p.Edges = distinct(p.Edges)
	return p, ok
}

func of(doc *sgpb.Document) (Projection, bool) {
	switch b := doc.GetBody().(type) {
	case *sgpb.Document_Run:
		return ofRun(b.Run), true
	case *sgpb.Document_LoggedModel:
		return ofModel(b.LoggedModel), true
	case *sgpb.Document_ModelVersion:
		return ofVersion(b.ModelVersion), true
	case *sgpb.Document_Endpoint:
		return ofEndpoint(b.Endpoint), true
	case *sgpb.Document_JobRun:
		return ofJobRun(b.JobRun), true
	case *sgpb.Document_LineageEdge:
		return ofEdge(b.LineageEdge), true
	case *sgpb.Document_LineageNode:
		n := b.LineageNode
		return Projection{Fact: Fact{Node: Node(n.GetNode()), Name: n.GetName(), Attributes: n.GetAttributes(), SinceMS: n.GetCreatedMs(), SeenMS: n.GetUpdatedMs()}}, true
	}
	return Projection{}, false
}

func ofModel(m *sgpb.LoggedModel) Projection {
	p := Projection{Fact: Fact{
		Node: Model(m.GetId()), Name: m.GetName(), Experiments: experiments(m.GetExperimentId()), SinceMS: m.GetCreatedMs(), SeenMS: m.GetUpdatedMs(),
		Attributes: said("model_type", m.GetModelType(), "creator", m.GetCreator()),
	}}
	if m.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		p.UntilMS = m.GetUpdatedMs()
	}
	if _, ok := track.ParseRunID(m.GetSourceRunId()); ok {
		p.add(Edge{From: Run(m.GetSourceRunId()), To: p.Node, Kind: EdgeOutput})
	}
	return p
}

func ofVersion(v *sgpb.ModelVersion) Projection {
	p := Projection{Fact: Fact{
		Node: Version(v.GetRegisteredModelId(), v.GetVersion()), Name: v.GetName() + "/" + strconv.FormatUint(v.GetVersion(), 10),
		SinceMS: v.GetCreatedMs(), SeenMS: v.GetUpdatedMs(), Attributes: said("user", v.GetUser(), "source", short(WithoutUser(v.GetSource()))),
	}}
	if v.GetDeleted() {
		p.UntilMS = v.GetUpdatedMs()
	}
	if _, ok := track.ParseRunID(v.GetRunId()); ok {
		p.add(Edge{From: Run(v.GetRunId()), To: p.Node, Kind: EdgeRegistered})
	}
	if v.GetModelId() != "" {
		p.add(Edge{From: Model(v.GetModelId()), To: p.Node, Kind: EdgeRegistered})
	}
	if !document.IsPrompt(v.GetTags()) && strings.Contains(v.GetSource(), "://") && v.GetModelId() == "" && v.GetRunId() == "" {
		p.add(Edge{From: Source(v.GetSource()), To: p.Node, Kind: EdgeRegistered})
	}
	return p
}

func ofEndpoint(e *sgpb.Endpoint) Projection {
	p := Projection{Fact: Fact{
		Node: Endpoint(e.GetId()), Name: e.GetName(), SinceMS: e.GetSinceMs(), UntilMS: e.GetUntilMs(), SeenMS: max(e.GetCreatedMs(), e.GetUntilMs()),
		Attributes: said("url", WithoutUser(e.GetUrl()), "created_by", e.GetCreatedBy()),
	}}
	p.add(Edge{From: Version(e.GetRegisteredModelId(), e.GetVersion()), To: p.Node, Kind: EdgeServes})
	return p
}

// ofEdge makes the edge's own document its owner: it has no node that anybody sees, and its ends have other documents.
func ofEdge(e *sgpb.LineageEdge) Projection {
	p := Projection{Fact: Fact{
		Node: Recorded(e), SinceMS: e.GetCreatedMs(), SeenMS: e.GetUpdatedMs(), Attributes: said("created_by", e.GetCreatedBy()),
	}}
	for _, id := range e.GetExperimentIds() {
		p.Experiments = append(p.Experiments, experiments(id)...)
	}
	p.add(Edge{
		From: Node(e.GetFrom()), To: Node(e.GetTo()), Kind: e.GetKind(), Name: e.GetName(), Attributes: e.GetAttributes(),
		SinceMS: e.GetSinceMs(), UntilMS: e.GetUntilMs(),
	})
	return p
}

// KindRecorded is the kind of the owners of edges that somebody recorded. Such nodes are never ends of edges.
const KindRecorded = "recorded"

// Recorded is the owner of an edge that somebody recorded.
func Recorded(e *sgpb.LineageEdge) Node {
	key := document.LineageEdgeKey(e.GetFrom(), e.GetTo(), e.GetKind())
	return Node(KindRecorded + ":" + strings.TrimPrefix(key, document.LineageEdgePrefix))
}

// add takes an edge; what it does not say of time it has of its owner.
func (p *Projection) add(e Edge) {
	if !askable(e.From) || !askable(e.To) || e.From == e.To {
		return
	}
	if e.SinceMS == 0 {
		e.SinceMS = p.SinceMS
	}
	if e.UntilMS == 0 {
		e.UntilMS = p.UntilMS
	}
	p.Edges = append(p.Edges, e)
}

// askable says whether somebody can ask for a node.
func askable(n Node) bool { return len(n) <= NodeBytesMax && n.Text() != "" }

// distinct leaves of edges between the same nodes and of one kind the first: a dataset of DVC is an input and a tag.
func distinct(edges []Edge) []Edge {
	type key struct {
		from, to Node
		kind     string
	}
	seen := make(map[key]bool, len(edges))
	return slices.DeleteFunc(edges, func(e Edge) bool {
		k := key{e.From, e.To, e.Kind}
		again := seen[k]
		seen[k] = true
		return again
	})
}

func experiments(id string) []uint32 {
	n, ok := track.ParseExperimentID(id)
	if !ok {
		return nil
	}
	return []uint32{n}
}

// said makes attributes of pairs, without those that are empty.
func said(pairs ...string) map[string]string {
	out := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out[pairs[i]] = pairs[i+1]
		}
	}
	return out
}

// attributeBytesMax bounds a text that an attribute takes over from a document.
const attributeBytesMax = 1 << 10

// short cuts a text to what an attribute holds, between two characters.
func short(s string) string {
	if len(s) <= attributeBytesMax {
		return s
	}
	return strings.ToValidUTF8(s[:attributeBytesMax], "")
}
