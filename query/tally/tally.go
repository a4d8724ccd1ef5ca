// Package tally says of the runs of a search what a table cannot see that has loaded a part of them: how many there are,
// which, and what their metrics are by the value of a param, a tag or an attribute; and which of the running ones are silent.
// What is counted is what the search finds at that moment; a run that comes meanwhile may be in it or not.
package tally

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Bounds of one answer.
const (
	// RunsMax is how many runs are counted, or named by their ids.
	RunsMax = 100_000
	// GroupsMax groups are told, those of the most runs.
	GroupsMax = 1000
	// MetricsMax metrics are asked for at once.
	MetricsMax = 50
)

// Group is the runs that have one value.
type Group struct {
	// Value is nil for the runs that have none.
	Value *string
	Runs  int
	// Metrics are in the order that they were asked for.
	Metrics []Spread
}

// Spread is what a metric's latest values are like; NaN and infinities are not in it.
type Spread struct {
	// Runs have a finite value.
	Runs           int
	Mean, Min, Max float64
	// squares is the sum of the squared distances from the mean (Welford, 1962).
	squares float64
}

func (s *Spread) add(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	if s.Runs++; s.Runs == 1 {
		s.Mean, s.Min, s.Max = v, v, v
		return
	}
	n := float64(s.Runs)
	step := (v - s.Mean) / n
	if math.IsInf(step, 0) { // the values lie at the ends of what a number can be
		step = v/n - s.Mean/n
	}
	s.squares += (v - s.Mean) * (v - s.Mean - step)
	s.Mean += step
	s.Min, s.Max = min(s.Min, v), max(s.Max, v)
}

// Deviation is the standard deviation of the sample, NaN of less than two values.
func (s *Spread) Deviation() float64 {
	if s.Runs < 2 {
		return math.NaN()
	}
	return math.Sqrt(s.squares / float64(s.Runs-1))
}

// Groups collects runs by a field.
type Groups struct {
	// by is nil if all are one group.
	by      *filter.Field
	metrics []string
	byValue map[string]*Group
	without *Group
	runs    int
}

// NewGroups makes empty groups.
func NewGroups(by *filter.Field, metrics []string) *Groups {
	return &Groups{by: by, metrics: metrics, byValue: make(map[string]*Group)}
}

// counted is so many runs in one group.
func counted(n int) *Groups {
	g := &Groups{runs: n}
	if n > 0 {
		g.without = &Group{Runs: n}
	}
	return g
}

// Add counts a run.
func (g *Groups) Add(row filter.Row) {
	g.runs++
	group := g.of(row)
	group.Runs++
	for i, key := range g.metrics {
		if v, ok := row.Metric(key); ok {
			group.Metrics[i].add(v)
		}
	}
}

func (g *Groups) of(row filter.Row) *Group {
	if g.by != nil {
		if text, ok := row.Text(*g.by); ok {
			group := g.byValue[text]
			if group == nil {
				text = strings.Clone(text)
				group = &Group{Value: &text, Metrics: make([]Spread, len(g.metrics))}
				g.byValue[text] = group
			}
			return group
		}
	}
	if g.without == nil {
		g.without = &Group{Metrics: make([]Spread, len(g.metrics))}
	}
	return g.without
}

// List is the groups with the most runs, those first, and whether there are more.
func (g *Groups) List() (list []*Group, more bool) {
	for _, group := range g.byValue {
		list = append(list, group)
	}
	slices.SortFunc(list, func(a, b *Group) int { return cmp.Or(b.Runs-a.Runs, strings.Compare(*a.Value, *b.Value)) })
	if g.without != nil {
		list = append(list, g.without)
	}
	if len(list) > GroupsMax {
		return list[:GroupsMax], true
	}
	return list, false
}

// parseBy reads params.KEY, tags.KEY, attributes.status or attributes.user_id.
func parseBy(text string) (*filter.Field, error) {
	if text == "" {
		return nil, nil
	}
	entity, key, _ := strings.Cut(text, ".")
	switch {
	case key == "":
	case entity == "params":
		return &filter.Field{Entity: filter.Param, Key: key}, nil
	case entity == "tags":
		return &filter.Field{Entity: filter.Tag, Key: key}, nil
	case entity == "attributes" && (key == filter.Status || key == filter.UserID):
		return &filter.Field{Entity: filter.Attribute, Key: key}, nil
	}
	return nil, track.Errorf(track.InvalidParameterValue, "Invalid value '%.100s' for parameter 'by' supplied: give params.KEY, tags.KEY, attributes.status or attributes.user_id", text)
}
