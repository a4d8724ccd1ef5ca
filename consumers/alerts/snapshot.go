package alerts

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// saved is a snapshot's content.
type saved struct {
	Seen   map[uint16]uint64 `json:"seen"`
	Ended  map[string]int64  `json:"ended,omitempty"`
	Met    map[string]uint64 `json:"met,omitempty"`
	States []savedState      `json:"states"`
}

type savedState struct {
	Series
	State state `json:"state"`
}

// Seen is the last sequence that was taken of a lane: a snapshot's reader goes on behind it.
func (e *Evaluator) Seen(lane uint16) uint64 { return e.seen[lane] }

// Knows says whether the snapshot that was restored, or what was read since, has a position of the lane.
func (e *Evaluator) Knows(lane uint16) bool {
	_, ok := e.seen[lane]
	return ok
}

// Snapshot writes positions and states, in one so that they are of one moment. Equal evaluators give equal bytes.
func (e *Evaluator) Snapshot() ([]byte, error) {
	out := saved{Seen: e.seen, Ended: e.ended, Met: e.met}
	for series, st := range e.states {
		out.States = append(out.States, savedState{series, *st})
	}
	slices.SortFunc(out.States, func(a, b savedState) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.RunID, b.RunID),
			cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Metric, b.Metric))
	})
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode the alerts' states: %w", err)
	}
	return b, nil
}

// Restore replaces positions and states. States whose rule is not set as it was then are left out: set the rules first.
func (e *Evaluator) Restore(snapshot []byte) error {
	var in saved
	if err := json.Unmarshal(snapshot, &in); err != nil {
		return fmt.Errorf("decode the alerts' states: %w", err)
	}
	if len(in.States) > StatesMax {
		return fmt.Errorf("the snapshot has %d states of alerts, more than the %d that are kept", len(in.States), StatesMax)
	}
	e.seen, e.states = make(map[uint16]uint64), make(map[Series]*state, len(in.States))
	e.counts, e.ended, e.met = make(map[string]int), make(map[string]int64), make(map[string]uint64)
	maps.Copy(e.seen, in.Seen)
	for id, revision := range in.Met {
		if e.current(id, revision) {
			e.met[id] = revision
		}
	}
	for _, s := range in.States {
		if e.current(s.RuleID, s.Revision) {
			st := s.State
			e.states[s.Series] = &st
			e.counts[s.RunID]++
		}
	}
	for runID, ms := range in.Ended {
		if e.counts[runID] > 0 {
			e.ended[runID] = ms
		}
	}
	return nil
}
