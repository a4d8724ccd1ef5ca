// Package memory is what alerts remember of a series, how a point changes it, and how it is written down.
package memory

import (
	"math"

	"github.com/streamgauge/streamgauge/consumers/alerts/episode"
	"github.com/streamgauge/streamgauge/schemas/alert"
)

// State is what is remembered of one series, the same few words whatever the rule's settings are.
type State struct {
	// Open says that an episode has fired and not ended.
	Open bool `json:"open,omitempty"`
	// Count is how many points one after another the condition has held so far.
	Count int `json:"count,omitempty"`
	// Start is where the first of them is.
	Start   episode.Position `json:"start"`
	Attempt uint32           `json:"attempt,omitempty"`
	// Best of a plateau's points, if Has.
	Best float64 `json:"best,omitempty"`
	Has  bool    `json:"has,omitempty"`
	// SeenMS is when a run last gave a sign of itself, Sign where that is, of rules that look at runs.
	SeenMS int64            `json:"seen_ms,omitempty"`
	Sign   episode.Position `json:"sign,omitzero"`
	// Running says that the run is known to run, Silent that the episode is a silence.
	Running bool `json:"running,omitempty"`
	Silent  bool `json:"silent,omitempty"`
	// Known says that somebody has said whether the run runs, of rules that look at runs.
	Known      bool   `json:"known,omitempty"`
	Experiment uint32 `json:"experiment"`
}

// Change is what a point does to an episode.
type Change int

// What a point does.
const (
	None Change = iota
	Fired
	Resolved
)

// verdict is what a point says of a condition.
type verdict int

const (
	clears verdict = iota
	holds
	// says nothing: the point is passed over.
	nothing
)

// judge says what a value means for a rule, and keeps a plateau's best.
func (s *State) judge(r *alert.Rule, v float64) verdict {
	bad := math.IsNaN(v) || math.IsInf(v, 0)
	switch r.Kind {
	case alert.NaN:
		return when(bad)
	case alert.Threshold:
		if math.IsNaN(v) {
			return nothing // it is neither above nor below
		}
		return when(compare(r.Threshold.Op, v, r.Threshold.Value))
	case alert.Plateau:
		if bad {
			return holds // no improvement, and never the best
		}
		if s.Has && !better(r.Plateau, v, s.Best) {
			return holds
		}
		s.Best, s.Has = v, true
		return clears
	}
	return nothing
}

func when(ok bool) verdict {
	if ok {
		return holds
	}
	return clears
}

func compare(op string, v, limit float64) bool {
	switch op {
	case ">":
		return v > limit
	case "<":
		return v < limit
	case ">=":
		return v >= limit
	default:
		return v <= limit
	}
}

func better(p *alert.PlateauSettings, v, best float64) bool {
	if p.Direction == "min" {
		return v < best-p.MinDelta
	}
	return v > best+p.MinDelta
}

// Needed is how many points one after another make an episode.
func Needed(r *alert.Rule) int {
	switch r.Kind {
	case alert.Threshold:
		return max(r.Threshold.ForPoints, 1)
	case alert.Plateau:
		return r.Plateau.Points
	}
	return 1
}

// Step takes one point of a series. moved says that the state is another than before.
func (s *State) Step(r *alert.Rule, v float64, at episode.Position, attempt uint32) (c Change, moved bool) {
	best, had := s.Best, s.Has
	switch s.judge(r, v) {
	case holds:
		if s.Open {
			return None, false
		}
		if s.Count++; s.Count == 1 {
			s.Start, s.Attempt = at, attempt
		}
		if s.Count < Needed(r) {
			return None, true
		}
		s.Open = true
		return Fired, true
	case clears:
		was := s.Open
		moved = was || s.Count != 0 || s.Best != best || s.Has != had
		s.Open, s.Count = false, 0
		if was {
			return Resolved, moved
		}
		return None, moved
	}
	return None, false
}

// Blank says that a state remembers nothing: without one the series would be the same. Start is of an episode that is over, if
// no point is counted.
func (s *State) Blank() bool {
	return *s == State{Experiment: s.Experiment, Start: s.Start, Attempt: s.Attempt}
}
