package alerts

import (
	"cmp"
	"slices"
	"time"

	"github.com/streamgauge/streamgauge/consumers/alerts/memory"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/feed"
)

const (
	running = "RUNNING"
	// CrashedAfter is how long a running run may be silent before it counts as crashed, as everywhere in the house.
	CrashedAfter = 5 * time.Minute
	// endedKept is how long the states of a run outlive it: late points belong to it still.
	endedKept = time.Hour
	// hungMax is how long before a no_heartbeat rule was made a run may have become silent and still be told of.
	hungMax = 24 * time.Hour
	// hearFor is how long such a run is listened to first.
	hearFor = 10 * time.Second
)

// stateNumber tells the states of a run apart in the id of an episode.
var stateNumber = map[string]uint32{"FINISHED": 1, "FAILED": 2, "KILLED": 3}

// Sign is what the stream of documents says of a run: its state, and when it last gave a sign of itself.
type Sign struct {
	RunID      string
	Experiment uint32
	// Revision of the document. A sign at or below the run's last one changes nothing.
	Revision uint64
	// State as MLflow writes it, RUNNING for one.
	State string
	// SeenMS is when the document was written, milliseconds since the epoch by the server's clock.
	SeenMS int64
	// EndMS is when the run ended, as the client says; 0 if it has not.
	EndMS int64
}

// Run takes a sign of a run.
func (e *Evaluator) Run(sign Sign) []Event {
	if sign.Revision <= e.seen[Documents] {
		return nil
	}
	e.seen[Documents] = sign.Revision
	var events []Event
	e.rules.OfRun(sign.RunID, sign.Experiment, func(r *alert.Rule) { events = e.sign(events, r, sign) })
	if _, over := stateNumber[sign.State]; over && e.counts[sign.RunID] > 0 {
		e.ended[sign.RunID] = sign.SeenMS
	} else {
		delete(e.ended, sign.RunID)
	}
	return events
}

// ReadDocuments says that all documents up to a revision were taken, or are no runs.
func (e *Evaluator) ReadDocuments(revision uint64) {
	e.seen[Documents] = max(e.seen[Documents], revision)
}

func (e *Evaluator) sign(events []Event, r *alert.Rule, sign Sign) []Event {
	series := Series{RuleID: r.ID, Revision: r.Revision, RunID: sign.RunID}
	st := e.state(series, sign.Experiment)
	if st == nil {
		return events
	}
	st.Known = true
	at := Position{Lane: Documents, Seq: sign.Revision}
	events = e.speaks(events, st, series, life{at, sign.SeenMS})
	holds := r.Kind == alert.State && slices.Contains(r.State.States, sign.State) && (st.Open || began(r, st, sign))
	st.Running = sign.State == running
	if holds == st.Open {
		return events
	}
	if st.Open = holds; holds {
		// Not the revision: the document may have been written over before it was read.
		st.Start, st.Attempt = Position{Lane: Documents, Seq: cmp.Or(uint64(sign.EndMS), sign.Revision)}, stateNumber[sign.State]
	}
	event := runEvent(series, st, at, sign.SeenMS)
	event.State = sign.State
	return append(events, event)
}

// began says whether a run came into its state since the rule is what it is: a tag that is set on a run of last week
// writes its document, too.
func began(r *alert.Rule, st *memory.State, sign Sign) bool {
	return st.Running || sign.EndMS >= r.UpdatedMS && sign.SeenMS-sign.EndMS < endedKept.Milliseconds()
}

// life is a sign of it: where it stands, and when it came.
type life struct {
	at Position
	ms int64
}

// alive says that a frame came from a run.
func (e *Evaluator) alive(events []Event, of *feed.Section, l life) []Event {
	e.rules.OfRun(of.RunID, of.Experiment, func(r *alert.Rule) {
		series := Series{RuleID: r.ID, Revision: r.Revision, RunID: of.RunID}
		st := e.state(series, of.Experiment)
		if st != nil {
			events = e.speaks(events, st, series, l)
		}
	})
	return events
}

// speaks notes a sign of life, which ends a silence. Of two logs the order is not sure, so that the later time counts.
func (e *Evaluator) speaks(events []Event, st *memory.State, series Series, l life) []Event {
	e.move(series)
	if st.Silent {
		st.Open, st.Silent = false, false
		event := runEvent(series, st, l.at, l.ms)
		event.State = running
		events = append(events, event)
	}
	if l.ms > st.SeenMS || l.ms == st.SeenMS && l.at.After(st.Sign) {
		st.SeenMS, st.Sign = l.ms, l.at
	}
	return events
}

// runEvent is that an episode of a run began or ended.
func runEvent(series Series, st *memory.State, at Position, timeMS int64) Event {
	return Event{
		Series: series, Experiment: st.Experiment, Start: st.Start, At: at, Attempt: st.Attempt, Resolved: !st.Open, TimeMS: timeMS,
	}
}

// silence is how long a run may be silent for a rule, 0 for ever.
func silence(r *alert.Rule) int64 {
	switch {
	case r.Kind == alert.NoHeartbeat:
		return r.NoHeartbeat.AfterMS
	case r.Kind == alert.State && slices.Contains(r.State.States, alert.Crashed):
		return CrashedAfter.Milliseconds()
	}
	return 0
}

// Strangers are the runs of sections of which must be known whether they run before their points are judged, each once: Meet
// them. A point alone does not say so, for a run that has ended may be logged to.
func (e *Evaluator) Strangers(sections []*feed.Section) []string {
	var ids []string
	for _, s := range sections {
		e.rules.OfRun(s.RunID, s.Experiment, func(r *alert.Rule) {
			st := e.states[Series{RuleID: r.ID, Revision: r.Revision, RunID: s.RunID}]
			if st == nil && len(e.states) < StatesMax || st != nil && !st.Known {
				ids = append(ids, s.RunID)
			}
		})
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Meet takes what a run's document says now, for rules that have not heard of the run. Nothing fires by it, and it is no sign
// of life: the documents' own stream brings those.
func (e *Evaluator) Meet(sign Sign, nowMS int64) {
	e.rules.OfRun(sign.RunID, sign.Experiment, func(r *alert.Rule) { e.meet(r, sign) })
	if sign.State != running && e.counts[sign.RunID] > 0 {
		e.ended[sign.RunID] = nowMS
	}
}

// meet answers the state of a run that is new to a rule, nil for others.
func (e *Evaluator) meet(r *alert.Rule, sign Sign) *memory.State {
	series := Series{RuleID: r.ID, Revision: r.Revision, RunID: sign.RunID}
	st := e.state(series, sign.Experiment)
	if st == nil || st.Known {
		return nil
	}
	e.move(series)
	st.Known, st.Running = true, sign.State == running
	return st
}

// Fresh are the rules that look for silences and do not know the runs from before them: Expect those, and then say so to
// Introduced.
func (e *Evaluator) Fresh() []*alert.Rule {
	var fresh []*alert.Rule
	for id, r := range e.rules.All() {
		if silence(r) > 0 && e.met[id] != r.Revision {
			fresh = append(fresh, r)
		}
	}
	return fresh
}

// Introduced says that all runs from before some rules are known.
func (e *Evaluator) Introduced(rules []*alert.Rule) {
	for _, r := range rules {
		e.met[r.ID], e.dirty = r.Revision, true
	}
}

// Since is the time of a last sign before which a rule takes a run for history, milliseconds since the epoch: the rule is asked
// for what goes wrong from now on, and of what hung shortly before.
func Since(r *alert.Rule) int64 {
	ms := r.UpdatedMS - silence(r)
	if r.Kind == alert.NoHeartbeat {
		ms -= hungMax.Milliseconds()
	}
	return ms
}

// Expect takes a running run whose last sign may be from before the fresh rules. A silence that is over its time already is told
// when nothing was heard for hearFor. Take a snapshot before the next Tick: the time is of this process alone.
func (e *Evaluator) Expect(sign Sign, nowMS int64) {
	e.rules.OfRun(sign.RunID, sign.Experiment, func(r *alert.Rule) {
		if silence(r) == 0 || e.met[r.ID] == r.Revision || sign.SeenMS < Since(r) {
			return
		}
		st := e.meet(r, sign)
		if st == nil { // met by a frame that had been read before, and was not judged
			st = e.states[Series{RuleID: r.ID, Revision: r.Revision, RunID: sign.RunID}]
		}
		if st != nil && st.SeenMS == 0 && sign.SeenMS > 0 {
			e.move(Series{RuleID: r.ID, Revision: r.Revision, RunID: sign.RunID})
			st.SeenMS = max(sign.SeenMS, nowMS-silence(r)+hearFor.Milliseconds())
			st.Sign = Position{Lane: Documents, Seq: uint64(sign.SeenMS)}
		}
	})
}

// Tick says what time it is and since when somebody could have heard: runs whose last sign is too old fire. A silence's
// position is that of its last sign, so that every process gives it the same id.
func (e *Evaluator) Tick(now, since time.Time) []Event {
	var events []Event
	for series, st := range e.states {
		r := e.rules.All()[series.RuleID]
		after := silence(r)
		// Who was met and has not been heard yet is not silent.
		if after == 0 || !st.Running || st.Open || st.SeenMS == 0 || now.UnixMilli()-max(st.SeenMS, since.UnixMilli()) < after {
			continue
		}
		e.move(series)
		st.Open, st.Silent, st.Start, st.Attempt = true, true, st.Sign, 0
		event := runEvent(series, st, st.Sign, now.UnixMilli())
		if event.State = running; r.Kind == alert.State {
			event.State = alert.Crashed
		}
		events = append(events, event)
	}
	order(events)
	e.forgetEnded(now)
	return events
}

// forgetEnded drops the states of runs that ended a while ago.
func (e *Evaluator) forgetEnded(now time.Time) {
	some := false
	gone := func(runID string) bool {
		ms, over := e.ended[runID]
		return over && now.UnixMilli()-ms >= endedKept.Milliseconds()
	}
	for runID := range e.ended {
		some = some || gone(runID)
	}
	if !some {
		return
	}
	for s := range e.states {
		if gone(s.RunID) {
			e.drop(s)
		}
	}
	for runID := range e.ended {
		if gone(runID) {
			delete(e.ended, runID)
		}
	}
}
