// Package history is MLflow's history of one metric of one run: its order, what counts as one point, its
// pages and its JSON. It is pure; who reads the points brings them in any order, repeats included.
//
// MLflow orders by (timestamp, step, value), with NaN stored as 0. That leaves ties, and a page must know
// exactly where it ends, so the order goes on: NaN behind the number 0, then model, then dataset. Points
// that are equal in all of it are one point: MLflow's client repeats its requests.
package history

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Point is one value. Context is an index into the contexts of its Points, 0 for none.
type Point struct {
	TimeMS, Step int64
	Value        float64
	Context      int32
}

// Points are points of one metric. The zero value is ready.
type Points struct {
	List []Point
	// ByStep orders by step first and time second.
	ByStep bool
	// contexts[i-1] is context i.
	contexts []context
	index    map[context]int32
}

// context is a model and a dataset as ClickHouse keeps it.
type context struct{ model, dataset string }

// Add adds one point; dataset is name, newline, digest.
func (p *Points) Add(timeMS, step int64, value float64, model, dataset string) {
	p.List = append(p.List, Point{timeMS, step, value, p.context(model, dataset)})
}

func (p *Points) context(model, dataset string) int32 {
	if model == "" && dataset == "" {
		return 0
	}
	c := context{model, dataset}
	if i, ok := p.index[c]; ok {
		return i
	}
	if p.index == nil {
		p.index = make(map[context]int32)
	}
	p.contexts = append(p.contexts, c)
	p.index[c] = int32(len(p.contexts))
	return p.index[c]
}

func (p *Points) contextOf(pt Point) context {
	if pt.Context == 0 {
		return context{}
	}
	return p.contexts[pt.Context-1]
}

// AddSection adds what a section of the tail has of a key.
func (p *Points) AddSection(s *feed.Section, key string) { p.AddSectionSteps(s, key, StepMin, StepMax) }

// AddSectionSteps adds what a section of the tail has of a key between two steps, both inclusive.
func (p *Points) AddSectionSteps(s *feed.Section, key string, from, to int64) {
	k := slices.Index(s.Points.Keys, key)
	if k < 0 {
		return
	}
	for i, at := range s.Points.Key {
		if step := s.Points.Step[i]; int(at) == k && step >= from && step <= to {
			c := s.Points.ContextOf(i)
			p.Add(s.Points.TimeMS[i], step, s.Points.Value[i], c.ModelID, c.Dataset())
		}
	}
}

// LowestRank is the lowest rank of a snapshot that has points of a key.
func LowestRank(snapshot feed.Snapshot, key string) (rank uint32, ok bool) {
	for _, s := range snapshot.Sections {
		if (!ok || s.Rank < rank) && slices.Contains(s.Points.Keys, key) && has(s, key) {
			rank, ok = s.Rank, true
		}
	}
	return rank, ok
}

func has(s *feed.Section, key string) bool {
	return slices.Contains(s.Points.Key, uint32(slices.Index(s.Points.Keys, key)))
}

// Compare is the order of a history.
func (p *Points) Compare(a, b Point) int {
	if p.ByStep && a.Step != b.Step {
		return cmp.Compare(a.Step, b.Step)
	}
	if a.TimeMS != b.TimeMS {
		return cmp.Compare(a.TimeMS, b.TimeMS)
	}
	if a.Step != b.Step {
		return cmp.Compare(a.Step, b.Step)
	}
	if c := compareValues(a.Value, b.Value); c != 0 || a.Context == b.Context {
		return c
	}
	x, y := p.contextOf(a), p.contextOf(b)
	return cmp.Or(strings.Compare(x.model, y.model), strings.Compare(x.dataset, y.dataset))
}

// compareValues orders NaN as 0, behind the number 0.
func compareValues(a, b float64) int {
	x, y := number(a), number(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case math.IsNaN(a) == math.IsNaN(b):
		return 0
	case math.IsNaN(b):
		return -1
	}
	return 1
}

func number(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// Sort orders the points and leaves each distinct point once.
func (p *Points) Sort() {
	// Most often they come sorted: one series, logged in time.
	if !slices.IsSortedFunc(p.List, p.Compare) {
		slices.SortFunc(p.List, p.Compare)
	}
	p.List = slices.CompactFunc(p.List, func(a, b Point) bool { return p.Compare(a, b) == 0 })
}

// Between keeps the points of sorted ones that lie behind after and not beyond last; nil bounds nothing.
func (p *Points) Between(after, last *Key) {
	if last != nil {
		p.List = p.List[:p.behind(*last)]
	}
	if after != nil {
		p.List = p.List[min(p.behind(*after), len(p.List)):]
	}
}

// behind is the index of the first point that comes after a place.
func (p *Points) behind(k Key) int {
	at := Point{k.TimeMS, k.Step, k.Value, p.context(k.Model, k.Dataset)}
	i, _ := slices.BinarySearchFunc(p.List, at, func(a, b Point) int {
		if p.Compare(a, b) <= 0 {
			return -1
		}
		return 1
	})
	return i
}

// Append adds the points of another list behind the own.
func (p *Points) Append(o *Points) {
	if len(p.List) == 0 {
		*p = *o
		return
	}
	for _, pt := range o.List {
		c := o.contextOf(pt)
		p.Add(pt.TimeMS, pt.Step, pt.Value, c.model, c.dataset)
	}
}

// KeyOf is a point's place in the history, as a cursor keeps it.
func (p *Points) KeyOf(pt Point) Key {
	c := p.contextOf(pt)
	return Key{pt.TimeMS, pt.Step, pt.Value, c.model, c.dataset}
}

// Read says which points of a key are wanted of ClickHouse.
type Read struct {
	Run track.RunNumber
	Key string
	// Rank is the lowest rank that the tail knows of, RankUnknown if it knows none.
	Rank uint32
	// Watermarks pin the read to a snapshot of the tail.
	Watermarks map[uint16]uint64
	// HeldMax is the most points that may be held in memory, 0 for any number.
	HeldMax int
	// From and To bound the steps, both inclusive.
	From, To int64
	// ByStep wants what comes in order by step first and time second.
	ByStep bool
	// Max is the most points that are wanted, 0 for all; then they come in order, after After.
	Max   int
	After *Key
}

// ErrTooLong says that a history has more points than HeldMax.
var ErrTooLong = errors.New("the history is too long to be held in memory")

// RankUnknown is above every rank.
const RankUnknown = math.MaxUint32

// StepMin and StepMax together mean every step.
const (
	StepMin = math.MinInt64
	StepMax = math.MaxInt64
)
