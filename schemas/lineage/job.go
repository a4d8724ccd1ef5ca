package lineage

import (
	"maps"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func ofJobRun(r *sgpb.JobRun) Projection {
	p := Projection{Fact: Fact{
		Node: JobRun(r.GetId()), Name: r.GetJob().GetName(), SinceMS: r.GetStartMs(), SeenMS: r.GetUpdatedMs(),
		Attributes: maps.Clone(r.GetAttributes()),
	}}
	if p.Attributes == nil {
		p.Attributes = make(map[string]string)
	}
	maps.Copy(p.Attributes, said("state", r.GetState(), "end_ms", timeText(r.GetEndMs()), "namespace", r.GetJob().GetNamespace()))
	p.add(Edge{From: Job(r.GetJob().GetNamespace(), r.GetJob().GetName()), To: p.Node, Kind: EdgeRunOf})
	for _, d := range r.GetInputs() {
		p.add(Edge{From: Data(d.GetNamespace(), d.GetName()), To: p.Node, Kind: EdgeInput, SinceMS: d.GetSinceMs(), Attributes: d.GetAttributes()})
	}
	for _, d := range r.GetOutputs() {
		p.add(Edge{From: p.Node, To: Data(d.GetNamespace(), d.GetName()), Kind: EdgeOutput, SinceMS: d.GetSinceMs(), Attributes: d.GetAttributes()})
	}
	if id := r.GetParentId(); id != "" {
		p.add(Edge{From: JobRun(id), To: p.Node, Kind: EdgeParent})
	}
	if r.GetCommit() != "" {
		p.add(Edge{From: Commit(r.GetCommit()), To: p.Node, Kind: EdgeCode})
	}
	return p
}

// RunOf is the id of the run that a node is, if it is one.
func RunOf(n Node) (string, bool) {
	if n.Kind() != KindRun {
		return "", false
	}
	id := n.Text()
	_, ok := track.ParseRunID(id)
	return id, ok
}
