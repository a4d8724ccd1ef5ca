package alerts

import (
	"fmt"
	"maps"

	"github.com/streamgauge/streamgauge/consumers/alerts/memory"
)

// Seen is the last sequence that was taken of a lane: a snapshot's reader goes on behind it.
func (e *Evaluator) Seen(lane uint16) uint64 { return e.seen[lane] }

// Snapshot writes positions and states, in one so that they are of one moment. Changes count from it.
func (e *Evaluator) Snapshot() ([]byte, error) {
	b, err := memory.Saved{Seen: e.seen, Ended: e.ended, Met: e.met, States: e.states}.Pack()
	if err == nil {
		clear(e.moved)
		e.wrote()
	}
	return b, err
}

func (e *Evaluator) wrote() { e.saved, e.dirty = maps.Clone(e.seen), false }

// Still says that nothing was read and nothing moved since the last Snapshot or Changes.
func (e *Evaluator) Still() bool { return !e.dirty && maps.Equal(e.seen, e.saved) }

// Moved is how many states are other than in the last snapshot.
func (e *Evaluator) Moved() int { return len(e.moved) }

// Changes writes positions, and the states that are other than in the last snapshot: with it they say what a snapshot of now would.
func (e *Evaluator) Changes() ([]byte, error) {
	out := memory.Saved{Seen: e.seen, Ended: e.ended, Met: e.met, States: make(map[Series]*memory.State, len(e.moved))}
	for series := range e.moved {
		out.States[series] = e.states[series] // nil if it is gone
	}
	b, err := out.Pack()
	if err == nil {
		e.wrote()
	}
	return b, err
}

// Restore replaces positions and states by those of a snapshot and, if there are, changes since. States whose rule is not set as it was
// then are left out: set the rules first.
func (e *Evaluator) Restore(snapshot, changes []byte) error {
	in, err := memory.Unpack(snapshot)
	if err != nil {
		return err
	}
	e.moved = make(map[Series]struct{})
	if len(changes) > 0 {
		since, err := memory.Unpack(changes)
		if err != nil {
			return err
		}
		for series := range since.States {
			e.moved[series] = struct{}{}
		}
		maps.Copy(in.States, since.States)
		in.Seen, in.Ended, in.Met = since.Seen, since.Ended, since.Met
	}
	if len(in.States) > StatesMax+len(e.moved) {
		return fmt.Errorf("the snapshot has %d states of alerts, more than the %d that are kept", len(in.States), StatesMax)
	}
	e.seen, e.states = make(map[uint16]uint64), make(map[Series]*memory.State, len(in.States))
	e.counts, e.ended, e.met = make(map[string]int), make(map[string]int64), make(map[string]uint64)
	maps.Copy(e.seen, in.Seen)
	for id, revision := range in.Met {
		if e.current(id, revision) {
			e.met[id] = revision
		}
	}
	for series, st := range in.States {
		if st != nil && e.current(series.RuleID, series.Revision) {
			e.states[series] = st
			e.counts[series.RunID]++
		}
	}
	for runID, ms := range in.Ended {
		if e.counts[runID] > 0 {
			e.ended[runID] = ms
		}
	}
	return nil
}
