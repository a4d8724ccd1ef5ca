package hot_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/sheet"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// world is both logs, their consumers and ClickHouse, in memory and in one goroutine. Whenever the loader asks
// for something, anything may happen first.
type world struct {
	r      *rand.Rand
	now    time.Time
	set    *hot.Set
	sheets *sheet.Set

	// docs are acknowledged revisions; those before docsSeen are observed, before docsDone in ClickHouse.
	docs               []feed.Document
	docsSeen, docsDone int
	// lane are acknowledged sections; before tailed they are in the tail, before seen observed, before written
	// their latest values stand in ClickHouse, before done their points do.
	lane                        []*feed.Section
	tailed, seen, written, done int
	runs                        []string
	// depth bounds what happens while something happens.
	busy bool
}

const experiments = 2

func newWorld(seed uint64) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 1)), now: time.UnixMilli(1_700_000_000_000)}
	w.begin()
	// Half of the worlds begin with a past that this process did not observe.
	if w.r.IntN(2) == 0 {
		for range 20 {
			w.write()
		}
		w.docsDone = w.r.IntN(len(w.docs) + 1)
		w.docsSeen = w.docsDone
		w.done = w.r.IntN(len(w.lane) + 1)
		w.tailed, w.seen, w.written = w.done, w.done, w.done
		w.now = w.now.Add(time.Minute)
		w.begin()
		w.documentsApplied()
	}
	return w
}

// begin starts the process: its sets are empty. Sheets have room for all, for one experiment or for none.
func (w *world) begin() {
	now := func() time.Time { return w.now }
	w.set = hot.New(hot.Options{RunsMax: 2 + w.r.IntN(12), Now: now})
	w.sheets = sheet.New(sheet.Options{BytesMax: []int64{1 << 20, 1 << 20, 18_000, 6_000}[w.r.IntN(4)], Now: now})
}

func (w *world) documentsApplied() {
	w.set.DocumentsApplied(uint64(w.docsDone))
	w.sheets.DocumentsApplied(uint64(w.docsDone))
}

// step lets one thing happen.
func (w *world) step() {
	w.now = w.now.Add(time.Duration(w.r.IntN(3000)) * time.Millisecond)
	switch w.r.IntN(10) {
	case 0, 1, 2:
		w.write()
	case 3:
		w.observeDocument()
	case 4:
		if w.docsDone < w.docsSeen {
			w.docsDone += 1 + w.r.IntN(w.docsSeen-w.docsDone)
			w.documentsApplied()
		}
	case 5:
		w.tailed = min(w.tailed+1, len(w.lane))
	case 6:
		w.observeSection()
	case 7:
		if w.written < w.seen {
			w.written += 1 + w.r.IntN(w.seen-w.written)
		}
	case 8:
		w.done = max(w.done, w.written)
	}
}

func (w *world) observeDocument() {
	if w.docsSeen < len(w.docs) {
		w.set.ObserveDocuments(w.docs[w.docsSeen : w.docsSeen+1])
		w.sheets.ObserveDocuments(w.docs[w.docsSeen : w.docsSeen+1])
		w.docsSeen++
	}
}

func (w *world) observeSection() {
	if w.seen < w.tailed {
		w.set.ObserveSections(w.lane[w.seen : w.seen+1])
		w.sheets.ObserveSections(w.lane[w.seen : w.seen+1])
		w.seen++
	}
}

// write acknowledges something: a run, a change of one, or points.
func (w *world) write() {
	if len(w.runs) == 0 || w.r.IntN(5) == 0 {
		id := fmt.Sprintf("%016x%016x", len(w.runs)+1, 7)
		w.runs = append(w.runs, id)
		w.document(&sgpb.Run{Id: id, ExperimentId: strconv.Itoa(w.r.IntN(experiments)), CreatedMs: w.now.UnixMilli()})
		return
	}
	id := w.runs[w.r.IntN(len(w.runs))]
	run, _ := w.truth(id, len(w.docs), 0)
	if w.r.IntN(4) == 0 {
		next := &sgpb.Run{Id: id, ExperimentId: run.ExperimentId, CreatedMs: run.CreatedMs, Name: fmt.Sprint(len(w.docs))}
		w.document(next)
		return
	}
	number, _ := track.ParseRunID(id)
	experiment, _ := track.ParseExperimentID(run.ExperimentId)
	s := &feed.Section{Seq: uint64(len(w.lane) + 1), RunID: id, Run: number, Experiment: experiment, Rank: uint32(w.r.IntN(2)), Points: track.Points{Keys: []string{"a", "b"}}}
	for range 1 + w.r.IntN(3) {
		s.Points.Key = append(s.Points.Key, uint32(w.r.IntN(2)))
		s.Points.Step = append(s.Points.Step, int64(w.r.IntN(50)))
		s.Points.TimeMS = append(s.Points.TimeMS, int64(w.r.IntN(3)))
		s.Points.Value = append(s.Points.Value, float64(w.r.IntN(5)))
	}
	w.lane = append(w.lane, s)
}

func (w *world) document(run *sgpb.Run) {
	w.docs = append(w.docs, feed.Document{Key: document.RunKey(run.Id), Revision: uint64(len(w.docs) + 1), Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}})
}

// truth is a run after the first docs documents and sections.
func (w *world) truth(id string, docs, sections int) (run *sgpb.Run, latest map[string]track.Latest) {
	for _, d := range w.docs[:docs] {
		if d.Doc.GetRun().GetId() == id {
			run = d.Doc.GetRun()
		}
	}
	latest = make(map[string]track.Latest)
	for _, s := range w.lane[:sections] {
		if s.RunID != id {
			continue
		}
		for i, k := range s.Points.Key {
			l := track.Latest{Rank: s.Rank, Step: s.Points.Step[i], TimeMS: s.Points.TimeMS[i], Value: s.Points.Value[i]}
			if old, ok := latest[s.Points.Keys[k]]; !ok || l.Compare(old) > 0 {
				latest[s.Points.Keys[k]] = l
			}
		}
	}
	return run, latest
}

// anything happens before the loader gets an answer.
func (w *world) anything() {
	if w.busy {
		return
	}
	w.busy = true
	for range w.r.IntN(4) {
		w.step()
	}
	w.busy = false
}

func (w *world) awaitDocs() {
	for w.docsSeen < len(w.docs) {
		w.observeDocument()
	}
}

// Await implements feed.Tail: sections are in the tail first, observed second.
func (w *world) Await(context.Context) error {
	w.tailed = len(w.lane)
	for w.seen < w.tailed {
		w.observeSection()
	}
	return nil
}

func (w *world) Run(ctx context.Context, run track.RunNumber) (feed.Snapshot, error) {
	w.anything()
	_ = w.Await(ctx)
	for range w.r.IntN(2) {
		w.write()
		w.tailed = len(w.lane) // in the tail, not observed yet
	}
	s := feed.Snapshot{Watermarks: map[uint16]uint64{0: uint64(w.done)}}
	for _, sec := range w.lane[w.done:w.tailed] {
		if sec.Run == run {
			s.Sections = append(s.Sections, sec)
		}
	}
	w.anything()
	return s, nil
}

func (w *world) Runs(ctx context.Context) ([]string, error) {
	w.anything()
	_ = w.Await(ctx)
	var out []string
	for _, sec := range w.lane[w.done:w.tailed] {
		out = append(out, sec.RunID)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (w *world) Flush(context.Context) error { return nil }

// tables is ClickHouse.
type tables struct{ *world }

func (t tables) read(id string) (hot.Document, bool) {
	run, _ := t.truth(id, t.docsDone, 0)
	revision := 0
	for i, d := range t.docs[:t.docsDone] {
		if d.Doc.GetRun() == run {
			revision = i + 1
		}
	}
	return hot.Document{Run: run, Revision: uint64(revision)}, run != nil
}

func (t tables) Runs(_ context.Context, ids []string) (out []hot.Document, _ error) {
	t.anything()
	for _, id := range ids {
		if d, ok := t.read(id); ok {
			out = append(out, d)
		}
	}
	t.anything()
	return out, nil
}

func (t tables) ExperimentRuns(_ context.Context, experiment uint32, visit func([]hot.Document) error) error {
	t.anything()
	for _, id := range t.world.runs {
		if d, ok := t.read(id); ok && d.Run.ExperimentId == fmt.Sprint(experiment) {
			if err := visit([]hot.Document{d}); err != nil {
				return err
			}
		}
	}
	t.anything()
	return nil
}

func (t tables) ExperimentLatest(ctx context.Context, experiment uint32, visit func([]hot.Value) error) error {
	values, err := t.Latest(ctx, experiment, nil)
	if err != nil {
		return err
	}
	return visit(values)
}

func (t tables) Latest(_ context.Context, experiment uint32, runs []track.RunNumber) (out []hot.Value, _ error) {
	t.anything()
	for _, id := range t.world.runs {
		number, _ := track.ParseRunID(id)
		if runs != nil && !slices.Contains(runs, number) {
			continue
		}
		run, latest := t.truth(id, len(t.docs), t.written)
		for k, l := range latest {
			if run.ExperimentId == fmt.Sprint(experiment) {
				out = append(out, hot.Value{Run: number, Key: k, Latest: l})
			}
		}
	}
	t.anything()
	return out, nil
}

func (t tables) ExperimentSize(context.Context, uint32) (runs int, err error) {
	t.anything()
	return 1, nil
}
