package sheet_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/sheet"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// tables is an empty ClickHouse with an empty tail: all that is in a sheet was observed.
type tables struct{ size int }

func (tables) Await(context.Context) error            { return nil }
func (tables) Flush(context.Context) error            { return nil }
func (tables) Runs(context.Context) ([]string, error) { return nil, nil }
func (tables) Run(context.Context, track.RunNumber) (feed.Snapshot, error) {
	return feed.Snapshot{}, nil
}
func (tables) ExperimentRuns(context.Context, uint32, func([]hot.Document) error) error { return nil }
func (tables) ExperimentLatest(context.Context, uint32, func([]hot.Value) error) error  { return nil }
func (t tables) ExperimentSize(context.Context, uint32) (int, error)                    { return t.size, nil }

// nothing has no run.
type nothing struct{}

func (nothing) Runs(context.Context, []string) ([]hot.Document, error) { return nil, nil }
func (nothing) Latest(context.Context, uint32, []track.RunNumber) ([]hot.Value, error) {
	return nil, errors.New("the sheet was not asked")
}

func id(n int) string { return fmt.Sprintf("%016x%016x", n+1, 7) }

// world is a sheet and what it should hold.
type world struct {
	*rand.Rand
	set      *sheet.Set
	sheet    *sheet.Sheet
	docs     map[string]*sgpb.Run
	latest   map[string]map[string]track.Latest
	revision uint64
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 4)), set: sheet.New(sheet.Options{}), docs: make(map[string]*sgpb.Run), latest: make(map[string]map[string]track.Latest)}
	var err error
	if w.sheet, err = w.load(t, tables{}); err != nil || w.sheet == nil {
		t.Fatal(w.sheet, err)
	}
	return w
}

func (w *world) load(t testing.TB, from tables) (*sheet.Sheet, error) {
	return (&sheet.Loader{Set: w.set, Source: from, Tail: from}).Sheet(t.Context(), 1)
}

func pick[T any](w *world, from ...T) T { return from[w.IntN(len(from))] }

func (w *world) texts() map[string]string {
	out := make(map[string]string)
	for _, key := range []string{"a", "b", "c"} {
		if w.IntN(2) == 0 {
			out[key] = pick(w, "", "x", "X%", "long text", fmt.Sprint(w.IntN(1000)))
		}
	}
	return out
}

// step writes a revision of a document, removes one, or logs some points.
func (w *world) step(runs int) {
	name := id(w.IntN(runs))
	number, _ := track.ParseRunID(name)
	w.revision++
	switch w.IntN(8) {
	case 0:
		delete(w.docs, name)
		w.set.ObserveDocuments([]feed.Document{{Key: document.RunKey(name), Revision: w.revision}})
	case 1, 2, 3:
		run := &sgpb.Run{
			Id: name, ExperimentId: "1", Name: pick(w, "n", "m", ""), User: pick(w, "u", "v"), Status: sgpb.RunStatus(1 + w.IntN(3)), StartMs: int64(w.IntN(4)), EndMs: int64(w.IntN(2)),
			Lifecycle: sgpb.Lifecycle(1 + w.IntN(2)), ArtifactUri: "mlflow-artifacts:/" + name, Params: w.texts(), Tags: w.texts(), Lanes: []uint32{0}, CreatedBy: "somebody",
		}
		for range w.IntN(3) {
			run.Inputs = append(run.Inputs, &sgpb.DatasetInput{
				Dataset: &sgpb.Dataset{Name: pick(w, "x", "y"), Digest: "d", Schema: pick(w, "one", "other")},
				Tags:    map[string]string{filter.ContextTag: pick(w, "", "train")},
			})
		}
		w.docs[name] = run
		w.set.ObserveDocuments([]feed.Document{{Key: document.RunKey(name), Revision: w.revision, Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}}})
	default:
		s := &feed.Section{RunID: name, Run: number, Experiment: 1, Rank: uint32(w.IntN(2)), Points: track.Points{
			Keys: []string{pick(w, "a", "b"), "c"}, Key: []uint32{0, 1}, Step: []int64{int64(w.IntN(9)), int64(w.IntN(9))}, TimeMS: []int64{1, 2},
			Value: []float64{pick(w, 0, 0.5, math.NaN(), math.Inf(1), math.Copysign(0, -1)), w.Float64()},
		}}
		if w.latest[name] == nil {
			w.latest[name] = make(map[string]track.Latest)
		}
		for i, key := range s.Points.Keys {
			l := track.Latest{Rank: s.Rank, Step: s.Points.Step[i], TimeMS: s.Points.TimeMS[i], Value: s.Points.Value[i]}
			if old, ok := w.latest[name][key]; !ok || l.Compare(old) > 0 {
				w.latest[name][key] = l
			}
		}
		w.set.ObserveSections([]*feed.Section{s})
	}
}

func (w *world) row(run *sgpb.Run) filter.RunRow {
	return filter.RunRow{Run: run, Latest: func(key string) (float64, bool) {
		l, ok := w.latest[run.GetId()][key]
		return l.Value, ok
	}}
}

// TestSheetsAnswerAsDocumentsDo searches random sheets page by page beside the documents and values that they should
// hold, and takes every run out again.
func TestSheetsAnswerAsDocumentsDo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		w := newWorld(t, seed)
		const runs = 150 // more than two pieces of a column
		for range 600 {
			w.step(runs)
		}
		for range 10 {
			w.checkSearch(t, seed)
		}
		w.checkRuns(t, seed, runs)
	}
}

func (w *world) checkSearch(t *testing.T, seed uint64) {
	t.Helper()
	where, err := filter.ParseRuns(pick(w, "", "metrics.a > 0.2", "metrics.b != 0.5", "params.a = 'x'", "tags.b LIKE 'x%' AND params.c != ''", "params.a IS NULL",
		"tags.c IS NOT NULL", "attributes.status = 'RUNNING'", "attributes.run_name ILIKE 'N' AND metrics.c < 0.9", "dataset.name = 'x'", "dataset.context IN ('train')", "metrics.nobody > 1", "attributes.end_time > 0"))
	if err != nil {
		t.Fatal(err)
	}
	order, err := filter.ParseRunOrder(pick(w, nil, []string{"metrics.a DESC"}, []string{"metrics.b ASC", "params.a DESC"}, []string{"tags.c"}, []string{"attributes.end_time DESC", "metrics.c"}))
	if err != nil {
		t.Fatal(err)
	}
	s := sheet.Search{View: pick(w, filter.ActiveOnly, filter.DeletedOnly, filter.All), Where: where, Order: order, Max: 1 + w.IntN(60)}
	if w.IntN(3) == 0 {
		s.Experiment = &sgpb.Experiment{Id: "1", LifecycleEpoch: 1, Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED}
	}
	var rows []filter.RunRow
	for _, run := range w.docs {
		deleted := document.LifecycleOf(run, s.Experiment) == sgpb.Lifecycle_LIFECYCLE_DELETED
		if row := w.row(run); s.View.Sees(deleted) && where.Match(row) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b filter.RunRow) int { return order.Compare(a, b) })
	for from := 0; ; from += s.Max {
		var want, got []string
		for _, r := range rows[min(from, len(rows)):min(from+s.Max, len(rows))] {
			want = append(want, r.Run.GetId())
		}
		for _, h := range w.sheet.Search(&s) {
			got, s.After = append(got, h.ID), h.Key
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %q by %v from %d: %v, want %v", seed, where, order, from, got, want)
		}
		if len(want) < s.Max {
			return
		}
	}
}

func (w *world) checkRuns(t *testing.T, seed uint64, runs int) {
	t.Helper()
	before := sheet.Before{Set: w.set, Source: nothing{}}
	for n := range runs {
		docs, _ := before.Runs(t.Context(), []string{id(n)})
		want := w.docs[id(n)]
		switch {
		case len(docs) == 1 && proto.Equal(docs[0].Run, want), len(docs) == 0 && want == nil:
		default:
			t.Fatalf("seed %d: run %d is %v, want %v", seed, n, docs, want)
		}
		number, _ := track.ParseRunID(id(n))
		values, err := before.Latest(t.Context(), 1, []track.RunNumber{number})
		if err != nil || len(values) != len(w.latest[id(n)]) {
			t.Fatalf("seed %d: values of run %d are %v, %v", seed, n, values, err)
		}
		for _, v := range values {
			if v.Latest.Compare(w.latest[id(n)][v.Key]) != 0 {
				t.Fatalf("seed %d: %s of run %d is %v, want %v", seed, v.Key, n, v.Latest, w.latest[id(n)][v.Key])
			}
		}
	}
}

func TestChangesOfARunDoNotMakeItsSheetGrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	var after []int64
	for n := range 300 {
		w.revision++
		run := &sgpb.Run{Id: id(1), ExperimentId: "1", Tags: map[string]string{"progress": fmt.Sprintf("%08d", n)}, Inputs: []*sgpb.DatasetInput{{Dataset: &sgpb.Dataset{Name: "d", Schema: fmt.Sprintf("%08d", n)}}}}
		w.set.ObserveDocuments([]feed.Document{{Key: document.RunKey(run.Id), Revision: w.revision, Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}}})
		after = append(after, w.set.Stats().Bytes)
	}
	if after[299] != after[2] {
		t.Errorf("%d bytes after 300 revisions, %d after 3", after[299], after[2])
	}
}

// TestARunCostsWhatItHas: runs with names of their own make an experiment of very many columns, which a page, or a change
// of a run, must not look at one by one. It would take minutes.
func TestARunCostsWhatItHas(t *testing.T) {
	t.Parallel()
	const runs, names = 1500, 100
	w := newWorld(t, 1)
	write := func(n int, lr string) {
		w.revision++
		run := &sgpb.Run{Id: id(n), ExperimentId: "1", Params: map[string]string{"lr": lr}}
		section := &feed.Section{RunID: id(n), Experiment: 1}
		section.Run, _ = track.ParseRunID(id(n))
		for i := range names {
			key := fmt.Sprintf("own %d of %d", i, n)
			run.Params[key] = "x"
			section.Points.Keys = append(section.Points.Keys, key)
			section.Points.Key = append(section.Points.Key, uint32(i))
			section.Points.Step, section.Points.TimeMS = append(section.Points.Step, 1), append(section.Points.TimeMS, 1)
			section.Points.Value = append(section.Points.Value, float64(i))
		}
		w.set.ObserveDocuments([]feed.Document{{Key: document.RunKey(run.Id), Revision: w.revision, Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}}})
		w.set.ObserveSections([]*feed.Section{section})
	}
	var all []string
	var numbers []track.RunNumber
	for n := range runs {
		write(n, "1")
		number, _ := track.ParseRunID(id(n))
		all, numbers = append(all, id(n)), append(numbers, number)
	}
	for n := range runs {
		write(n, "2")
	}
	docs, err := sheet.Before{Set: w.set, Source: nothing{}}.Runs(t.Context(), all)
	if err != nil || len(docs) != runs || len(docs[7].Run.GetParams()) != names+1 || docs[7].Run.GetParams()["lr"] != "2" {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	latest, err := sheet.Before{Set: w.set, Source: nothing{}}.Latest(t.Context(), 1, numbers)
	if err != nil || len(latest) != runs*names {
		t.Fatalf("%d values, %v", len(latest), err)
	}
}

func TestWhatIsTooLargeIsNotKept(t *testing.T) {
	t.Parallel()
	w := &world{Rand: rand.New(rand.NewPCG(1, 1)), set: sheet.New(sheet.Options{BytesMax: 100_000})}
	if s, err := w.load(t, tables{size: 1_000_000}); s != nil || err != nil {
		t.Errorf("a million runs: %v, %v", s, err)
	}
	if st := w.set.Stats(); st.TooLarge != 1 || st.Experiments != 0 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
	w = &world{Rand: rand.New(rand.NewPCG(1, 1)), set: sheet.New(sheet.Options{BytesMax: 100_000})}
	if s, err := w.load(t, tables{}); s == nil || err != nil {
		t.Fatal(s, err)
	}
	for n := range 1000 {
		run := &sgpb.Run{Id: id(n), ExperimentId: "1", Params: map[string]string{"p": fmt.Sprint(n)}}
		w.set.ObserveDocuments([]feed.Document{{Key: document.RunKey(run.Id), Revision: uint64(n + 1), Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}}})
		if st := w.set.Stats(); st.Bytes > 100_000 {
			t.Fatalf("%+v after %d runs", st, n)
		}
	}
	if w.set.Whole(1) != nil {
		t.Error("it is still there")
	}
}

// BenchmarkSearch filters and orders runs of 20 params and 20 metrics, 100 back: in a sheet, and over the documents
// of the same runs, as runs that are newer than ClickHouse are searched.
// slow is a ClickHouse with a large experiment of one run that is read when gate is closed, and fails with err.
type slow struct {
	tables
	gate chan struct{}
	err  error
}

func (slow) ExperimentSize(context.Context, uint32) (int, error) { return 100_000, nil }
func (s slow) ExperimentRuns(ctx context.Context, _ uint32, visit func([]hot.Document) error) error {
	select {
	case <-s.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	return errors.Join(s.err, visit([]hot.Document{{Run: &sgpb.Run{Id: id(0), ExperimentId: "1"}, Revision: 1}}))
}

func TestALargeExperimentIsLoadedBesideItsSearches(t *testing.T) {
	for _, failure := range []error{nil, errors.New("no such luck")} {
		synctest.Test(t, func(t *testing.T) {
			set := sheet.New(sheet.Options{})
			from := slow{gate: make(chan struct{}), err: failure}
			l := &sheet.Loader{Set: set, Source: from, Tail: from}
			get := func() *sheet.Sheet {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel() // a search that ends does not end the load
				got, err := l.Sheet(ctx, 1)
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			for range 2 {
				if get() != nil {
					t.Fatal("a sheet that is not loaded yet")
				}
			}
			set.ObserveDocuments([]feed.Document{{Key: document.RunKey(id(1)), Revision: 2, Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: &sgpb.Run{Id: id(1), ExperimentId: "1"}}}}})
			close(from.gate)
			synctest.Wait()
			got := get()
			if failure != nil {
				if got != nil || set.Stats().Failed != 1 || set.Stats().Bytes != 0 {
					t.Fatalf("after a failure there is %v, %+v", got, set.Stats())
				}
				return
			}
			if hits := got.Search(&sheet.Search{Max: 10}); len(hits) != 2 {
				t.Fatalf("found %v, not the run that was read and the one that came meanwhile", hits)
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	where, _ := filter.ParseRuns("metrics.m1 > 0.2 and params.p1 = '3'")
	order, _ := filter.ParseRunOrder([]string{"metrics.m2 DESC"})
	for _, runs := range []int{10_000, 100_000} {
		w := newWorld(b, 1)
		var rows []filter.RunRow
		for n := range runs {
			run := &sgpb.Run{Id: id(n), ExperimentId: "1", StartMs: int64(n), Params: map[string]string{}}
			number, _ := track.ParseRunID(run.Id)
			s := &feed.Section{RunID: run.Id, Run: number, Experiment: 1}
			latest := make(map[string]float64)
			for k := range 20 {
				run.Params[fmt.Sprintf("p%d", k)] = fmt.Sprint((n*31 + k) % 7)
				key := fmt.Sprintf("m%d", k)
				latest[key] = float64((n*7919+k)%1000) / 1000
				s.Points.Keys = append(s.Points.Keys, key)
				s.Points.Key = append(s.Points.Key, uint32(k))
				s.Points.Step = append(s.Points.Step, 1)
				s.Points.TimeMS = append(s.Points.TimeMS, 1)
				s.Points.Value = append(s.Points.Value, latest[key])
			}
			w.set.ObserveDocuments([]feed.Document{{Key: document.RunKey(run.Id), Revision: uint64(n + 1), Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}}})
			w.set.ObserveSections([]*feed.Section{s})
			rows = append(rows, filter.RunRow{Run: run, Latest: func(key string) (float64, bool) { v, ok := latest[key]; return v, ok }})
		}
		b.Run(fmt.Sprintf("sheet/%d", runs), func(b *testing.B) {
			for b.Loop() {
				if n := len(w.sheet.Search(&sheet.Search{View: filter.All, Where: where, Order: order, Max: 101})); n != 101 {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(w.set.Stats().Bytes)/float64(runs), "bytes/run")
		})
		b.Run(fmt.Sprintf("documents/%d", runs), func(b *testing.B) {
			for b.Loop() {
				var keys []filter.Key
				for _, r := range rows {
					if where.Match(r) {
						keys = append(keys, order.Key(r))
					}
				}
				slices.SortFunc(keys, order.CompareKeys)
			}
		})
	}
}
