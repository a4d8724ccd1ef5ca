package documents

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Sorted are the keys of a map, in order.
func Sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Number is that of a run in ClickHouse.
func Number(runID string) uint64 {
	if len(runID) < 16 {
		return 0
	}
	n, _ := strconv.ParseUint(runID[:16], 16, 64) // 0 is no run's
	return n
}

// Choice is what an export takes in. It grows as documents are read in the order of kinds.
type Choice struct {
	// All: everything.
	All bool
	// Whole are experiments that are taken whole, Some those of which runs are.
	Whole, Some map[string]bool
	// Runs and Numbers are the runs that are in, by id and by number.
	Runs    map[string]bool
	Numbers map[uint64]string
	models  map[string]bool
	// registered are the registered models of which a version is in; then all of it is.
	registered map[string]bool
	// datasets for evaluations, and nodes of recorded edges.
	datasets, nodes map[string]bool
	// Blobs are the long texts of runs that are in.
	Blobs map[string]bool
}

// NewChoice takes in everything, or what will be named.
func NewChoice(all bool) *Choice {
	set := func() map[string]bool { return make(map[string]bool) }
	return &Choice{All: all, Whole: set(), Some: set(), Runs: set(), Numbers: make(map[uint64]string), models: set(), registered: set(), datasets: set(), nodes: set(), Blobs: set()}
}

// Take says whether a document is in. Runs are in that were asked for.
func (c *Choice) Take(d *sgpb.Document, of string) bool {
	switch b := d.GetBody().(type) {
	case *sgpb.Document_Experiment:
		return c.All || c.Whole[b.Experiment.GetId()] || c.Some[b.Experiment.GetId()]
	case *sgpb.Document_Run:
		c.Runs[b.Run.GetId()] = true
		c.Numbers[Number(b.Run.GetId())] = b.Run.GetId()
		for _, sum := range blobsOf(b.Run) {
			c.Blobs[sum] = true
		}
		return true
	case *sgpb.Document_LoggedModel:
		in := c.All || c.Whole[b.LoggedModel.GetExperimentId()] || c.Runs[b.LoggedModel.GetSourceRunId()] || c.models[b.LoggedModel.GetId()]
		if in {
			c.models[b.LoggedModel.GetId()] = true
		}
		return in
	case *sgpb.Document_ModelVersion:
		return c.All || c.registered[b.ModelVersion.GetRegisteredModelId()]
	case *sgpb.Document_RegisteredModel:
		return c.All || c.registered[b.RegisteredModel.GetId()]
	case *sgpb.Document_Approval:
		return c.All || c.registered[b.Approval.GetRegisteredModelId()]
	case *sgpb.Document_Endpoint:
		return c.All || c.registered[b.Endpoint.GetRegisteredModelId()]
	}
	return c.takeOther(d, of)
}

// takeOther is Take of what belongs to experiments as a whole.
func (c *Choice) takeOther(d *sgpb.Document, of string) bool {
	switch b := d.GetBody().(type) {
	case *sgpb.Document_EvaluationDataset:
		in := c.All || slices.ContainsFunc(b.EvaluationDataset.GetExperimentIds(), c.inWhole)
		if in {
			c.datasets[b.EvaluationDataset.GetId()] = true
		}
		return in
	case *sgpb.Document_EvaluationRecords:
		return c.All || c.datasets[of]
	case *sgpb.Document_Scorers:
		return c.All || c.Whole[of]
	case *sgpb.Document_LineageEdge:
		in := c.All || slices.ContainsFunc(b.LineageEdge.GetExperimentIds(), c.inWhole)
		if in {
			c.nodes[b.LineageEdge.GetFrom()], c.nodes[b.LineageEdge.GetTo()] = true, true
		}
		return in
	case *sgpb.Document_LineageNode:
		return c.All || c.nodes[b.LineageNode.GetNode()]
	case *sgpb.Document_AlertEvent:
		return c.All || c.inWhole(experimentOf(b.AlertEvent)) || c.Runs[b.AlertEvent.GetRunId()]
	}
	return c.All
}

func (c *Choice) inWhole(experiment string) bool { return c.Whole[experiment] }

// Rules are the alerts that are in, each as a document of its own: those of runs that are in, and of experiments that are taken whole,
// which they watch alone then.
func (c *Choice) Rules(all *sgpb.AlertRules) (out []*sgpb.Document) {
	for _, stored := range all.GetRules() {
		var r alert.Rule
		if json.Unmarshal(stored.GetRule(), &r) != nil {
			continue
		}
		if !c.All {
			r.ExperimentIDs = slices.DeleteFunc(r.ExperimentIDs, func(id string) bool { return !c.inWhole(id) })
			if len(r.ExperimentIDs) == 0 && !c.Runs[r.RunID] {
				continue
			}
		}
		text, err := json.Marshal(r)
		if err != nil {
			continue // it has just been read
		}
		one := proto.CloneOf(stored)
		one.Rule = text
		out = append(out, &sgpb.Document{Body: &sgpb.Document_AlertRules{AlertRules: &sgpb.AlertRules{Rules: []*sgpb.AlertRule{one}}}})
	}
	return out
}

// Notice looks at a version before the versions are taken: one of a run or model that is in brings its registered model.
func (c *Choice) Notice(d *sgpb.Document) {
	v := d.GetModelVersion()
	if c.Runs[v.GetRunId()] || c.models[v.GetModelId()] {
		c.registered[v.GetRegisteredModelId()] = true
	}
}
