package alert

import (
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	nameMax   = 250
	metricMax = 250
	// ExperimentsMax of a rule.
	ExperimentsMax = 100
	channelsMax    = 10
	addressesMax   = 20
	urlMax         = 500
	// PointsMax bounds what threshold and plateau count to.
	PointsMax = 1_000_000
	// SilenceMin and SilenceMax bound no_heartbeat: jobs need not speak more often than every few seconds.
	SilenceMin = 5 * time.Second
	SilenceMax = 30 * 24 * time.Hour
)

var (
	runID  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	ops    = []string{">", "<", ">=", "<="}
	states = []string{"FINISHED", "FAILED", "KILLED", Crashed}
)

func wrong(field, format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, field+": "+format, args...)
}

// Check says what is wrong with a rule, by field, nil if nothing is. The addresses' hosts are judged by who sends.
func (r *Rule) Check() error {
	if strings.TrimSpace(r.Name) == "" || len(r.Name) > nameMax {
		return wrong("name", "must have 1 to %d bytes; give the rule a name that tells people what is the matter", nameMax)
	}
	for _, check := range []func() error{r.checkScope, r.checkRanks, r.checkSettings, r.checkMetric, r.checkChannels} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rule) checkScope() error {
	if (r.RunID == "") == (len(r.ExperimentIDs) == 0) {
		return wrong("experiment_ids", "a rule watches experiments or one run; give either experiment_ids or run_id")
	}
	if r.RunID != "" && !runID.MatchString(r.RunID) {
		return wrong("run_id", "'%.40s' is no id of a run; give its 32 hexadecimal digits", r.RunID)
	}
	if len(r.ExperimentIDs) > ExperimentsMax {
		return wrong("experiment_ids", "has %d experiments; give at most %d, and the rest to another rule", len(r.ExperimentIDs), ExperimentsMax)
	}
	for _, id := range r.ExperimentIDs {
		if _, ok := track.ParseExperimentID(id); !ok {
			return wrong("experiment_ids", "'%.40s' is no id of an experiment; give its number", id)
		}
	}
	return nil
}

func (r *Rule) checkRanks() error {
	if r.Ranks != "" && r.Ranks != EachRank && r.Ranks != RankZero {
		return wrong("ranks", "is '%.40s'; give %s, or %s for rank 0 only", r.Ranks, EachRank, RankZero)
	}
	return nil
}

// checkSettings wants the settings of the kind, and no others.
func (r *Rule) checkSettings() error {
	has := map[Kind]bool{Threshold: r.Threshold != nil, Plateau: r.Plateau != nil, NoHeartbeat: r.NoHeartbeat != nil, State: r.State != nil}
	for _, kind := range []Kind{Threshold, Plateau, NoHeartbeat, State} {
		if has[kind] && kind != r.Kind {
			return wrong(string(kind), "does not belong to a rule of kind '%.40s'; leave it out or change kind", r.Kind)
		}
		if !has[kind] && kind == r.Kind {
			return wrong(string(kind), "is missing; a rule of this kind needs its settings")
		}
	}
	switch r.Kind {
	case Threshold:
		return r.Threshold.check()
	case Plateau:
		return r.Plateau.check()
	case NoHeartbeat:
		if ms := r.NoHeartbeat.AfterMS; ms < SilenceMin.Milliseconds() || ms > SilenceMax.Milliseconds() {
			return wrong("no_heartbeat.after_ms", "is %d; give %d to %d milliseconds", ms, SilenceMin.Milliseconds(), SilenceMax.Milliseconds())
		}
	case State:
		return r.State.check()
	case NaN:
	default:
		return wrong("kind", "is '%.40s'; give threshold, nan, plateau, no_heartbeat or state", r.Kind)
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (s *ThresholdSettings) check() error {
	switch {
	case !slices.Contains(ops, s.Op):
		return wrong("threshold.op", "is '%.40s'; give one of %s", s.Op, strings.Join(ops, " "))
	case !finite(s.Value):
		return wrong("threshold.value", "must be a finite number; use kind nan for others")
	case s.ForPoints < 0 || s.ForPoints > PointsMax:
		return wrong("threshold.for_points", "is %d; give 1 to %d", s.ForPoints, PointsMax)
	}
	return nil
}

func (s *PlateauSettings) check() error {
	switch {
	case s.Points < 1 || s.Points > PointsMax:
		return wrong("plateau.points", "is %d; give 1 to %d", s.Points, PointsMax)
	case !finite(s.MinDelta) || s.MinDelta < 0:
		return wrong("plateau.min_delta", "must be a finite number of at least 0")
	case s.Direction != "min" && s.Direction != "max":
		return wrong("plateau.direction", "is '%.40s'; give min if less is better, else max", s.Direction)
	}
	return nil
}

func (s *StateSettings) check() error {
	if len(s.States) == 0 {
		return wrong("state.states", "is empty; give some of %s", strings.Join(states, ", "))
	}
	for _, state := range s.States {
		if !slices.Contains(states, state) {
			return wrong("state.states", "has '%.40s'; give some of %s", state, strings.Join(states, ", "))
		}
	}
	return nil
}

func (r *Rule) checkMetric() error {
	switch r.Kind {
	case NoHeartbeat, State:
		if r.Metric != "" {
			return wrong("metric", "a rule of kind %s looks at no metric; leave it out", r.Kind)
		}
	case Threshold, Plateau:
		if r.Metric == "" {
			return wrong("metric", "is missing; give a name, or a pattern with *")
		}
	}
	if len(r.Metric) > metricMax {
		return wrong("metric", "has %d bytes; give at most %d", len(r.Metric), metricMax)
	}
	return nil
}

func (r *Rule) checkChannels() error {
	if len(r.Channels) == 0 || len(r.Channels) > channelsMax {
		return wrong("channels", "has %d; give 1 to %d ways to tell people", len(r.Channels), channelsMax)
	}
	for _, c := range r.Channels {
		if err := c.check(); err != nil {
			return err
		}
		if err := c.whole(); r.Enabled && err != nil {
			return err
		}
	}
	return nil
}

func (c *Channel) check() error {
	switch c.Type {
	case Webhook, Slack:
		if c.URL == "" || len(c.URL) > urlMax {
			return wrong("channels.url", "must have 1 to %d bytes; give the address to post to", urlMax)
		}
		if len(c.To) > 0 {
			return wrong("channels.to", "belongs to email; leave it out of a channel of type %s", c.Type)
		}
	case Email:
		if c.URL != "" || c.Secret != "" {
			return wrong("channels.url", "url and secret belong to webhooks; leave them out of email")
		}
		if len(c.To) == 0 || len(c.To) > addressesMax {
			return wrong("channels.to", "has %d addresses; give 1 to %d", len(c.To), addressesMax)
		}
		for _, to := range c.To {
			// A bare address only: a name or a line break in it could write headers.
			if a, err := mail.ParseAddress(to); err != nil || a.Address != to {
				return wrong("channels.to", "'%.80s' is no e-mail address; give it as name@host", to)
			}
		}
		return nil
	default:
		return wrong("channels.type", "is '%.40s'; give %s, %s or %s", c.Type, Webhook, Slack, Email)
	}
	if c.Type == Slack && c.Secret != "" {
		return wrong("channels.secret", "belongs to webhook; Slack's addresses are secrets themselves")
	}
	return nil
}
