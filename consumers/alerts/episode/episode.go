// Package episode says what alerts find: that the condition of a rule began or ended to hold for a series, and where in the logs.
// Its ids are the same whoever finds it and however often.
package episode

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Position is where in the logs something is. Documents have the lane Documents, the revision is their sequence.
type Position struct {
	Lane uint16 `json:"lane"`
	Seq  uint64 `json:"seq"`
	// Index counts within the section.
	Index uint32 `json:"index"`
}

// After orders messages, not what is in them.
func (p Position) After(q Position) bool {
	return p.Lane > q.Lane || p.Lane == q.Lane && p.Seq > q.Seq
}

// Documents is the lane of positions in the stream of documents.
const Documents = 1<<16 - 1

// Series is what has a state: a rule's view of one metric of one rank of a run, or of a run if Metric is "".
type Series struct {
	RuleID   string `json:"rule_id"`
	Revision uint64 `json:"rule_revision"`
	RunID    string `json:"run_id"`
	Rank     uint32 `json:"rank"`
	Metric   string `json:"metric"`
}

// Event says that an episode began or ended.
type Event struct {
	Series
	Experiment uint32
	// Start is where the episode began, At where this was found.
	Start, At Position
	// Attempt of the rank at the start: one frame may have points of two.
	Attempt  uint32
	Resolved bool
	// Value, Step and TimeMS of the point; a run's events have TimeMS only.
	Value  float64
	Step   int64
	TimeMS int64
	// State of the run, of rules that look at it.
	State string
}

// Episode is the same for the two events of one episode, and for no others: 64 hexadecimal digits.
func (e *Event) Episode() string {
	text, err := json.Marshal([]any{e.RuleID, e.Revision, e.RunID, e.Rank, e.Metric, e.Start, e.Attempt})
	if err != nil {
		panic(fmt.Sprintf("episode: strings and numbers do not encode: %v", err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ID is the event's own: the episode, and which end of it.
func (e *Event) ID() string {
	if e.Resolved {
		return e.Episode() + "-resolved"
	}
	return e.Episode() + "-fired"
}

// Document is an event as it is stored, of the rule that found it; nil if it is gone.
func (e *Event) Document(r *alert.Rule, foundMS int64) *sgpb.AlertEvent {
	fired := *e
	fired.Resolved = false
	doc := &sgpb.AlertEvent{
		Id: e.ID(), Episode: fired.ID(), Resolved: e.Resolved, RuleId: e.RuleID, RuleRevision: e.Revision, RunId: e.RunID,
		Experiment: e.Experiment, Rank: e.Rank, Metric: e.Metric, Value: e.Value, Step: e.Step,
		TimeMs: e.TimeMS, FoundMs: foundMS, State: e.State,
	}
	if r != nil {
		doc.RuleName, doc.Kind = r.Name, string(r.Kind)
	}
	return doc
}
