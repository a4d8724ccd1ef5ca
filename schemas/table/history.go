package table

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// History are the columns of table history. The zero value is ready.
type History struct {
	document proto.ColStr
	number   proto.ColUInt64
	timeMS   proto.ColInt64
	by       proto.ColStr
	what     Dictionary
	before   proto.ColStr
	after    proto.ColStr
	revision proto.ColUInt64
}

// Append adds one change.
func (h *History) Append(c *sgpb.Change, revision uint64) {
	h.document.Append(c.GetDocument())
	h.number.Append(c.GetNumber())
	h.timeMS.Append(c.GetTimeMs())
	h.by.Append(c.GetBy())
	h.what.Append(c.GetWhat())
	h.before.Append(c.GetFrom())
	h.after.Append(c.GetTo())
	h.revision.Append(revision)
}

// AppendWatermark adds the row that says how far this table has come.
func (h *History) AppendWatermark(revision uint64) { h.Append(nil, revision) }

// Rows in the columns, the watermark's included.
func (h *History) Rows() int { return len(h.revision) }

// Input names the columns for an insert.
func (h *History) Input() proto.Input {
	return proto.Input{
		{Name: "document", Data: &h.document},
		{Name: "number", Data: &h.number},
		{Name: "time_ms", Data: &h.timeMS},
		{Name: "by", Data: &h.by},
		{Name: "what", Data: &h.what},
		{Name: "before", Data: &h.before},
		{Name: "after", Data: &h.after},
		{Name: "revision", Data: &h.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (h *History) Reset() {
	for _, c := range h.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
