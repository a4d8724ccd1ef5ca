package hot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/sheet"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const seeds = 1500

// TestReadersMissNothing runs random worlds; whatever happens between any two steps of a load, a reader sees at
// least what was acknowledged before it began, and nothing that never was.
func TestReadersMissNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		w := newWorld(seed)
		l := &hot.Loader{Set: w.set, Source: tables{w}, Tail: w}
		if w.r.IntN(2) == 0 {
			l.Source = sheet.Before{Set: w.sheets, Source: tables{w}}
		}
		for range 60 {
			for range w.r.IntN(6) {
				w.step()
			}
			var err error
			if w.r.IntN(3) == 0 {
				err = w.readExperiment(t.Context())
			} else {
				err = w.readRun(t.Context(), l)
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	}
}

func (w *world) readRun(ctx context.Context, l *hot.Loader) error {
	if len(w.runs) == 0 {
		return nil
	}
	id := w.runs[w.r.IntN(len(w.runs))]
	docs, sections := len(w.docs), len(w.lane)
	w.awaitDocs()
	_ = w.Await(ctx)
	r, err := l.Run(ctx, id)
	if err != nil {
		return err
	}
	if r == nil {
		return fmt.Errorf("run %s is missing", id)
	}
	return w.check(r, docs, sections)
}

// readExperiment is what a search does with an experiment that is in memory.
func (w *world) readExperiment(ctx context.Context) error {
	e := uint32(w.r.IntN(experiments))
	docs, sections, known := len(w.docs), len(w.lane), len(w.runs)
	w.awaitDocs()
	_ = w.Await(ctx)
	l := &sheet.Loader{Set: w.sheets, Source: tables{w}, Tail: w}
	s, err := l.Sheet(ctx, e)
	if err != nil || s == nil {
		return err
	}
	byID := make(map[string]*hot.Run)
	for _, h := range s.Search(&sheet.Search{View: filter.All, Max: known + 1000}) {
		if byID[h.ID], err = w.fromSheet(ctx, e, h.ID); err != nil {
			return err
		}
	}
	for _, id := range w.runs[:known] {
		run, _ := w.truth(id, docs, 0)
		if run.GetExperimentId() != fmt.Sprint(e) {
			continue
		}
		if byID[id] == nil {
			return fmt.Errorf("run %s is missing in experiment %d", id, e)
		}
		if err := w.check(byID[id], docs, sections); err != nil {
			return fmt.Errorf("in experiment %d: %w", e, err)
		}
	}
	return nil
}

// fromSheet puts together what a sheet has of a run.
func (w *world) fromSheet(ctx context.Context, experiment uint32, id string) (*hot.Run, error) {
	before := sheet.Before{Set: w.sheets, Source: nothing{}}
	docs, err := before.Runs(ctx, []string{id})
	if err != nil || len(docs) != 1 {
		return nil, fmt.Errorf("run %s was found, and its document is missing: %v", id, err)
	}
	number, _ := track.ParseRunID(id)
	values, err := before.Latest(ctx, experiment, []track.RunNumber{number})
	var latest []hot.Metric
	for _, v := range values {
		latest = append(latest, hot.Metric{Key: v.Key, Latest: v.Latest})
	}
	return hot.NewRun(docs[0], latest), err
}

// check compares a run with the truth when the reader began, and now.
func (w *world) check(r *hot.Run, docs, sections int) error {
	then, least := w.truth(r.ID, docs, sections)
	_, most := w.truth(r.ID, len(w.docs), len(w.lane))
	if got := r.Document(); got != then && w.revisionOf(got) < w.revisionOf(then) {
		return fmt.Errorf("run %s: document %v is older than %v", r.ID, got, then)
	}
	got := make(map[string]track.Latest)
	for _, m := range r.Latest() {
		got[m.Key] = m.Latest
		if m.Latest.Compare(most[m.Key]) > 0 {
			return fmt.Errorf("run %s: %s is %v and was never logged", r.ID, m.Key, m.Latest)
		}
	}
	for k, want := range least {
		if l, ok := got[k]; !ok || l.Compare(want) < 0 {
			return fmt.Errorf("run %s: %s is %v (%v), acknowledged was %v", r.ID, k, l, ok, want)
		}
	}
	return nil
}

// revisionOf finds a document, which may be a copy, by the name that each has.
func (w *world) revisionOf(run *sgpb.Run) int {
	for i, d := range w.docs {
		if proto.Equal(d.Doc.GetRun(), run) {
			return i + 1
		}
	}
	return 0
}

const someRun = "00000000000000ab00000000000000cd"

func runDocument(revision uint64, run *sgpb.Run) feed.Document {
	return feed.Document{Key: document.RunKey(run.Id), Revision: revision, Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}}
}

// emptySource has nothing, and counts.
type emptySource struct{ asked int }

func (s *emptySource) Runs(context.Context, []string) ([]hot.Document, error) {
	s.asked++
	return nil, nil
}
func (s *emptySource) Latest(context.Context, uint32, []track.RunNumber) ([]hot.Value, error) {
	s.asked++
	return nil, nil
}

func newSet(opts hot.Options) (*hot.Set, *hot.Loader, *emptySource) {
	clock := time.UnixMilli(1_000)
	opts.Now = func() time.Time { return clock }
	s := hot.New(opts)
	clock = clock.Add(time.Hour)
	src := new(emptySource)
	return s, &hot.Loader{Set: s, Source: src, Tail: newWorld(0)}, src
}

func TestARunCreatedWhileObservingNeedsNoLoad(t *testing.T) {
	t.Parallel()
	s, l, src := newSet(hot.Options{})
	s.ObserveDocuments([]feed.Document{runDocument(1, &sgpb.Run{Id: someRun, ExperimentId: "0", CreatedMs: 60_000})})
	r, err := l.Run(t.Context(), someRun)
	if err != nil || r == nil || src.asked != 0 {
		t.Errorf("%v, %v after %d questions", r, err, src.asked)
	}
}

func TestARunThatIsOlderIsLoadedOnce(t *testing.T) {
	t.Parallel()
	s, l, src := newSet(hot.Options{})
	s.ObserveDocuments([]feed.Document{runDocument(1, &sgpb.Run{Id: someRun, ExperimentId: "0", CreatedMs: 900})})
	for range 3 {
		if r, err := l.Run(t.Context(), someRun); err != nil || r == nil {
			t.Fatal(r, err)
		}
	}
	if src.asked != 2 {
		t.Errorf("asked %d times, want once for the document and once for the values", src.asked)
	}
}

func TestAnUnknownRunLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s, l, _ := newSet(hot.Options{})
	for _, id := range []string{someRun, "no id"} {
		if r, err := l.Run(t.Context(), id); err != nil || r != nil {
			t.Errorf("%s: %v, %v", id, r, err)
		}
	}
	if st := s.Stats(); st.Runs != 0 || st.Bytes != 0 {
		t.Errorf("left behind: %+v", st)
	}
}

func TestRunsWithUnappliedDocumentsStay(t *testing.T) {
	t.Parallel()
	s, _, _ := newSet(hot.Options{RunsMax: 2})
	for i := range 10 {
		s.ObserveDocuments([]feed.Document{runDocument(uint64(i+1), &sgpb.Run{Id: fmt.Sprintf("%032x", uint64(1)<<40+uint64(i)), ExperimentId: "0"})})
	}
	if st := s.Stats(); st.Runs != 10 || st.Dirty != 10 {
		t.Fatalf("%+v", st)
	}
	s.DocumentsApplied(7)
	if st := s.Stats(); st.Runs != 3 || st.Dirty != 3 {
		t.Errorf("after 7 of 10 were applied: %+v", st)
	}
	s.DocumentsApplied(10)
	if st := s.Stats(); st.Runs != 2 || st.Dirty != 0 {
		t.Errorf("after all were applied: %+v", st)
	}
}

func TestTheSetIsBoundedInKeysAndBytes(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]hot.Options{"keys": {KeysMax: 50}, "bytes": {BytesMax: 20_000}} {
		s, _, _ := newSet(opts)
		for i := range 100 {
			sec := &feed.Section{RunID: fmt.Sprintf("%016x%016x", i+1, 0), Run: uint64(i + 1), Points: track.Points{}}
			for k := range 10 {
				sec.Points.Keys = append(sec.Points.Keys, strings.Repeat("k", k+1))
				sec.Points.Key = append(sec.Points.Key, uint32(k))
				sec.Points.Step = append(sec.Points.Step, 1)
				sec.Points.TimeMS = append(sec.Points.TimeMS, 1)
				sec.Points.Value = append(sec.Points.Value, 1)
			}
			s.ObserveSections([]*feed.Section{sec})
		}
		if st := s.Stats(); st.Evictions == 0 || st.Runs == 0 || (opts.KeysMax > 0 && st.Keys > opts.KeysMax) || (opts.BytesMax > 0 && st.Bytes > opts.BytesMax) {
			t.Errorf("%s: %+v", name, st)
		}
	}
}
