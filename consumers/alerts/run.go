package alerts

import (
	"slices"
	"time"

	"github.com/streamgauge/streamgauge/schemas/alert"
)

// Sign is what the stream of documents says of a run: its state, and when it last gave a sign of itself.
type Sign struct {
	RunID      string
	Experiment uint32
	// Revision of the document. A sign at or below the run's last one changes nothing.
	Revision uint64
	// State as MLflow writes it, RUNNING for one, or alert.Crashed.
	State string
	// SeenMS is milliseconds since the epoch by the server's clock, 0 if it is not known.
	SeenMS int64
}

// Run takes a sign of a run.
func (e *Evaluator) Run(sign Sign) []Event {
	var events []Event
	byRun, byExperiment := e.rules.runs[sign.RunID], e.rules.experiments[sign.Experiment]
	for _, scope := range []*scope{byRun, byExperiment} {
		if scope == nil {
			continue
		}
		for _, r := range scope.runs {
			events = e.sign(events, r, sign)
		}
	}
	return events
}

func (e *Evaluator) sign(events []Event, r *alert.Rule, sign Sign) []Event {
	series := Series{RuleID: r.ID, Revision: r.Revision, RunID: sign.RunID}
	st := e.state(series, sign.Experiment)
	// A document that comes twice must not open what has been closed since.
	if st == nil || sign.Revision <= st.Taken {
		return events
	}
	st.Taken = sign.Revision
	at := Position{Lane: Documents, Seq: sign.Revision}
	holds := r.Kind == alert.State && slices.Contains(r.State.States, sign.State)
	if r.Kind == alert.NoHeartbeat {
		st.SeenMS = max(st.SeenMS, sign.SeenMS)
		if sign.State != "RUNNING" {
			st.SeenMS = 0 // what has ended may be silent
		}
	}
	// A sign ends a silence, so what held before holds no more; an episode of a state goes on.
	was := st.Open
	switch {
	case holds && !was:
		st.Open, st.Start = true, at
	case !holds:
		st.Open = false
	}
	if st.Open != was {
		event := runEvent(series, st, at, sign.SeenMS)
		event.State = sign.State
		events = append(events, event)
	}
	if r.Kind == alert.NoHeartbeat {
		st.Start = at // of the silence that begins here
	}
	return events
}

// runEvent is that an episode of a run began or ended.
func runEvent(series Series, st *state, at Position, timeMS int64) Event {
	return Event{Series: series, Experiment: st.Experiment, Start: st.Start, At: at, Resolved: !st.Open, TimeMS: timeMS}
}

// Tick says what time it is: runs whose last sign is too old fire. A silence's position is that of its last sign, so that
// every process gives it the same id.
func (e *Evaluator) Tick(now time.Time) []Event {
	var events []Event
	for series, st := range e.states {
		r := e.rules.rules[series.RuleID]
		if r.Kind != alert.NoHeartbeat || st.Open || st.SeenMS == 0 || now.UnixMilli()-st.SeenMS < r.NoHeartbeat.AfterMS {
			continue
		}
		st.Open = true
		event := runEvent(series, st, st.Start, now.UnixMilli())
		event.State = "RUNNING"
		events = append(events, event)
	}
	order(events)
	return events
}
