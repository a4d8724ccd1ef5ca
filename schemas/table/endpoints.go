package table

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Endpoints are the columns of table endpoints. The zero value is ready.
type Endpoints struct {
	id        proto.ColStr
	name      proto.ColStr
	url       proto.ColStr
	model     proto.ColStr
	version   proto.ColUInt64
	sinceMS   proto.ColInt64
	untilMS   proto.ColInt64
	createdBy proto.ColStr
	createdMS proto.ColInt64
	revision  proto.ColUInt64
}

// Append adds one revision of an endpoint's document.
func (c *Endpoints) Append(e *sgpb.Endpoint, revision uint64) {
	c.id.Append(e.GetId())
	c.name.Append(e.GetName())
	c.url.Append(e.GetUrl())
	c.model.Append(e.GetRegisteredModelId())
	c.version.Append(e.GetVersion())
	c.sinceMS.Append(e.GetSinceMs())
	c.untilMS.Append(e.GetUntilMs())
	c.createdBy.Append(e.GetCreatedBy())
	c.createdMS.Append(e.GetCreatedMs())
	c.revision.Append(revision)
}

// AppendWatermark adds the row that says how far this table has come.
func (c *Endpoints) AppendWatermark(revision uint64) { c.Append(nil, revision) }

// Rows in the columns, the watermark's included.
func (c *Endpoints) Rows() int { return len(c.revision) }

// Input names the columns for an insert.
func (c *Endpoints) Input() proto.Input {
	return proto.Input{
		{Name: "id", Data: &c.id},
		{Name: "name", Data: &c.name},
		{Name: "url", Data: &c.url},
		{Name: "model", Data: &c.model},
		{Name: "version", Data: &c.version},
		{Name: "since_ms", Data: &c.sinceMS},
		{Name: "until_ms", Data: &c.untilMS},
		{Name: "created_by", Data: &c.createdBy},
		{Name: "created_ms", Data: &c.createdMS},
		{Name: "revision", Data: &c.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (c *Endpoints) Reset() { resetAll(c.Input()) }
