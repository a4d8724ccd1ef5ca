package table

import (
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// LoggedModels are the columns of table logged_models. Make one with NewLoggedModels.
type LoggedModels struct {
	experiment    proto.ColUInt32
	id            proto.ColStr
	name          proto.ColStr
	modelType     proto.ColStr
	sourceRun     proto.ColStr
	status        Dictionary
	statusMessage proto.ColStr
	lifecycle     Dictionary
	artifactURI   proto.ColStr
	createdMS     proto.ColInt64
	updatedMS     proto.ColInt64
	params        *proto.ColMap[string, string]
	tags          *proto.ColMap[string, string]
	document      proto.ColBytes
	revision      proto.ColUInt64
}

// NewLoggedModels gives empty columns.
func NewLoggedModels() *LoggedModels {
	return &LoggedModels{params: newTextMap(), tags: newTextMap()}
}

// Append adds one revision of a model's document; encoded is its sgpb.Document.
func (l *LoggedModels) Append(m *sgpb.LoggedModel, encoded []byte, revision uint64) {
	status := strings.TrimPrefix(m.GetStatus().String(), "LOGGED_MODEL_STATUS_")
	l.append(m, status, mlflow.LifecycleName(m.GetLifecycle()), encoded, revision)
}

// AppendWatermark adds the row that says how far this table has come.
func (l *LoggedModels) AppendWatermark(revision uint64) { l.append(nil, "", "", nil, revision) }

func (l *LoggedModels) append(m *sgpb.LoggedModel, status, lifecycle string, encoded []byte, revision uint64) {
	experiment, _ := track.ParseExperimentID(m.GetExperimentId())
	l.experiment.Append(experiment)
	l.id.Append(m.GetId())
	l.name.Append(m.GetName())
	l.modelType.Append(m.GetModelType())
	l.sourceRun.Append(m.GetSourceRunId())
	l.status.Append(status)
	l.statusMessage.Append(m.GetStatusMessage())
	l.lifecycle.Append(lifecycle)
	l.artifactURI.Append(m.GetArtifactUri())
	l.createdMS.Append(m.GetCreatedMs())
	l.updatedMS.Append(m.GetUpdatedMs())
	l.params.AppendKV(sortedPairs(m.GetParams()))
	l.tags.AppendKV(sortedPairs(m.GetTags()))
	l.document.Append(encoded)
	l.revision.Append(revision)
}

// Rows in the columns, the watermark's included.
func (l *LoggedModels) Rows() int { return len(l.revision) }

// Input names the columns for an insert.
func (l *LoggedModels) Input() proto.Input {
	return proto.Input{
		{Name: "experiment", Data: &l.experiment},
		{Name: "id", Data: &l.id},
		{Name: "name", Data: &l.name},
		{Name: "model_type", Data: &l.modelType},
		{Name: "source_run", Data: &l.sourceRun},
		{Name: "status", Data: &l.status},
		{Name: "status_message", Data: &l.statusMessage},
		{Name: "lifecycle", Data: &l.lifecycle},
		{Name: "artifact_uri", Data: &l.artifactURI},
		{Name: "created_ms", Data: &l.createdMS},
		{Name: "updated_ms", Data: &l.updatedMS},
		{Name: "params", Data: l.params},
		{Name: "tags", Data: l.tags},
		{Name: "document", Data: &l.document},
		{Name: "revision", Data: &l.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (l *LoggedModels) Reset() {
	for _, c := range l.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
