package alerts

import (
	"math"

	"github.com/streamgauge/streamgauge/schemas/alert"
)

// state is what is remembered of one series, the same few words whatever the rule's settings are.
type state struct {
	// Open says that an episode has fired and not ended.
	Open bool `json:"open,omitempty"`
	// Count is how many points one after another the condition has held so far.
	Count int `json:"count,omitempty"`
	// Start is where the first of them is.
	Start   Position `json:"start"`
	Attempt uint32   `json:"attempt,omitempty"`
	// Best of a plateau's points, if Has.
	Best float64 `json:"best,omitempty"`
	Has  bool    `json:"has,omitempty"`
	// SeenMS is when a run last gave a sign of itself, Sign where that is, of rules that look at runs.
	SeenMS int64    `json:"seen_ms,omitempty"`
	Sign   Position `json:"sign,omitzero"`
	// Running says that the run is known to run, Silent that the episode is a silence.
	Running bool `json:"running,omitempty"`
	Silent  bool `json:"silent,omitempty"`
	// Known says that somebody has said whether the run runs, of rules that look at runs.
	Known      bool   `json:"known,omitempty"`
	Experiment uint32 `json:"experiment"`
}

// change is what a point does to an episode.
type change int

const (
	none change = iota
	fired
	resolved
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
func (s *state) judge(r *alert.Rule, v float64) verdict {
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

// needed is how many points one after another make an episode.
func needed(r *alert.Rule) int {
	switch r.Kind {
	case alert.Threshold:
		return max(r.Threshold.ForPoints, 1)
	case alert.Plateau:
		return r.Plateau.Points
	}
	return 1
}

// step takes one point of a series.
func (s *state) step(r *alert.Rule, v float64, at Position, attempt uint32) change {
	switch s.judge(r, v) {
	case holds:
		if s.Open {
			return none
		}
		if s.Count++; s.Count == 1 {
			s.Start, s.Attempt = at, attempt
		}
		if s.Count < needed(r) {
			return none
		}
		s.Open = true
		return fired
	case clears:
		was := s.Open
		s.Open, s.Count = false, 0
		if was {
			return resolved
		}
	}
	return none
}
