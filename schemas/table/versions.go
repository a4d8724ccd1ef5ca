package table

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// ModelVersions are the columns of table model_versions. Make one with NewModelVersions.
type ModelVersions struct {
	model           proto.ColStr
	version         proto.ColUInt64
	stage           Dictionary
	status          Dictionary
	description     proto.ColStr
	user            proto.ColStr
	source          proto.ColStr
	storageLocation proto.ColStr
	runID           proto.ColStr
	runLink         proto.ColStr
	modelID         proto.ColStr
	createdMS       proto.ColInt64
	updatedMS       proto.ColInt64
	tags            *proto.ColMap[string, string]
	deleted         proto.ColUInt8
	document        proto.ColBytes
	revision        proto.ColUInt64
}

// NewModelVersions gives empty columns.
func NewModelVersions() *ModelVersions { return &ModelVersions{tags: newTextMap()} }

// Append adds one revision of a version's document; encoded is its sgpb.Document.
func (c *ModelVersions) Append(v *sgpb.ModelVersion, encoded []byte, revision uint64) {
	c.append(v, mlflow.StageName(v.GetStage()), encoded, revision)
}

// AppendWatermark adds the row that says how far this table has come.
func (c *ModelVersions) AppendWatermark(revision uint64) { c.append(nil, "", nil, revision) }

func (c *ModelVersions) append(v *sgpb.ModelVersion, stage string, encoded []byte, revision uint64) {
	c.model.Append(v.GetRegisteredModelId())
	c.version.Append(v.GetVersion())
	c.stage.Append(stage)
	c.status.Append(v.GetStatus())
	c.description.Append(v.GetDescription())
	c.user.Append(v.GetUser())
	c.source.Append(v.GetSource())
	c.storageLocation.Append(v.GetStorageLocation())
	c.runID.Append(v.GetRunId())
	c.runLink.Append(v.GetRunLink())
	c.modelID.Append(v.GetModelId())
	c.createdMS.Append(v.GetCreatedMs())
	c.updatedMS.Append(v.GetUpdatedMs())
	c.tags.AppendKV(sortedPairs(v.GetTags()))
	c.deleted.Append(flag(v.GetDeleted()))
	c.document.Append(encoded)
	c.revision.Append(revision)
}

// Rows in the columns, the watermark's included.
func (c *ModelVersions) Rows() int { return len(c.revision) }

// Input names the columns for an insert.
func (c *ModelVersions) Input() proto.Input {
	return proto.Input{
		{Name: "model", Data: &c.model},
		{Name: "version", Data: &c.version},
		{Name: "stage", Data: &c.stage},
		{Name: "status", Data: &c.status},
		{Name: "description", Data: &c.description},
		{Name: "user", Data: &c.user},
		{Name: "source", Data: &c.source},
		{Name: "storage_location", Data: &c.storageLocation},
		{Name: "run_id", Data: &c.runID},
		{Name: "run_link", Data: &c.runLink},
		{Name: "model_id", Data: &c.modelID},
		{Name: "created_ms", Data: &c.createdMS},
		{Name: "updated_ms", Data: &c.updatedMS},
		{Name: "tags", Data: c.tags},
		{Name: "deleted", Data: &c.deleted},
		{Name: "document", Data: &c.document},
		{Name: "revision", Data: &c.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (c *ModelVersions) Reset() {
	for _, col := range c.Input() {
		col.Data.(interface{ Reset() }).Reset()
	}
}
