package table

import (
	"cmp"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// datasetContextTag is the input tag that says what a run used a dataset for.
const datasetContextTag = "mlflow.data.context"

// Runs are the columns of table runs. Make one with NewRuns.
type Runs struct {
	experiment      proto.ColUInt32
	runID           proto.ColStr
	run             proto.ColUInt64
	name            proto.ColStr
	user            proto.ColStr
	status          Dictionary
	lifecycle       Dictionary
	lifecycleEpoch  proto.ColUInt64
	startMS         proto.ColInt64
	endMS           proto.ColInt64
	artifactURI     proto.ColStr
	params          *proto.ColMap[string, string]
	tags            *proto.ColMap[string, string]
	datasetNames    *proto.ColArr[string]
	datasetDigests  *proto.ColArr[string]
	datasetContexts *proto.ColArr[string]
	datasetKinds    *proto.ColArr[string]
	datasetSources  *proto.ColArr[string]
	modelInputs     *proto.ColArr[string]
	modelOutputs    *proto.ColArr[string]
	forkRun         proto.ColStr
	forkStep        proto.ColInt64
	ranks           proto.ColUInt32
	document        proto.ColBytes
	revision        proto.ColUInt64
}

// NewRuns gives empty columns.
func NewRuns() *Runs {
	texts := func() *proto.ColArr[string] { return new(proto.ColStr).Array() }
	return &Runs{
		params: newTextMap(), tags: newTextMap(),
		datasetNames: texts(), datasetDigests: texts(), datasetContexts: texts(), datasetKinds: texts(), datasetSources: texts(),
		modelInputs: texts(), modelOutputs: texts(),
	}
}

// Append adds one revision of a run's document; encoded is its sgpb.Document.
func (r *Runs) Append(run *sgpb.Run, encoded []byte, revision uint64) {
	experiment, _ := track.ParseExperimentID(run.GetExperimentId())
	number, _ := track.ParseRunID(run.GetId())
	r.experiment.Append(experiment)
	r.runID.Append(run.GetId())
	r.run.Append(number)
	r.name.Append(run.GetName())
	r.user.Append(run.GetUser())
	r.status.Append(mlflow.StatusName(run.GetStatus()))
	r.lifecycle.Append(mlflow.LifecycleName(run.GetLifecycle()))
	r.lifecycleEpoch.Append(run.GetLifecycleEpoch())
	r.startMS.Append(run.GetStartMs())
	r.endMS.Append(run.GetEndMs())
	r.artifactURI.Append(run.GetArtifactUri())
	r.params.AppendKV(sortedPairs(run.GetParams()))
	r.tags.AppendKV(sortedPairs(run.GetTags()))
	r.appendDatasets(run.GetInputs())
	r.modelInputs.Append(run.GetModelInputs())
	made := make([]string, 0, len(run.GetModelOutputs()))
	for _, m := range run.GetModelOutputs() {
		made = append(made, m.GetModelId())
	}
	r.modelOutputs.Append(made)
	fork := document.Fork(run)
	r.forkRun.Append(fork.GetRunId())
	r.forkStep.Append(fork.GetStep())
	r.ranks.Append(run.GetRanks())
	r.document.Append(encoded)
	r.revision.Append(revision)
}

func (r *Runs) appendDatasets(inputs []*sgpb.DatasetInput) {
	n := len(inputs)
	names, digests, contexts, kinds, sources := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, in := range inputs {
		d := in.GetDataset()
		names[i], digests[i], contexts[i] = d.GetName(), d.GetDigest(), in.GetTags()[datasetContextTag]
		kinds[i], sources[i] = d.GetSourceType(), d.GetSource()
	}
	r.datasetNames.Append(names)
	r.datasetDigests.Append(digests)
	r.datasetContexts.Append(contexts)
	r.datasetKinds.Append(kinds)
	r.datasetSources.Append(sources)
}

// AppendWatermark adds the row that says how far this table has come.
func (r *Runs) AppendWatermark(revision uint64) {
	r.experiment.Append(0)
	r.run.Append(0)
	for _, c := range []*proto.ColStr{&r.runID, &r.name, &r.user, &r.artifactURI, &r.forkRun} {
		c.Append("")
	}
	r.status.Append("")
	r.lifecycle.Append("")
	r.lifecycleEpoch.Append(0)
	r.startMS.Append(0)
	r.endMS.Append(0)
	r.params.AppendKV(nil)
	r.tags.AppendKV(nil)
	for _, c := range []*proto.ColArr[string]{
		r.datasetNames, r.datasetDigests, r.datasetContexts, r.datasetKinds, r.datasetSources, r.modelInputs, r.modelOutputs,
	} {
		c.Append(nil)
	}
	r.forkStep.Append(0)
	r.ranks.Append(0)
	r.document.Append(nil)
	r.revision.Append(revision)
}

// Rows in the columns, the watermark's included.
func (r *Runs) Rows() int { return len(r.revision) }

// Input names the columns for an insert.
func (r *Runs) Input() proto.Input {
	return proto.Input{
		{Name: "experiment", Data: &r.experiment},
		{Name: "run_id", Data: &r.runID},
		{Name: "run", Data: &r.run},
		{Name: "name", Data: &r.name},
		{Name: "user", Data: &r.user},
		{Name: "status", Data: &r.status},
		{Name: "lifecycle", Data: &r.lifecycle},
		{Name: "lifecycle_epoch", Data: &r.lifecycleEpoch},
		{Name: "start_ms", Data: &r.startMS},
		{Name: "end_ms", Data: &r.endMS},
		{Name: "artifact_uri", Data: &r.artifactURI},
		{Name: "params", Data: r.params},
		{Name: "tags", Data: r.tags},
		{Name: "dataset_names", Data: r.datasetNames},
		{Name: "dataset_digests", Data: r.datasetDigests},
		{Name: "dataset_contexts", Data: r.datasetContexts},
		{Name: "dataset_source_types", Data: r.datasetKinds},
		{Name: "dataset_sources", Data: r.datasetSources},
		{Name: "model_inputs", Data: r.modelInputs},
		{Name: "model_outputs", Data: r.modelOutputs},
		{Name: "fork_run", Data: &r.forkRun},
		{Name: "fork_step", Data: &r.forkStep},
		{Name: "ranks", Data: &r.ranks},
		{Name: "document", Data: &r.document},
		{Name: "revision", Data: &r.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (r *Runs) Reset() {
	for _, c := range r.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}

func newTextMap() *proto.ColMap[string, string] {
	return proto.NewMap[string, string](new(proto.ColStr).LowCardinality(), new(proto.ColStr))
}

// sortedPairs gives a map in the order of its keys, so that the same document is the same bytes.
func sortedPairs(m map[string]string) []proto.KV[string, string] {
	out := make([]proto.KV[string, string], 0, len(m))
	for k, v := range m {
		out = append(out, proto.KV[string, string]{Key: k, Value: v})
	}
	slices.SortFunc(out, func(a, b proto.KV[string, string]) int { return cmp.Compare(a.Key, b.Key) })
	return out
}
