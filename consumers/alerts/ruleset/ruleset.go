// Package ruleset finds the enabled rules of a run, and of a metric of it.
package ruleset

import (
	"fmt"
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/alert"
)

const (
	// RulesMax bounds the rules, PatternsMax those of them whose metric is a pattern: each is tried on each key.
	RulesMax    = 1_000
	PatternsMax = 100
)

// Scope is the rules of one run or experiment. Of nil there are none.
type Scope struct {
	// exact has the rules of a metric by its name.
	exact    map[string][]*alert.Rule
	patterns []*alert.Rule
	// runs has those that look at runs and not at points.
	runs []*alert.Rule
	// last is the rule that was added last.
	last *alert.Rule
}

// Set is all enabled rules. It does not change.
type Set struct {
	experiments map[uint32]*Scope
	runs        map[string]*Scope
	rules       map[string]*alert.Rule
}

// New sorts rules that have been checked, and leaves out those that are not enabled.
func New(rules []*alert.Rule) (*Set, error) {
	x := &Set{experiments: make(map[uint32]*Scope), runs: make(map[string]*Scope), rules: make(map[string]*alert.Rule)}
	patterns := 0
	for _, r := range rules {
		if !r.Enabled {
			continue
		}
		if Pointwise(r) && alert.IsPattern(r.Metric) {
			patterns++
		}
		x.rules[r.ID] = r
		if r.RunID != "" {
			entry(x.runs, r.RunID).add(r)
		}
		for _, id := range r.ExperimentIDs {
			n, err := strconv.ParseUint(id, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("rule %s: experiment %q: %w", r.ID, id, err)
			}
			if s := entry(x.experiments, uint32(n)); s.last != r { // one named twice must not count each point twice
				s.add(r)
			}
		}
	}
	if len(x.rules) > RulesMax || patterns > PatternsMax {
		return nil, fmt.Errorf("%d rules, %d of them with patterns: at most %d and %d are enabled at once; disable or delete some",
			len(x.rules), patterns, RulesMax, PatternsMax)
	}
	return x, nil
}

// All are the rules by their ids. Do not change it.
func (x *Set) All() map[string]*alert.Rule { return x.rules }

// Of answers the rules of a run, and of its experiment.
func (x *Set) Of(runID string, experiment uint32) (byRun, byExperiment *Scope) {
	return x.runs[runID], x.experiments[experiment]
}

// OfRun calls do with every rule that looks at a run, and not at its points.
func (x *Set) OfRun(runID string, experiment uint32, do func(*alert.Rule)) {
	for _, s := range []*Scope{x.runs[runID], x.experiments[experiment]} {
		if s == nil {
			continue
		}
		for _, r := range s.runs {
			do(r)
		}
	}
}

func entry[K comparable](scopes map[K]*Scope, key K) *Scope {
	if scopes[key] == nil {
		scopes[key] = &Scope{exact: make(map[string][]*alert.Rule)}
	}
	return scopes[key]
}

// Pointwise says whether a rule looks at points, and not at runs.
func Pointwise(r *alert.Rule) bool { return r.Kind != alert.NoHeartbeat && r.Kind != alert.State }

func (s *Scope) add(r *alert.Rule) {
	s.last = r
	switch {
	case !Pointwise(r):
		s.runs = append(s.runs, r)
	case alert.IsPattern(r.Metric):
		s.patterns = append(s.patterns, r)
	default:
		s.exact[r.Metric] = append(s.exact[r.Metric], r)
	}
}

// OfMetric calls do with every rule for a metric of a rank.
func (s *Scope) OfMetric(metric string, rank uint32, do func(*alert.Rule)) {
	if s == nil {
		return
	}
	for _, r := range s.exact[metric] {
		if counts(r, rank) {
			do(r)
		}
	}
	for _, r := range s.patterns {
		if counts(r, rank) && alert.Match(r.Metric, metric) {
			do(r)
		}
	}
}

func counts(r *alert.Rule, rank uint32) bool { return rank == 0 || r.Ranks != alert.RankZero }
