package table

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Experiments are the columns of table experiments. Make one with NewExperiments.
type Experiments struct {
	id               proto.ColStr
	name             proto.ColStr
	artifactLocation proto.ColStr
	lifecycle        Dictionary
	lifecycleEpoch   proto.ColUInt64
	createdMS        proto.ColInt64
	updatedMS        proto.ColInt64
	tags             *proto.ColMap[string, string]
	document         proto.ColBytes
	revision         proto.ColUInt64
}

// NewExperiments gives empty columns.
func NewExperiments() *Experiments { return &Experiments{tags: newTextMap()} }

// Append adds one revision of an experiment's document; encoded is its sgpb.Document.
func (e *Experiments) Append(x *sgpb.Experiment, encoded []byte, revision uint64) {
	e.append(x, mlflow.LifecycleName(x.GetLifecycle()), encoded, revision)
}

// AppendWatermark adds the row that says how far this table has come.
func (e *Experiments) AppendWatermark(revision uint64) { e.append(nil, "", nil, revision) }

func (e *Experiments) append(x *sgpb.Experiment, lifecycle string, encoded []byte, revision uint64) {
	e.id.Append(x.GetId())
	e.name.Append(x.GetName())
	e.artifactLocation.Append(x.GetArtifactLocation())
	e.lifecycle.Append(lifecycle)
	e.lifecycleEpoch.Append(x.GetLifecycleEpoch())
	e.createdMS.Append(x.GetCreatedMs())
	e.updatedMS.Append(x.GetUpdatedMs())
	e.tags.AppendKV(sortedPairs(x.GetTags()))
	e.document.Append(encoded)
	e.revision.Append(revision)
}

// Rows in the columns, the watermark's included.
func (e *Experiments) Rows() int { return len(e.revision) }

// Input names the columns for an insert.
func (e *Experiments) Input() proto.Input {
	return proto.Input{
		{Name: "id", Data: &e.id},
		{Name: "name", Data: &e.name},
		{Name: "artifact_location", Data: &e.artifactLocation},
		{Name: "lifecycle", Data: &e.lifecycle},
		{Name: "lifecycle_epoch", Data: &e.lifecycleEpoch},
		{Name: "created_ms", Data: &e.createdMS},
		{Name: "updated_ms", Data: &e.updatedMS},
		{Name: "tags", Data: e.tags},
		{Name: "document", Data: &e.document},
		{Name: "revision", Data: &e.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (e *Experiments) Reset() {
	for _, c := range e.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
