package outgoing

import (
	"maps"
	"slices"
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// number is that of a run in ClickHouse.
func number(runID string) uint64 {
	if len(runID) < 16 {
		return 0
	}
	n, _ := strconv.ParseUint(runID[:16], 16, 64) // 0 is no run's
	return n
}

// choice is what an export takes in. It grows as documents are read in the order of kinds.
type choice struct {
	// all: everything.
	all bool
	// whole are experiments that are taken whole, some those of which runs are.
	whole, some map[string]bool
	// runs and numbers are the runs that are in, by id and by number.
	runs    map[string]bool
	numbers map[uint64]string
	models  map[string]bool
	// registered are the registered models of which a version is in; then all of it is.
	registered map[string]bool
	// datasets for evaluations, and nodes of recorded edges.
	datasets, nodes map[string]bool
	blobs           map[string]bool
}

func newChoice(all bool) *choice {
	set := func() map[string]bool { return make(map[string]bool) }
	return &choice{all: all, whole: set(), some: set(), runs: set(), numbers: make(map[uint64]string), models: set(), registered: set(), datasets: set(), nodes: set(), blobs: set()}
}

// take says whether a document is in. Runs are in that were asked for.
func (c *choice) take(d *sgpb.Document, of string) bool {
	switch b := d.GetBody().(type) {
	case *sgpb.Document_Experiment:
		return c.all || c.whole[b.Experiment.GetId()] || c.some[b.Experiment.GetId()]
	case *sgpb.Document_Run:
		c.runs[b.Run.GetId()] = true
		c.numbers[number(b.Run.GetId())] = b.Run.GetId()
		for _, sum := range blobsOf(b.Run) {
			c.blobs[sum] = true
		}
		return true
	case *sgpb.Document_LoggedModel:
		in := c.all || c.whole[b.LoggedModel.GetExperimentId()] || c.runs[b.LoggedModel.GetSourceRunId()] || c.models[b.LoggedModel.GetId()]
		if in {
			c.models[b.LoggedModel.GetId()] = true
		}
		return in
	case *sgpb.Document_ModelVersion:
		return c.all || c.registered[b.ModelVersion.GetRegisteredModelId()]
	case *sgpb.Document_RegisteredModel:
		return c.all || c.registered[b.RegisteredModel.GetId()]
	case *sgpb.Document_Approval:
		return c.all || c.registered[b.Approval.GetRegisteredModelId()]
	case *sgpb.Document_Endpoint:
		return c.all || c.registered[b.Endpoint.GetRegisteredModelId()]
	}
	return c.takeOther(d, of)
}

// takeOther is take of what belongs to experiments as a whole.
func (c *choice) takeOther(d *sgpb.Document, of string) bool {
	switch b := d.GetBody().(type) {
	case *sgpb.Document_EvaluationDataset:
		in := c.all || slices.ContainsFunc(b.EvaluationDataset.GetExperimentIds(), c.inWhole)
		if in {
			c.datasets[b.EvaluationDataset.GetId()] = true
		}
		return in
	case *sgpb.Document_EvaluationRecords:
		return c.all || c.datasets[of]
	case *sgpb.Document_Scorers:
		return c.all || c.whole[of]
	case *sgpb.Document_LineageEdge:
		in := c.all || slices.ContainsFunc(b.LineageEdge.GetExperimentIds(), c.inWhole)
		if in {
			c.nodes[b.LineageEdge.GetFrom()], c.nodes[b.LineageEdge.GetTo()] = true, true
		}
		return in
	case *sgpb.Document_LineageNode:
		return c.all || c.nodes[b.LineageNode.GetNode()]
	}
	return c.all
}

func (c *choice) inWhole(experiment string) bool { return c.whole[experiment] }

// notice looks at a version before the versions are taken: one of a run or model that is in brings its registered model.
func (c *choice) notice(d *sgpb.Document) {
	v := d.GetModelVersion()
	if c.runs[v.GetRunId()] || c.models[v.GetModelId()] {
		c.registered[v.GetRegisteredModelId()] = true
	}
}
