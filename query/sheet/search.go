package sheet

import (
	"slices"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Search is what is looked for in a sheet.
type Search struct {
	View  filter.View
	Where filter.Expr
	Order filter.Order
	// After is the key of the last row before the page, nil for the first page.
	After filter.Key
	// Max is how many rows are wanted, the first ones of the order.
	Max int
	// Experiment is the sheet's: its lifecycle may be the runs'. May be nil.
	Experiment *sgpb.Experiment
}

// Hit is a run that was found, with its place in the order.
type Hit struct {
	ID  string
	Key filter.Key
}

// Row is a run in a sheet as package filter asks for it.
type Row struct {
	filter.RunRow
	sheet *Sheet
	index int
}

// Metric reads a column.
func (r *Row) Metric(key string) (float64, bool) {
	if c := r.sheet.metrics.byKey[key]; c != nil {
		if l := c.at(r.index); l != nil {
			return l.Value, true
		}
	}
	return 0, false
}

// Text reads a column, or an attribute of the document.
func (r *Row) Text(f filter.Field) (string, bool) {
	switch f.Entity {
	case filter.Param:
		return r.sheet.text(r.sheet.params.byKey[f.Key], r.index)
	case filter.Tag:
		return r.sheet.text(r.sheet.tags.byKey[f.Key], r.index)
	}
	return r.RunRow.Text(f)
}

func (s *Sheet) text(c *column[uint32], row int) (string, bool) {
	if c == nil {
		return "", false
	}
	n := c.at(row)
	if n == nil {
		return "", false
	}
	return s.texts.list[*n], true
}

// lockedRows is how many rows are looked at in one go: whoever observes the logs waits for so many at most. Every row
// is seen as it is at one moment, all of them are not; nobody is promised that.
const lockedRows = 4096

// Search gives the first rows of the order that satisfy the search, in order.
func (s *Sheet) Search(q *Search) []Hit {
	b := best{order: q.Order, max: q.Max}
	for from, more := 0, true; more; from += lockedRows {
		more = s.searchSome(q, from, &b)
	}
	b.cut()
	return b.hits
}

// Visit calls visit for every row that satisfies the search's view and filter, in no order, until it says that this is
// enough. A row is good while it is visited.
func (s *Sheet) Visit(q *Search, visit func(filter.Row) bool) {
	going := true
	for from, more := 0, true; more && going; from += lockedRows {
		more = s.matching(q, from, func(row *Row) {
			going = going && visit(row)
		})
	}
}

// searchSome looks at some rows and says whether there are more.
func (s *Sheet) searchSome(q *Search, from int, b *best) bool {
	return s.matching(q, from, func(row *Row) {
		b.scratch = q.Order.AppendKey(b.scratch[:0], row)
		if q.After == nil || q.Order.CompareKeys(b.scratch, q.After) > 0 {
			b.add(row.Run.GetId())
		}
	})
}

// matching visits those of some rows that satisfy the search, and says whether there are more behind them.
func (s *Sheet) matching(q *Search, from int, visit func(*Row)) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	to := min(from+lockedRows, len(s.rows))
	row := &Row{sheet: s}
	for row.index = from; row.index < to; row.index++ {
		run := s.rows[row.index].run
		if run == nil {
			continue
		}
		row.Run = run
		// The filter first: columns lie together in memory, documents do not.
		if !q.Where.Match(row) || !q.View.Sees(document.LifecycleOf(run, q.Experiment) == sgpb.Lifecycle_LIFECYCLE_DELETED) {
			continue
		}
		visit(row)
	}
	return to < len(s.rows)
}

// best keeps the first max hits of an order.
type best struct {
	order   filter.Order
	max     int
	scratch filter.Key
	hits    []Hit
	// full: hits begins with the first max of those seen so far, and ones behind them need not be added.
	full bool
}

// add takes the run whose key is in scratch.
func (b *best) add(id string) {
	if b.full && b.order.CompareKeys(b.scratch, b.hits[b.max-1].Key) > 0 {
		return
	}
	b.hits = append(b.hits, Hit{id, slices.Clone(b.scratch)})
	// Sorted whenever as many again have come, a hit is sorted twice on average.
	if len(b.hits) >= 2*b.max+lockedRows {
		b.cut()
	}
}

func (b *best) cut() {
	slices.SortFunc(b.hits, func(x, y Hit) int { return b.order.CompareKeys(x.Key, y.Key) })
	if len(b.hits) >= b.max {
		clear(b.hits[b.max:])
		b.hits, b.full = b.hits[:b.max], true
	}
}

// Datasets calls visit for every dataset of every run; the same one may come often.
func (s *Sheet) Datasets(visit func(filter.Dataset)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range s.rows {
		if run := s.rows[i].run; len(run.GetInputs()) > 0 {
			for _, d := range (filter.RunRow{Run: run}).Datasets() {
				visit(d)
			}
		}
	}
}

// document puts a run's document together; false if it has none.
func (s *Sheet) document(number track.RunNumber) (run *sgpb.Run, revision uint64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, ok := s.numbers[number]
	if !ok || s.rows[i].run == nil {
		return nil, 0, false
	}
	run = shallow(s.rows[i].run)
	run.Params, run.Tags = s.textsOf(&s.params, s.rows[i].params, i), s.textsOf(&s.tags, s.rows[i].tags, i)
	return run, s.rows[i].revision, true
}

func (s *Sheet) textsOf(in *columns[uint32], own []uint32, row int) map[string]string {
	if len(own) == 0 {
		return nil
	}
	out := make(map[string]string, len(own))
	for _, number := range own {
		c := in.list[number]
		out[c.key] = s.texts.list[*c.at(row)]
	}
	return out
}
