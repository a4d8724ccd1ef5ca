package table

import (
	"cmp"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// RegisteredModels are the columns of table registered_models. Make one with NewRegisteredModels.
type RegisteredModels struct {
	id          proto.ColStr
	name        proto.ColStr
	description proto.ColStr
	user        proto.ColStr
	lifecycle   Dictionary
	createdMS   proto.ColInt64
	updatedMS   proto.ColInt64
	renamedMS   proto.ColInt64
	tags        *proto.ColMap[string, string]
	aliases     *proto.ColMap[string, uint64]
	lastVersion proto.ColUInt64
	prompt      proto.ColUInt8
	document    proto.ColBytes
	revision    proto.ColUInt64
}

// NewRegisteredModels gives empty columns.
func NewRegisteredModels() *RegisteredModels {
	return &RegisteredModels{
		tags: newTextMap(), aliases: proto.NewMap[string, uint64](new(proto.ColStr).LowCardinality(), new(proto.ColUInt64)),
	}
}

// Append adds one revision of a registered model's document; encoded is its sgpb.Document.
func (r *RegisteredModels) Append(m *sgpb.RegisteredModel, encoded []byte, revision uint64) {
	r.append(m, mlflow.LifecycleName(m.GetLifecycle()), encoded, revision)
}

// AppendWatermark adds the row that says how far this table has come.
func (r *RegisteredModels) AppendWatermark(revision uint64) { r.append(nil, "", nil, revision) }

func (r *RegisteredModels) append(m *sgpb.RegisteredModel, lifecycle string, encoded []byte, revision uint64) {
	r.id.Append(m.GetId())
	r.name.Append(m.GetName())
	r.description.Append(m.GetDescription())
	r.user.Append(m.GetUser())
	r.lifecycle.Append(lifecycle)
	r.createdMS.Append(m.GetCreatedMs())
	r.updatedMS.Append(m.GetUpdatedMs())
	r.renamedMS.Append(m.GetRenamedMs())
	r.tags.AppendKV(sortedPairs(m.GetTags()))
	aliases := make([]proto.KV[string, uint64], 0, len(m.GetAliases()))
	for alias, version := range m.GetAliases() {
		aliases = append(aliases, proto.KV[string, uint64]{Key: alias, Value: version})
	}
	slices.SortFunc(aliases, func(a, b proto.KV[string, uint64]) int { return cmp.Compare(a.Key, b.Key) })
	r.aliases.AppendKV(aliases)
	r.lastVersion.Append(m.GetLastVersion())
	r.prompt.Append(flag(document.IsPrompt(m.GetTags())))
	r.document.Append(encoded)
	r.revision.Append(revision)
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// Rows in the columns, the watermark's included.
func (r *RegisteredModels) Rows() int { return len(r.revision) }

// Input names the columns for an insert.
func (r *RegisteredModels) Input() proto.Input {
	return proto.Input{
		{Name: "id", Data: &r.id},
		{Name: "name", Data: &r.name},
		{Name: "description", Data: &r.description},
		{Name: "user", Data: &r.user},
		{Name: "lifecycle", Data: &r.lifecycle},
		{Name: "created_ms", Data: &r.createdMS},
		{Name: "updated_ms", Data: &r.updatedMS},
		{Name: "renamed_ms", Data: &r.renamedMS},
		{Name: "tags", Data: r.tags},
		{Name: "aliases", Data: r.aliases},
		{Name: "last_version", Data: &r.lastVersion},
		{Name: "prompt", Data: &r.prompt},
		{Name: "document", Data: &r.document},
		{Name: "revision", Data: &r.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (r *RegisteredModels) Reset() {
	for _, c := range r.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
