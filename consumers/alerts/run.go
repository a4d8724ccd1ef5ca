package alerts

import (
	"cmp"
	"slices"
	"time"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/feed"
)

const (
	running = "RUNNING"
	// CrashedAfter is how long a running run may be silent before it counts as crashed, as everywhere in the house.
	CrashedAfter = 5 * time.Minute
	// endedKept is how long the states of a run outlive it: late points belong to it still.
	endedKept = time.Hour
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
	st.Taken = sign.Revision
	at := Position{Lane: Documents, Seq: sign.Revision}
	events = st.speaks(events, series, life{at, sign.SeenMS})
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
func began(r *alert.Rule, st *state, sign Sign) bool {
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
		if st == nil {
			return
		}
		if st.Taken == 0 {
			st.Running = true // no document says otherwise
		}
		events = st.speaks(events, series, l)
	})
	return events
}

// speaks notes a sign of life, which ends a silence. Of two logs the order is not sure, so that the later time counts.
func (st *state) speaks(events []Event, series Series, l life) []Event {
	if st.Silent {
		st.Open, st.Silent = false, false
		event := runEvent(series, st, l.at, l.ms)
		event.State = running
		events = append(events, event)
	}
	if l.ms > st.SeenMS || l.ms == st.SeenMS && l.at.after(st.Sign) {
		st.SeenMS, st.Sign = l.ms, l.at
	}
	return events
}

func (p Position) after(q Position) bool { return p.Lane > q.Lane || p.Lane == q.Lane && p.Seq > q.Seq }

// runEvent is that an episode of a run began or ended.
func runEvent(series Series, st *state, at Position, timeMS int64) Event {
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

// Tick says what time it is and since when somebody could have heard: runs whose last sign is too old fire. A silence's
// position is that of its last sign, so that every process gives it the same id.
func (e *Evaluator) Tick(now, since time.Time) []Event {
	var events []Event
	for series, st := range e.states {
		r := e.rules.All()[series.RuleID]
		after := silence(r)
		if after == 0 || !st.Running || st.Open || now.UnixMilli()-max(st.SeenMS, since.UnixMilli()) < after {
			continue
		}
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
