package chart

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// world is a log of sections on two lanes, of which tables have some. Before each read more is inserted, and more
// comes.
type world struct {
	rand    *rand.Rand
	docs    map[string]*sgpb.Run
	lanes   [2][]*feed.Section
	applied [2]int
	// coming may still be logged.
	coming []*feed.Section
	memory bool
	// extents and rollups count reads.
	extents, rollups int
}

func (w *world) pass() {
	for range w.rand.IntN(3) {
		if len(w.coming) > 0 {
			w.log(w.coming[0])
			w.coming = w.coming[1:]
		}
	}
	for l := range w.lanes {
		w.applied[l] += w.rand.IntN(len(w.lanes[l]) - w.applied[l] + 1)
	}
}

func (w *world) log(s *feed.Section) {
	s.Seq = uint64(len(w.lanes[s.Lane]) + 1)
	w.lanes[s.Lane] = append(w.lanes[s.Lane], s)
}

func (w *world) RunDocuments(_ context.Context, ids []string) (map[string]*sgpb.Run, error) {
	w.pass()
	out := make(map[string]*sgpb.Run)
	for _, id := range ids {
		if w.docs[id] != nil {
			out[id] = w.docs[id]
		}
	}
	return out, nil
}

func (w *world) LatestInMemory(id, key string) (l track.Latest, ok bool) {
	if !w.memory {
		return l, false
	}
	for _, lane := range w.lanes {
		for _, s := range lane {
			if s.RunID == id && s.Points.Keys[0] == key && (!ok || s.Rank < l.Rank) {
				l.Rank, l.Step, ok = s.Rank, w.step(), true
			}
		}
	}
	return l, ok
}

func (w *world) ExperimentName(id string) string { return "name of " + id }

func (w *world) Await(context.Context) error            { return nil }
func (w *world) Runs(context.Context) ([]string, error) { return nil, nil }
func (w *world) Flush(context.Context) error            { return nil }
func (w *world) Run(_ context.Context, run track.RunNumber) (feed.Snapshot, error) {
	w.pass()
	s := feed.Snapshot{Watermarks: map[uint16]uint64{}, Seen: map[uint16]uint64{}}
	for l, all := range w.lanes {
		s.Watermarks[uint16(l)] = uint64(w.applied[l])
		s.Seen[uint16(l)] = uint64(len(all))
		for _, sec := range all[w.applied[l]:] {
			if sec.Run == run {
				s.Sections = append(s.Sections, sec)
			}
		}
	}
	return s, nil
}

// rows are the stored points of a read, each as a bucket.
func (w *world) rows(read clickhouse.SeriesRead, pinned bool) (out []clickhouse.SeriesBucket) {
	for l, all := range w.lanes {
		for _, s := range all[:w.applied[l]] {
			if pinned && s.Seq > read.Watermarks[s.Lane] || s.Rank < read.RankFrom || s.Rank > read.RankTo {
				continue
			}
			p := clickhouse.SeriesPair{Run: s.Run, Key: s.Points.Keys[0]}
			if !slices.Contains(read.Pairs, p) {
				continue
			}
			id := clickhouse.SeriesID{SeriesPair: p, Attempt: s.Attempt}
			if read.Each {
				id.Rank = s.Rank
			}
			for i := range s.Points.Step {
				out = append(out, clickhouse.SeriesBucket{SeriesID: id, Bucket: series.One(s.Points.Step[i], s.Points.TimeMS[i], s.Points.Value[i])})
			}
		}
	}
	return out
}

func (w *world) marks() map[uint16]uint64 {
	return map[uint16]uint64{0: uint64(w.applied[0]), 1: uint64(w.applied[1])}
}

func (w *world) group(rows []clickhouse.SeriesBucket, slot func(clickhouse.SeriesBucket) int64) (out []clickhouse.SeriesBucket) {
	type place struct {
		clickhouse.SeriesID
		slot int64
	}
	by := make(map[place]series.Bucket)
	for _, r := range rows {
		p := place{r.SeriesID, slot(r)}
		by[p] = by[p].Join(r.Bucket)
	}
	for p, b := range by {
		out = append(out, clickhouse.SeriesBucket{SeriesID: p.SeriesID, Bucket: b})
	}
	return out
}

// coarse is how many steps a row of this world's rollup has, as a shift: fewer than 256, so that small lines show all.
const coarse = 8

func inside(x, from, to int64) bool { return x>>coarse >= from>>coarse && x>>coarse <= to>>coarse }

func (w *world) SeriesExtents(_ context.Context, read clickhouse.SeriesRead) (out []clickhouse.SeriesExtent, _ map[uint16]uint64, _ error) {
	w.pass()
	w.extents++
	type place struct {
		clickhouse.SeriesID
		inside bool
	}
	by := make(map[place]series.Bucket)
	for _, b := range w.group(w.rows(read, false), func(b clickhouse.SeriesBucket) int64 { return b.StepFirst >> coarse }) {
		in := inside(b.StepFirst, read.From, read.To)
		if read.ByTime {
			start := read.StartsMS[b.Run]
			in = b.TimeLast-start >= read.TimeFrom && b.TimeFirst-start <= read.TimeTo
		}
		by[place{b.SeriesID, in}] = by[place{b.SeriesID, in}].Join(b.Bucket)
	}
	for p, b := range by {
		out = append(out, clickhouse.SeriesExtent{SeriesID: p.SeriesID, Inside: p.inside, Points: b.Points(), StepFirst: b.StepFirst, StepLast: b.StepLast, TimeFirst: b.TimeFirst, TimeLast: b.TimeLast})
	}
	return out, w.marks(), nil
}

func (w *world) ReadSeriesRollup(_ context.Context, read clickhouse.SeriesRead) (out clickhouse.SeriesRollup, _ error) {
	w.pass()
	w.rollups++
	rows := w.rows(read, false)
	from, to := read.From, read.To
	if read.ByTime {
		from, to = read.TimeFrom, read.TimeTo
	}
	if from != math.MinInt64 || to != math.MaxInt64 {
		for _, r := range rows {
			out.Begins = append(out.Begins, clickhouse.SeriesBegin{SeriesID: r.SeriesID, Step: r.StepFirst})
		}
	}
	if !read.ByTime { // it leaves out groups of points, by time buckets as a whole
		rows = slices.DeleteFunc(rows, func(b clickhouse.SeriesBucket) bool { return !inside(b.StepFirst, from, to) })
	}
	out.Buckets = w.group(rows, func(b clickhouse.SeriesBucket) int64 { return b.StepFirst >> max(read.Shift, coarse) })
	if read.ByTime {
		out.Buckets = slices.DeleteFunc(out.Buckets, func(b clickhouse.SeriesBucket) bool {
			start := read.StartsMS[b.Run]
			return b.TimeLast-start < from || b.TimeFirst-start > to
		})
	}
	out.Marks = w.marks()
	return out, nil
}

func (w *world) SeriesGrouped(_ context.Context, read clickhouse.SeriesRead) ([]clickhouse.SeriesBucket, error) {
	w.pass()
	rows := slices.DeleteFunc(w.rows(read, true), func(b clickhouse.SeriesBucket) bool {
		x := b.TimeFirst - read.StartsMS[b.Run]
		return b.StepFirst < read.From || b.StepFirst > read.To || read.ByTime && (x < read.TimeFrom || x > read.TimeTo)
	})
	return w.group(rows, func(b clickhouse.SeriesBucket) int64 {
		if read.ByTime {
			return (b.TimeFirst - read.StartsMS[b.Run]) >> read.Shift
		}
		return b.StepFirst >> read.Shift
	}), nil
}

func (w *world) SeriesPoints(_ context.Context, read clickhouse.SeriesRead) ([]clickhouse.SeriesBucket, error) {
	w.pass()
	return slices.DeleteFunc(w.rows(read, true), func(b clickhouse.SeriesBucket) bool { return b.StepFirst < read.From || b.StepFirst > read.To }), nil
}

// step is any: it is only a guess of how much there is.
func (w *world) step() int64 { return w.rand.Int64N(1 << w.rand.IntN(16)) }

func (w *world) SeriesLatest(_ context.Context, _ []uint32, runs []track.RunNumber, keys []string) (map[clickhouse.SeriesPair]track.Latest, error) {
	w.pass()
	out := make(map[clickhouse.SeriesPair]track.Latest)
	for l, all := range w.lanes {
		for _, s := range all[:w.applied[l]] {
			p := clickhouse.SeriesPair{Run: s.Run, Key: s.Points.Keys[0]}
			if old, ok := out[p]; (!ok || s.Rank < old.Rank) && slices.Contains(runs, s.Run) && slices.Contains(keys, p.Key) {
				out[p] = track.Latest{Rank: s.Rank, Step: w.step()}
			}
		}
	}
	return out, nil
}

func runID(n int) string { return fmt.Sprintf("%016x%016x", n+1, n) }

// newWorld has some runs that may be forks of each other, with points of up to three ranks and attempts.
func newWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &world{rand: r, docs: make(map[string]*sgpb.Run), memory: r.IntN(2) == 0}
	steps := []int64{30, 2_000, 9_000}[r.IntN(3)]
	for n := range 3 {
		doc := &sgpb.Run{Id: runID(n), ExperimentId: "1", StartMs: int64(n) * 100, Tags: map[string]string{}}
		if r.IntN(2) == 0 {
			doc.Tags["streamgauge.fork.parent"], doc.Tags["streamgauge.fork.step"] = runID(r.IntN(3)), strconv.Itoa(r.IntN(int(steps)))
		}
		w.docs[doc.Id] = doc
	}
	for range 5 + r.IntN(60) {
		n := r.IntN(3)
		s := &feed.Section{Lane: uint16(r.IntN(2)), RunID: runID(n), Run: uint64(n + 1), Rank: uint32(r.IntN(3)), Attempt: uint32(r.IntN(3)), Points: track.Points{Keys: []string{string(rune('a' + r.IntN(2)))}}}
		step := r.Int64N(steps)
		for range 1 + r.IntN(12) {
			s.Points.Key = append(s.Points.Key, 0)
			s.Points.Step = append(s.Points.Step, step)
			s.Points.TimeMS = append(s.Points.TimeMS, step*int64(1+r.IntN(2))+r.Int64N(3))
			s.Points.Value = append(s.Points.Value, []float64{math.NaN(), math.Inf(1), math.Inf(-1), r.NormFloat64()}[min(r.IntN(30), 3)])
			step += r.Int64N(1 + steps/8)
		}
		w.coming = append(w.coming, s)
	}
	for range len(w.coming) / 2 {
		w.log(w.coming[0])
		w.coming = w.coming[1:]
	}
	return w
}

func randomRequest(r *rand.Rand) request {
	v := request{
		runs: []string{runID(0), runID(1), runID(2)}[:1+r.IntN(3)], keys: []string{"a", "b", "none"}, from: math.MinInt64, to: math.MaxInt64,
		axis: []series.Axis{series.AxisStep, series.AxisTime, series.AxisRelative}[r.IntN(3)], buckets: 2 + r.IntN(30), raw: r.IntN(6) == 0, apart: r.IntN(4) == 0,
		ranks: []Ranks{{mode: rankLowest}, {mode: rankOne, one: 1}, {mode: rankEach}, {mode: rankMerged}}[r.IntN(4)],
	}
	if r.IntN(2) == 0 {
		v.from = r.Int64N(3_000)
		v.to = v.from + r.Int64N(6_000)
	}
	return v
}

// TestSeriesAreExactWhateverHappensMeanwhile holds each line against the rule, over all points up to the position that
// the line says it has. Between every two steps of a read there are inserts and new points.
func TestSeriesAreExactWhateverHappensMeanwhile(t *testing.T) {
	t.Parallel()
	drawn, forks, grouped, once, again := 0, 0, 0, 0, 0
	for seed := range uint64(2000) {
		w := newWorld(seed)
		v := randomRequest(w.rand)
		reader := New(w, w, w)
		reader.groupedMax = []uint64{0, 40, 1000}[w.rand.IntN(3)]
		before := w.marks()
		for l := range w.lanes {
			before[uint16(l)] = uint64(len(w.lanes[l]))
		}
		lines, err := reader.read(t.Context(), v)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		switch {
		case w.extents == 0 && w.rollups == 1:
			once++
		case w.extents == 0 && w.rollups > 1:
			again++
		}
		for i := range lines {
			l := &lines[i]
			for lane, seq := range before {
				if l.asOf[lane] < seq {
					t.Fatalf("seed %d: the line has lane %d up to %d, and %d was acknowledged before", seed, lane, l.asOf[lane], seq)
				}
			}
			w.check(t, fmt.Sprintf("seed %d, %s %s rank %d", seed, l.target.id, l.key, l.rank), v, l)
			drawn++
			if len(l.parts) > 1 && l.parts[0].Generation > 0 {
				forks++
			}
			if !l.raw {
				grouped++
			}
		}
	}
	if drawn < 1000 || forks < 50 || grouped < 50 || once < 50 || again < 50 {
		t.Errorf("%d lines, %d of forks, %d grouped; %d rollups read once, %d again: the worlds show too little", drawn, forks, grouped, once, again)
	}
}

// check compares a line with the points that it must show.
func (w *world) check(t *testing.T, what string, v request, l *answerLine) {
	t.Helper()
	var whole series.Line
	for g, of := range l.target.generations {
		for _, lane := range w.lanes {
			for _, s := range lane {
				if s.RunID != of.id || s.Points.Keys[0] != l.key || s.Seq > l.asOf[s.Lane] || !l.merged && s.Rank != l.rank || v.apart && s.Attempt != l.parts[0].Attempt {
					continue
				}
				for i := range s.Points.Step {
					whole.Add(series.Launch{Generation: g, Attempt: s.Attempt}, series.One(s.Points.Step[i], s.Points.TimeMS[i], s.Points.Value[i]))
				}
			}
		}
	}
	parts := series.Cut(whole.Firsts, l.target.upTo)
	want, _ := whole.Trim(parts, series.Window{Axis: v.axis, From: v.from, To: v.to, StartMS: l.target.startMS})
	if l.grid.Raw {
		want = l.grid.Draw(want, 0)
	}
	if a, b := all(l.buckets), all(want); a != b {
		t.Fatalf("%s: %+v, want %+v; %+v, parts %+v of %+v, request %+v", what, a, b, l.grid, l.parts, parts, v)
	}
	if !l.grid.Raw && len(l.buckets) > v.buckets {
		t.Fatalf("%s: %d buckets, at most %d asked for", what, len(l.buckets), v.buckets)
	}
	if !l.raw && v.axis == series.AxisStep {
		exact := l.grid.Draw(want, l.target.startMS)
		if len(exact) != len(l.buckets) {
			t.Fatalf("%s: %d buckets, want %d", what, len(l.buckets), len(exact))
		}
		for i := range exact {
			if a, b := all(l.buckets[i:i+1]), all(exact[i:i+1]); a != b {
				t.Fatalf("%s: bucket %d is %+v, want %+v", what, i, a, b)
			}
		}
	}
}

// all joins buckets. First and last of equal steps may be any, sums are rounded.
func all(buckets []series.Bucket) (b series.Bucket) {
	for _, o := range buckets {
		b = b.Join(o)
	}
	b.First, b.Last, b.Sum = 0, 0, 0
	return b
}

// TestAConfinedCallerInheritsNothingFromElsewhere asks in the name of a token that may not see the parent.
func TestAConfinedCallerInheritsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	w := &world{rand: rand.New(rand.NewPCG(1, 1)), docs: map[string]*sgpb.Run{
		runID(0): {Id: runID(0), ExperimentId: "1"},
		runID(1): {Id: runID(1), ExperimentId: "2", Tags: map[string]string{"streamgauge.fork.parent": runID(0), "streamgauge.fork.step": "9"}},
	}}
	for n := range 2 {
		w.log(&feed.Section{RunID: runID(n), Run: uint64(n + 1), Points: track.Points{Keys: []string{"a"}, Key: []uint32{0}, Step: []int64{int64(n * 10)}, TimeMS: []int64{1}, Value: []float64{1}}})
	}
	v := request{runs: []string{runID(1)}, keys: []string{"a"}, from: math.MinInt64, to: math.MaxInt64, axis: series.AxisStep, buckets: 10, ranks: Ranks{mode: rankMerged}}
	for confined, want := range map[bool]int{false: 2, true: 1} {
		ctx := t.Context()
		if confined {
			ctx = track.WithCaller(ctx, &track.Caller{Name: "t", Sees: func(id, name string) bool { return id == "2" && name == "name of 2" }})
		}
		lines, err := New(w, w, w).read(ctx, v)
		if err != nil || len(lines) != 1 || len(lines[0].buckets) != want {
			t.Errorf("confined %v: %+v, %v", confined, lines, err)
		}
	}
}

func (w *world) MetricNames(_ context.Context, read clickhouse.NamesRead) (out []clickhouse.NamedValue, err error) {
	w.pass()
	where, err := series.ParseNames(read.Prefix, read.Contains, read.Like, read.Regex)
	for l, all := range w.lanes {
		for _, s := range all[:w.applied[l]] {
			if key := s.Points.Keys[0]; s.Run == read.Run && key > read.After && where.Match(key) {
				out = append(out, clickhouse.NamedValue{Key: key})
			}
		}
	}
	slices.SortFunc(out, func(a, b clickhouse.NamedValue) int { return strings.Compare(a.Key, b.Key) })
	out = slices.CompactFunc(out, func(a, b clickhouse.NamedValue) bool { return a.Key == b.Key })
	return out[:min(len(out), read.Max)], err
}

// TestNamesComeOncePageByPage pages through names while inserts and new names come.
func TestNamesComeOncePageByPage(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 9))
		w := &world{rand: r, docs: map[string]*sgpb.Run{runID(0): {Id: runID(0), ExperimentId: "1"}}}
		var want []string
		for n := range 1 + r.IntN(60) {
			key := fmt.Sprintf("k%02d", r.IntN(50))
			s := &feed.Section{Lane: uint16(n % 2), RunID: runID(0), Run: 1, Points: track.Points{Keys: []string{key}, Key: []uint32{0}, Step: []int64{1}, TimeMS: []int64{1}, Value: []float64{1}}}
			w.log(s)
			if strings.Contains(key, "1") {
				want = append(want, key)
			}
		}
		slices.Sort(want)
		want = slices.Compact(want)
		where, _ := series.ParseNames("k", "1", "", "")
		var got []string
		for v := (namesRequest{where: where, max: 1 + r.IntN(10)}); ; {
			page, more, err := New(w, w, w).names(t.Context(), runID(0), v)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				got = append(got, m.Key)
			}
			if !more {
				break
			}
			v.after = page[len(page)-1].Key
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
	}
}
