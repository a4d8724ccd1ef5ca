package alert

import (
	"fmt"
	"strings"
	"time"
)

// When says in a few words what the rule waits for.
func (r *Rule) When() string {
	metric := r.Metric
	if metric == "" {
		metric = "any metric"
	}
	switch r.Kind {
	case Threshold:
		text := fmt.Sprintf("%s %s %g", metric, r.Threshold.Op, r.Threshold.Value)
		if r.Threshold.ForPoints > 1 {
			text += fmt.Sprintf(" for %d points", r.Threshold.ForPoints)
		}
		return text
	case NaN:
		return metric + " is NaN or infinite"
	case Plateau:
		return fmt.Sprintf("%s is no better for %d points", metric, r.Plateau.Points)
	case NoHeartbeat:
		return "silent for " + (time.Duration(r.NoHeartbeat.AfterMS) * time.Millisecond).String()
	case State:
		return "becomes " + strings.Join(r.State.States, " or ")
	}
	return string(r.Kind)
}

// NotTold is what became of a delivery that waited when its event was exported.
const NotTold = "it was not told yet when it was exported"

// Brief is what went wrong when people were told, without what the receiver said and where it is: the status of its answer, 0 for
// none.
func Brief(trouble string, status uint32) string {
	switch {
	case trouble == "" || trouble == NotTold:
		return trouble
	case status > 0:
		return fmt.Sprintf("the receiver answered %d", status)
	}
	return "it could not be told; who may change alerts sees why"
}
