package alerts

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/streamgauge/streamgauge/consumers/alerts/episode"
	"github.com/streamgauge/streamgauge/consumers/alerts/memory"
	"github.com/streamgauge/streamgauge/consumers/alerts/ruleset"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// StatesMax bounds the series with a state, some 42 MiB. What would be more is not judged, and counted.
const StatesMax = 200_000

// ErrDamaged says that a snapshot cannot be read.
var ErrDamaged = errors.New("the snapshot of alerts is damaged")

// What is found, and where.
type (
	Position = episode.Position
	Series   = episode.Series
	Event    = episode.Event
)

// Documents is the lane of positions in the stream of documents.
const Documents = episode.Documents

// Evaluator holds the rules and the states. It is not safe for concurrent use.
type Evaluator struct {
	rules  *ruleset.Set
	states map[Series]*memory.State
	// seen is the last sequence that was taken, by lane.
	seen    map[uint16]uint64
	refused uint64
	// roomAt is at how many states room is looked for; when that found none, rest is how many sections are judged before it is
	// again.
	roomAt, rest int
	// counts are the states of each run; ended has when a run with states ended, milliseconds since the epoch.
	counts map[string]int
	ended  map[string]int64
	// met has the revisions of rules that know the runs from before them.
	met map[string]uint64
	// moved are the series whose states are other than in the last snapshot, also those that are gone.
	moved map[Series]struct{}
	// saved is seen when something was written last; dirty says that a state moved since, or rules came to know the runs before them.
	saved map[uint16]uint64
	dirty bool
}

// New makes an evaluator without rules.
func New() *Evaluator {
	x, _ := ruleset.New(nil) // nothing is always well
	return &Evaluator{
		rules: x, states: make(map[Series]*memory.State), seen: make(map[uint16]uint64),
		counts: make(map[string]int), ended: make(map[string]int64), met: make(map[string]uint64), moved: make(map[Series]struct{}),
	}
}

// Refused counts the series that were not judged because there were StatesMax, once for each section.
func (e *Evaluator) Refused() uint64 { return e.refused }

// States is how many series have a state.
func (e *Evaluator) States() int { return len(e.states) }

// Set replaces the rules, which must have passed Check. The states of rules that are gone or changed go, and their
// episodes end without an event. An error leaves the rules as they are.
func (e *Evaluator) Set(rules []*alert.Rule) error {
	x, err := ruleset.New(rules)
	if err != nil {
		return err
	}
	e.rules = x
	for s := range e.states {
		if !e.current(s.RuleID, s.Revision) {
			e.drop(s)
		}
	}
	maps.DeleteFunc(e.met, func(id string, revision uint64) bool { return !e.current(id, revision) })
	return nil
}

func (e *Evaluator) current(ruleID string, revision uint64) bool {
	r := e.rules.All()[ruleID]
	return r != nil && r.Revision == revision
}

// move notes that a series has another state, or none.
func (e *Evaluator) move(s Series) {
	e.moved[s] = struct{}{}
	e.dirty = true
}

func (e *Evaluator) drop(s Series) {
	delete(e.states, s)
	e.move(s)
	if e.counts[s.RunID]--; e.counts[s.RunID] <= 0 {
		delete(e.counts, s.RunID)
		delete(e.ended, s.RunID)
	}
}

// Forget drops the states of a run that was deleted.
func (e *Evaluator) Forget(runID string) {
	if e.counts[runID] == 0 {
		return
	}
	for s := range e.states {
		if s.RunID == runID {
			e.drop(s)
		}
	}
}

// ForgetExperiment drops the states of all runs of an experiment that was deleted.
func (e *Evaluator) ForgetExperiment(experiment uint32) {
	for s, st := range e.states {
		if st.Experiment == experiment {
			e.drop(s)
		}
	}
}

// watch is a rule and its state for the section at hand, and whether that was moved.
type watch struct {
	rule  *alert.Rule
	state *memory.State
	moved bool
}

// Points takes sections in the order of their lane, all of a frame in one call, and answers what happened, in that order.
// busMS is when the bus took them, milliseconds since the epoch.
// Sections at or below the lane's last position are passed over.
func (e *Evaluator) Points(sections []*feed.Section, busMS int64) []Event {
	var events []Event
	for _, batch := range frames(sections) {
		first := batch[0]
		if first.Seq <= e.seen[first.Lane] {
			continue
		}
		for i, s := range batch {
			events = e.alive(events, s, life{Position{Lane: s.Lane, Seq: s.Seq}, busMS})
			events = e.section(events, s, uint32(i)<<indexBits)
		}
		e.seen[first.Lane] = first.Seq
	}
	return events
}

// ReadLane says that all frames of a lane up to a sequence were taken, or have no points.
func (e *Evaluator) ReadLane(lane uint16, seq uint64) { e.seen[lane] = max(e.seen[lane], seq) }

// Jump sets the position of a lane, also back: frames up to it will not be asked for.
func (e *Evaluator) Jump(lane uint16, seq uint64) { e.seen[lane] = seq }

// indexBits of a position's index count the points of a section, those above the sections of a frame.
const indexBits = 20

// frames cuts sections where the frame changes.
func frames(sections []*feed.Section) [][]*feed.Section {
	var out [][]*feed.Section
	for from, i := 0, 1; i <= len(sections); i++ {
		if i == len(sections) || sections[i].Seq != sections[from].Seq || sections[i].Lane != sections[from].Lane {
			out = append(out, sections[from:i])
			from = i
		}
	}
	return out
}

// makeRoom drops the states that remember nothing when there are nearly as many as there may be: a series that is well is the
// same with and without one.
func (e *Evaluator) makeRoom() {
	if e.rest--; len(e.states) < max(e.roomAt, StatesMax*9/10) || e.rest > 0 {
		return
	}
	for s, st := range e.states {
		if st.Blank() {
			e.drop(s)
		}
	}
	e.roomAt = (len(e.states) + StatesMax) / 2
	if len(e.states) == StatesMax {
		e.rest = restSections
	}
}

// restSections pass between two looks at all states that are of use, each.
const restSections = 10_000

func (e *Evaluator) section(events []Event, s *feed.Section, base uint32) []Event {
	byRun, byExperiment := e.rules.Of(s.RunID, s.Experiment)
	if byRun == nil && byExperiment == nil {
		return events
	}
	e.makeRoom()
	watched := make([][]watch, len(s.Points.Keys))
	some := false
	for k, key := range s.Points.Keys {
		add := func(r *alert.Rule) {
			series := Series{RuleID: r.ID, Revision: r.Revision, RunID: s.RunID, Rank: s.Rank, Metric: key}
			if st := e.state(series, s.Experiment); st != nil {
				watched[k] = append(watched[k], watch{rule: r, state: st})
				some = true
			}
		}
		byRun.OfMetric(key, s.Rank, add)
		byExperiment.OfMetric(key, s.Rank, add)
	}
	if !some {
		return events
	}
	for i, k := range s.Points.Key {
		for n := range watched[k] {
			w := &watched[k][n]
			at := Position{Lane: s.Lane, Seq: s.Seq, Index: base + uint32(i)}
			c, moved := w.state.Step(w.rule, s.Points.Value[i], at, s.Attempt)
			if w.moved = w.moved || moved; c != memory.None {
				events = append(events, Event{
					Series:     Series{RuleID: w.rule.ID, Revision: w.rule.Revision, RunID: s.RunID, Rank: s.Rank, Metric: s.Points.Keys[k]},
					Experiment: s.Experiment, Start: w.state.Start, At: at, Attempt: w.state.Attempt, Resolved: c == memory.Resolved,
					Value: s.Points.Value[i], Step: s.Points.Step[i], TimeMS: s.Points.TimeMS[i],
				})
			}
		}
	}
	for k, all := range watched {
		for _, w := range all {
			if w.moved {
				e.move(Series{RuleID: w.rule.ID, Revision: w.rule.Revision, RunID: s.RunID, Rank: s.Rank, Metric: s.Points.Keys[k]})
			}
		}
	}
	return events
}

// state finds or makes the state of a series, nil if there are too many.
func (e *Evaluator) state(series Series, experiment uint32) *memory.State {
	if st := e.states[series]; st != nil {
		return st
	}
	if len(e.states) >= StatesMax {
		e.refused++
		return nil
	}
	st := &memory.State{Experiment: experiment}
	e.states[series] = st
	e.move(series)
	e.counts[series.RunID]++
	return st
}

// Document is an event as it is stored.
func (e *Evaluator) Document(event *Event, foundMS int64) *sgpb.AlertEvent {
	return event.Document(e.rules.All()[event.RuleID], foundMS)
}

// order sorts events that were found in a map.
func order(events []Event) {
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.RunID, b.RunID))
	})
}
