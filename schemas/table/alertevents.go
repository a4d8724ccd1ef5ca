package table

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// AlertEvents are the columns of table alert_events. Make it with NewAlertEvents.
type AlertEvents struct {
	id, episode           proto.ColStr
	resolved              proto.ColUInt8
	rule                  proto.ColStr
	ruleRevision          proto.ColUInt64
	ruleName              proto.ColStr
	kind                  *proto.ColLowCardinality[string]
	runID                 proto.ColStr
	experiment, rank      proto.ColUInt32
	metric                proto.ColStr
	value                 proto.ColFloat64
	step, timeMS, foundMS proto.ColInt64
	state                 *proto.ColLowCardinality[string]
	channels              *proto.ColArr[string]
	delivered             *proto.ColArr[uint8]
	attempts              *proto.ColArr[uint32]
	errors                *proto.ColArr[string]
	revision              proto.ColUInt64
}

// NewAlertEvents gives empty columns.
func NewAlertEvents() *AlertEvents {
	return &AlertEvents{
		kind: new(proto.ColStr).LowCardinality(), state: new(proto.ColStr).LowCardinality(),
		channels: proto.NewArray(new(proto.ColStr).LowCardinality()), delivered: new(proto.ColUInt8).Array(),
		attempts: new(proto.ColUInt32).Array(), errors: new(proto.ColStr).Array(),
	}
}

// Append adds one revision of an event's document.
func (c *AlertEvents) Append(e *sgpb.AlertEvent, revision uint64) {
	c.id.Append(e.GetId())
	c.episode.Append(e.GetEpisode())
	c.resolved.Append(oneIf(e.GetResolved()))
	c.rule.Append(e.GetRuleId())
	c.ruleRevision.Append(e.GetRuleRevision())
	c.ruleName.Append(e.GetRuleName())
	c.kind.Append(e.GetKind())
	c.runID.Append(e.GetRunId())
	c.experiment.Append(e.GetExperiment())
	c.rank.Append(e.GetRank())
	c.metric.Append(e.GetMetric())
	c.value.Append(e.GetValue())
	c.step.Append(e.GetStep())
	c.timeMS.Append(e.GetTimeMs())
	c.foundMS.Append(e.GetFoundMs())
	c.state.Append(e.GetState())
	c.appendDeliveries(e.GetDeliveries())
	c.revision.Append(revision)
}

func (c *AlertEvents) appendDeliveries(all []*sgpb.AlertDelivery) {
	channels, errors := make([]string, len(all)), make([]string, len(all))
	delivered, attempts := make([]uint8, len(all)), make([]uint32, len(all))
	for i, d := range all {
		channels[i], delivered[i], attempts[i], errors[i] = d.GetChannel(), oneIf(d.GetDelivered()), d.GetAttempts(), alert.Brief(d.GetError(), d.GetStatus())
	}
	c.channels.Append(channels)
	c.delivered.Append(delivered)
	c.attempts.Append(attempts)
	c.errors.Append(errors)
}

func oneIf(yes bool) uint8 {
	if yes {
		return 1
	}
	return 0
}

// AppendWatermark adds the row that says how far this table has come.
func (c *AlertEvents) AppendWatermark(revision uint64) { c.Append(nil, revision) }

// Rows in the columns, the watermark's included.
func (c *AlertEvents) Rows() int { return len(c.revision) }

// Input names the columns for an insert.
func (c *AlertEvents) Input() proto.Input {
	return proto.Input{
		{Name: "id", Data: &c.id}, {Name: "episode", Data: &c.episode}, {Name: "resolved", Data: &c.resolved},
		{Name: "rule", Data: &c.rule}, {Name: "rule_revision", Data: &c.ruleRevision}, {Name: "rule_name", Data: &c.ruleName},
		{Name: "kind", Data: c.kind}, {Name: "run_id", Data: &c.runID}, {Name: "experiment", Data: &c.experiment},
		{Name: "rank", Data: &c.rank}, {Name: "metric", Data: &c.metric}, {Name: "value", Data: &c.value},
		{Name: "step", Data: &c.step}, {Name: "time_ms", Data: &c.timeMS}, {Name: "found_ms", Data: &c.foundMS},
		{Name: "state", Data: c.state}, {Name: "channels", Data: c.channels}, {Name: "delivered", Data: c.delivered},
		{Name: "attempts", Data: c.attempts}, {Name: "errors", Data: c.errors}, {Name: "revision", Data: &c.revision},
	}
}

// Reset empties the columns and keeps their memory.
func (c *AlertEvents) Reset() { resetAll(c.Input()) }
