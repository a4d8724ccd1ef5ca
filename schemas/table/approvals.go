package table

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Approvals are the columns of table approvals. Make one with NewApprovals.
type Approvals struct {
	model       proto.ColStr
	version     proto.ColUInt64
	stage       Dictionary
	id          proto.ColStr
	requestedBy proto.ColStr
	requestedMS proto.ColInt64
	comment     proto.ColStr
	approvedBy  *proto.ColArr[string]
	rejectedBy  *proto.ColArr[string]
	decidedMS   proto.ColInt64
	closed      proto.ColUInt8
	revision    proto.ColUInt64
}

// NewApprovals gives empty columns.
func NewApprovals() *Approvals {
	return &Approvals{approvedBy: new(proto.ColStr).Array(), rejectedBy: new(proto.ColStr).Array()}
}

// Append adds one revision of a request's document.
func (c *Approvals) Append(a *sgpb.Approval, revision uint64) {
	c.append(a, mlflow.StageName(a.GetStage()), revision)
}

// AppendWatermark adds the row that says how far this table has come.
func (c *Approvals) AppendWatermark(revision uint64) { c.append(nil, "", revision) }

func (c *Approvals) append(a *sgpb.Approval, stage string, revision uint64) {
	var yes, no []string
	var decided int64
	for _, v := range a.GetVerdicts() {
		decided = max(decided, v.GetTimeMs())
		if v.GetApproved() {
			yes = append(yes, v.GetBy())
		} else {
			no = append(no, v.GetBy())
		}
	}
	c.model.Append(a.GetRegisteredModelId())
	c.version.Append(a.GetVersion())
	c.stage.Append(stage)
	c.id.Append(a.GetId())
	c.requestedBy.Append(a.GetRequestedBy())
	c.requestedMS.Append(a.GetRequestedMs())
	c.comment.Append(a.GetComment())
	c.approvedBy.Append(yes)
	c.rejectedBy.Append(no)
	c.decidedMS.Append(decided)
	c.closed.Append(flag(a.GetClosed()))
	c.revision.Append(revision)
}

// Rows in the columns, the watermark's included.
func (c *Approvals) Rows() int { return len(c.revision) }

// Input names the columns for an insert.
func (c *Approvals) Input() proto.Input {
	return proto.Input{
		{Name: "model", Data: &c.model},
		{Name: "version", Data: &c.version},
		{Name: "stage", Data: &c.stage},
		{Name: "id", Data: &c.id},
		{Name: "requested_by", Data: &c.requestedBy},
		{Name: "requested_ms", Data: &c.requestedMS},
		{Name: "comment", Data: &c.comment},
		{Name: "approved_by", Data: c.approvedBy},
		{Name: "rejected_by", Data: c.rejectedBy},
		{Name: "decided_ms", Data: &c.decidedMS},
		{Name: "closed", Data: &c.closed},
		{Name: "revision", Data: &c.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (c *Approvals) Reset() { resetAll(c.Input()) }
