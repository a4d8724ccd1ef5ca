package filter_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	worldRuns     = 30
	worldSearches = 150
)

var (
	numberOps = []filter.Op{filter.Equal, filter.NotEqual, filter.Less, filter.LessEqual, filter.Greater, filter.GreaterEqual}
	textOps   = []filter.Op{filter.Equal, filter.NotEqual, filter.Like, filter.ILike}
)

// textClause compares a text field with a value or a pattern.
func (w *world) textClause(f filter.Field) filter.Compare {
	op := pick(w.Rand, textOps)
	if op == filter.Like || op == filter.ILike {
		return filter.Compare{Field: f, Op: op, Value: filter.Text(pick(w.Rand, somePattern))}
	}
	return filter.Compare{Field: f, Op: op, Value: filter.Text(pick(w.Rand, someTexts))}
}

func (w *world) timeClause(keys ...string) filter.Compare {
	c := filter.Compare{Field: filter.Field{Entity: filter.Attribute, Key: pick(w.Rand, keys)}, Op: pick(w.Rand, numberOps), Value: filter.Integer(pick(w.Rand, someTimes))}
	return c
}

func (w *world) clause() filter.Compare {
	attribute := func(key string) filter.Field { return filter.Field{Entity: filter.Attribute, Key: key} }
	switch w.IntN(8) {
	case 0, 1:
		return filter.Compare{Field: filter.Field{Entity: filter.Metric, Key: pick(w.Rand, someKeys)}, Op: pick(w.Rand, numberOps), Value: filter.Float(zeroNaN(pick(w.Rand, someFloats)))}
	case 2:
		f := filter.Field{Entity: pick(w.Rand, []filter.Entity{filter.Param, filter.Tag}), Key: pick(w.Rand, someKeys)}
		if w.IntN(4) == 0 {
			return filter.Compare{Field: f, Op: pick(w.Rand, []filter.Op{filter.IsNull, filter.IsNotNull})}
		}
		return w.textClause(f)
	case 3:
		return w.textClause(attribute(pick(w.Rand, []string{filter.RunName, filter.UserID, filter.ArtifactURI})))
	case 4:
		return filter.Compare{Field: attribute(filter.Status), Op: pick(w.Rand, textOps), Value: filter.Text(pick(w.Rand, append(someStates, "%ED", "r%")))}
	case 5:
		c := w.timeClause(filter.StartTime, filter.EndTime)
		if w.IntN(3) == 0 {
			c.Value = filter.Float(pick(w.Rand, []float64{4.5, 1e15, -0.5, 1.7e12, 9007199254740992.5}))
		}
		return c
	case 6:
		f := filter.Field{Entity: filter.DatasetField, Key: pick(w.Rand, []string{filter.DatasetName, filter.DatasetDigest, filter.DatasetContext})}
		if w.IntN(2) == 0 {
			return filter.Compare{Field: f, Op: pick(w.Rand, []filter.Op{filter.In, filter.NotIn}), Value: filter.List{pick(w.Rand, someTexts), pick(w.Rand, someTexts)}}
		}
		return w.textClause(f)
	}
	ids := filter.List{pick(w.Rand, w.runs).Run.Id, pick(w.Rand, w.runs).Run.Id, pick(w.Rand, someTexts)}
	return filter.Compare{Field: attribute(filter.RunID), Op: pick(w.Rand, []filter.Op{filter.In, filter.NotIn, filter.NotIn}), Value: ids}
}

// clauses prints some clauses as a client would write them. A text that ends in a backslash takes its quote
// along if another quote follows; such a clause is left out.
func clauses(count int, next func() filter.Compare, join func() string, parse func(string) (filter.Expr, error)) string {
	text := ""
	for range count {
		longer := next().String()
		if text != "" {
			longer = text + join() + longer
		}
		if _, err := parse(longer); err == nil {
			text = longer
		}
	}
	return text
}

func (w *world) runOrder(t *testing.T) filter.Order {
	fields := []filter.Field{}
	for _, k := range []string{filter.StartTime, filter.EndTime, filter.RunID, filter.RunName, filter.Status, filter.ArtifactURI, filter.UserID} {
		fields = append(fields, filter.Field{Entity: filter.Attribute, Key: k})
	}
	for _, k := range someKeys {
		fields = append(fields, filter.Field{Entity: filter.Metric, Key: k}, filter.Field{Entity: filter.Metric, Key: k}, filter.Field{Entity: filter.Param, Key: k}, filter.Field{Entity: filter.Tag, Key: k})
	}
	var texts []string
	used := map[filter.Field]bool{}
	for range w.IntN(4) {
		f := pick(w.Rand, fields)
		// MLflow's order_by goes through a shell's word splitting, which eats these quotes.
		if used[f] || strings.ContainsAny(f.Key, `"'`) {
			continue
		}
		used[f] = true
		texts = append(texts, filter.Term{Field: f, Desc: w.IntN(2) == 0}.String())
	}
	o, err := filter.ParseRunOrder(texts)
	if err != nil {
		t.Fatalf("order %q: %v", texts, err)
	}
	return o
}

// pageThrough reads all pages of a search through their tokens and checks each against the whole list.
func pageThrough[R filter.Row](t *testing.T, o filter.Order, want []R, id func(R) string, limit int, page func(filter.Key) ([]string, error)) bool {
	t.Helper()
	var after filter.Key
	for from := 0; ; from += limit {
		expected := []string{}
		for _, r := range want[min(from, len(want)):min(from+limit, len(want))] {
			expected = append(expected, id(r))
		}
		got, err := page(after)
		if err != nil {
			t.Errorf("page at %d: %v", from, err)
			return false
		}
		if !slices.Equal(got, expected) {
			t.Errorf("page at %d of %d by %s:\nSQL %q\n Go %q", from, limit, o, got, expected)
			return false
		}
		if len(expected) < limit {
			return true
		}
		cursor, err := o.ParseToken(o.Token(o.Key(want[from+limit-1])))
		if err != nil {
			t.Errorf("token at %d by %s: %v", from, o, err)
			return false
		}
		after = cursor.After
	}
}

func (w *world) view() filter.View {
	return pick(w.Rand, []filter.View{filter.ActiveOnly, filter.ActiveOnly, filter.DeletedOnly, filter.All})
}

// holds says of a run whether a filter holds.
type holds func(filter.RunRow) bool

// nested prints a random tree of comparisons as somebody might write it, with more parentheses than it needs, and says by
// the book when it holds.
func (w *world) nested(depth int) (string, holds) {
	if depth == 0 || w.IntN(4) == 0 {
		for {
			text := w.clause().String()
			// What a backslash does depends on the quotes behind it.
			if one, err := filter.ParseRuns(text); err == nil && !strings.Contains(text, `\`) {
				return text, func(r filter.RunRow) bool { return one.Match(r) }
			}
		}
	}
	join := pick(w.Rand, []string{" AND ", " and ", " OR ", "\tor\n"})
	either := strings.Contains(strings.ToLower(join), "or")
	var texts []string
	var all []holds
	for range 1 + w.IntN(3) {
		text, h := w.nested(depth - 1)
		more := 1 + w.IntN(2)
		texts = append(texts, strings.Repeat("(", more)+pick(w.Rand, []string{"", " "})+text+strings.Repeat(")", more))
		all = append(all, h)
	}
	return strings.Join(texts, join), func(r filter.RunRow) bool {
		for _, h := range all {
			if h(r) == either {
				return either
			}
		}
		return !either
	}
}

func (w *world) searchRuns(t *testing.T, e engine) bool {
	text := clauses(w.IntN(5), w.clause, func() string { return pick(w.Rand, []string{" AND ", " or "}) }, filter.ParseRuns)
	var byTheBook holds
	if w.IntN(2) == 0 {
		text, byTheBook = w.nested(3)
	}
	where, err := filter.ParseRuns(text)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return false
	}
	if byTheBook == nil {
		byTheBook = func(r filter.RunRow) bool { return where.Match(r) }
	}
	s := filter.RunSearch{View: w.view(), Where: where, Order: w.runOrder(t), Limit: 4 + w.IntN(30)}
	for _, x := range w.Perm(3)[:1+w.IntN(3)] {
		s.Experiments = append(s.Experiments, uint32(x))
		s.Stages = append(s.Stages, filter.Stage{Experiment: uint32(x), Epoch: w.stages[x].LifecycleEpoch, Deleted: w.stages[x].Lifecycle == sgpb.Lifecycle_LIFECYCLE_DELETED})
	}
	for range w.IntN(3) {
		s.Except = append(s.Except, pick(w.Rand, w.runs).Run.Id)
	}
	var want []filter.RunRow
	for _, r := range w.runs {
		x, _ := strconv.Atoi(r.Run.ExperimentId)
		deleted := document.LifecycleOf(r.Run, w.stages[x]) == sgpb.Lifecycle_LIFECYCLE_DELETED
		if slices.Contains(s.Experiments, uint32(x)) && s.View.Sees(deleted) && !slices.Contains(s.Except, r.Run.Id) && byTheBook(r) {
			want = append(want, r)
		}
	}
	for _, r := range w.runs {
		if where.Match(r) != byTheBook(r) {
			t.Errorf("%s: run %s is found: %t", text, r.Run.Id, where.Match(r))
			return false
		}
	}
	ok := pageThrough(t, s.Order, sorted(s.Order, want), func(r filter.RunRow) string { return r.Run.Id }, s.Limit, func(after filter.Key) ([]string, error) {
		s.After = after
		return e.ids(t.Context(), s.SQL("r.run_id"))
	})
	if !ok {
		t.Logf("filter %s", text)
	}
	return ok
}

func (w *world) experimentClause() filter.Compare {
	attribute := func(key string) filter.Field { return filter.Field{Entity: filter.Attribute, Key: key} }
	switch w.IntN(4) {
	case 0:
		return w.textClause(attribute(filter.Name))
	case 1:
		return w.timeClause(filter.CreationTime, filter.LastUpdateTime)
	case 2:
		return filter.Compare{Field: attribute(filter.ExperimentID), Op: pick(w.Rand, []filter.Op{filter.In, filter.NotIn}), Value: filter.List{"7", "014", "35"}}
	}
	f := filter.Field{Entity: filter.Tag, Key: pick(w.Rand, someKeys)}
	if w.IntN(3) == 0 {
		return filter.Compare{Field: f, Op: pick(w.Rand, []filter.Op{filter.IsNull, filter.IsNotNull})}
	}
	return w.textClause(f)
}

func (w *world) searchExperiments(t *testing.T, e engine) bool {
	text := clauses(w.IntN(3), w.experimentClause, func() string { return " AND " }, filter.ParseExperiments)
	where, err := filter.ParseExperiments(text)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return false
	}
	var by []string
	for range w.IntN(3) {
		by = append(by, pick(w.Rand, []string{"name", "name DESC", "experiment_id", "experiment_id DESC", "creation_time", "creation_time DESC", "last_update_time DESC", "last_update_time"}))
	}
	order, err := filter.ParseExperimentOrder(by)
	if err != nil {
		t.Fatal(err)
	}
	s := filter.ExperimentSearch{View: w.view(), Where: where, Order: order, Limit: 3 + w.IntN(12)}
	for range w.IntN(3) {
		s.Except = append(s.Except, pick(w.Rand, w.exps).Experiment.Id)
	}
	var want []filter.ExperimentRow
	for _, x := range w.exps {
		if s.View.Sees(x.Experiment.Lifecycle == sgpb.Lifecycle_LIFECYCLE_DELETED) && !slices.Contains(s.Except, x.Experiment.Id) && where.Match(x) {
			want = append(want, x)
		}
	}
	ok := pageThrough(t, order, sorted(order, want), func(r filter.ExperimentRow) string { return r.Experiment.Id }, s.Limit, func(after filter.Key) ([]string, error) {
		s.After = after
		return e.ids(t.Context(), s.SQL("r.id"))
	})
	if !ok {
		t.Logf("filter %s", text)
	}
	return ok
}

func TestGoAndClickHouseFindTheSameRowsInTheSameOrder(t *testing.T) {
	e := startEngine(t)
	for _, seed := range seeds(t) {
		w := newWorld(rand.New(rand.NewPCG(seed, 1)), worldRuns)
		w.write(t, e)
		for range worldSearches {
			if !w.searchRuns(t, e) || w.IntN(3) == 0 && !w.searchExperiments(t, e) {
				t.Fatalf("repeat with FILTER_SEED=%d", seed)
			}
		}
	}
}
