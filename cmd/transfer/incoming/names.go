package incoming

import (
	"strings"

	"github.com/streamgauge/streamgauge/registry/transfer"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// names are what is called otherwise on this server.
type names struct {
	// experiments are ids: of there to here.
	experiments map[string]string
	// renamed are names of experiments and registered models.
	renamed map[string]string
}

func (n *names) experiment(id string) string {
	if here, ok := n.experiments[id]; ok {
		return here
	}
	return id
}

func (n *names) all(ids []string) {
	for i, id := range ids {
		ids[i] = n.experiment(id)
	}
}

func (n *names) name(s string) string {
	if here, ok := n.renamed[s]; ok {
		return here
	}
	return s
}

// location moves an address in the server's own store to the folder that its experiment has here.
func (n *names) location(uri string) string {
	rest, own := strings.CutPrefix(uri, "mlflow-artifacts:/")
	id, _, _ := strings.Cut(rest, "/")
	if !own || n.experiment(id) == id {
		return uri
	}
	return transfer.Relocated(uri, id, n.experiment(id))
}

// path moves a path in the store likewise.
func (n *names) path(p string) string {
	return strings.TrimPrefix(n.location("mlflow-artifacts:/"+p), "mlflow-artifacts:/")
}

// document writes a document as it is called here, and answers what it is of.
func (n *names) document(d *sgpb.Document, of string) string {
	switch b := d.GetBody().(type) {
	case *sgpb.Document_Experiment:
		b.Experiment.Name = n.name(b.Experiment.GetName())
	case *sgpb.Document_Run:
		b.Run.ArtifactUri = n.location(b.Run.GetArtifactUri())
		b.Run.ExperimentId = n.experiment(b.Run.GetExperimentId())
	case *sgpb.Document_LoggedModel:
		b.LoggedModel.ArtifactUri = n.location(b.LoggedModel.GetArtifactUri())
		b.LoggedModel.ExperimentId = n.experiment(b.LoggedModel.GetExperimentId())
	case *sgpb.Document_RegisteredModel:
		b.RegisteredModel.Name = n.name(b.RegisteredModel.GetName())
	case *sgpb.Document_ModelVersion:
		v := b.ModelVersion
		v.Name, v.Source, v.StorageLocation = n.name(v.GetName()), n.location(v.GetSource()), n.location(v.GetStorageLocation())
	case *sgpb.Document_Approval:
		b.Approval.Model = n.name(b.Approval.GetModel())
	case *sgpb.Document_Endpoint:
		b.Endpoint.Model = n.name(b.Endpoint.GetModel())
	case *sgpb.Document_EvaluationDataset:
		n.all(b.EvaluationDataset.GetExperimentIds())
	case *sgpb.Document_LineageEdge:
		n.all(b.LineageEdge.GetExperimentIds())
	case *sgpb.Document_Scorers:
		return n.experiment(of)
	}
	return of
}

// trace does so for a trace.
func (n *names) trace(t *sgpb.Trace) {
	if e := t.GetInfo().GetTraceLocation().GetMlflowExperiment(); e != nil {
		e.ExperimentId = n.experiment(e.GetExperimentId())
	}
	const artifacts = "mlflow.artifactLocation"
	if uri, ok := t.GetInfo().GetTags()[artifacts]; ok {
		t.Info.Tags[artifacts] = n.location(uri)
	}
}
