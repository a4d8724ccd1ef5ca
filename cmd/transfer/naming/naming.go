// Package naming writes what comes from another server as it is called here: experiments have other ids, and names may be
// given anew. It is pure.
package naming

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/registry/transfer"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Names are what is called otherwise on this server.
type Names struct {
	// Experiments are ids: of there to here.
	Experiments map[string]string
	// Renamed are names of experiments and registered models.
	Renamed map[string]string
}

func (n *Names) experiment(id string) string {
	if here, ok := n.Experiments[id]; ok {
		return here
	}
	return id
}

func (n *Names) all(ids []string) {
	for i, id := range ids {
		ids[i] = n.experiment(id)
	}
}

func (n *Names) name(s string) string {
	if here, ok := n.Renamed[s]; ok {
		return here
	}
	return s
}

// location moves an address in the server's own store to the folder that its experiment has here.
func (n *Names) location(uri string) string {
	rest, own := strings.CutPrefix(uri, "mlflow-artifacts:/")
	id, _, _ := strings.Cut(rest, "/")
	if !own || n.experiment(id) == id {
		return uri
	}
	return transfer.Relocated(uri, id, n.experiment(id))
}

// Path moves a path in the store likewise.
func (n *Names) Path(p string) string {
	return strings.TrimPrefix(n.location("mlflow-artifacts:/"+p), "mlflow-artifacts:/")
}

// Document writes a document as it is called here, and answers what it is of.
func (n *Names) Document(d *sgpb.Document, of string) string {
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
	case *sgpb.Document_AlertRules:
		for _, r := range b.AlertRules.GetRules() {
			n.rule(r)
		}
	case *sgpb.Document_AlertEvent:
		if id, ok := track.ParseExperimentID(n.experiment(strconv.FormatUint(uint64(b.AlertEvent.GetExperiment()), 10))); ok {
			b.AlertEvent.Experiment = id
		}
	case *sgpb.Document_Scorers:
		return n.experiment(of)
	}
	return of
}

// rule names the experiments of an alert; one that cannot be read is refused by the server.
func (n *Names) rule(stored *sgpb.AlertRule) {
	var r alert.Rule
	if json.Unmarshal(stored.GetRule(), &r) != nil {
		return
	}
	n.all(r.ExperimentIDs)
	if text, err := json.Marshal(r); err == nil {
		stored.Rule = text
	}
}

// Trace does so for a trace.
func (n *Names) Trace(t *sgpb.Trace) {
	if e := t.GetInfo().GetTraceLocation().GetMlflowExperiment(); e != nil {
		e.ExperimentId = n.experiment(e.GetExperimentId())
	}
	const artifacts = "mlflow.artifactLocation"
	if uri, ok := t.GetInfo().GetTags()[artifacts]; ok {
		t.Info.Tags[artifacts] = n.location(uri)
	}
}
