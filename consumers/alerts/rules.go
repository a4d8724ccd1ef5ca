package alerts

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

// scope is the rules of one run or experiment.
type scope struct {
	// exact has the rules of a metric by its name.
	exact    map[string][]*alert.Rule
	patterns []*alert.Rule
	// runs has those that look at runs and not at points.
	runs []*alert.Rule
	// last is the rule that was added last.
	last *alert.Rule
}

// index finds the rules of a section.
type index struct {
	experiments map[uint32]*scope
	runs        map[string]*scope
	rules       map[string]*alert.Rule
}

// newIndex sorts rules that are enabled and have been checked.
func newIndex(rules []*alert.Rule) (*index, error) {
	x := &index{experiments: make(map[uint32]*scope), runs: make(map[string]*scope), rules: make(map[string]*alert.Rule)}
	patterns := 0
	for _, r := range rules {
		if !r.Enabled {
			continue
		}
		if pointwise(r) && alert.IsPattern(r.Metric) {
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

func entry[K comparable](scopes map[K]*scope, key K) *scope {
	if scopes[key] == nil {
		scopes[key] = &scope{exact: make(map[string][]*alert.Rule)}
	}
	return scopes[key]
}

func pointwise(r *alert.Rule) bool { return r.Kind != alert.NoHeartbeat && r.Kind != alert.State }

func (s *scope) add(r *alert.Rule) {
	s.last = r
	switch {
	case !pointwise(r):
		s.runs = append(s.runs, r)
	case alert.IsPattern(r.Metric):
		s.patterns = append(s.patterns, r)
	default:
		s.exact[r.Metric] = append(s.exact[r.Metric], r)
	}
}

// of calls do with every rule for a metric of a rank.
func (s *scope) of(metric string, rank uint32, do func(*alert.Rule)) {
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
