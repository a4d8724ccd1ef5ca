package commit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// seedsDefault runs in seconds; REGISTRY_SEEDS asks for more, REGISTRY_SEED for one.
const (
	seedsDefault = 2000
	stepsPerSeed = 25
)

var errLost = errors.New("the answer of the journal was lost")

// fault makes the next Append fail, before or after it is done; of several at once any one.
type fault struct {
	journal.Journal
	mu            sync.Mutex
	before, after bool
	// stored is set when the failing Append was done all the same.
	stored bool
}

func (f *fault) Append(ctx context.Context, ws []journal.Write) ([]uint64, error) {
	f.mu.Lock()
	before, after := f.before, f.after
	f.before, f.after = false, false
	f.mu.Unlock()
	if before {
		return nil, errLost
	}
	revisions, err := f.Journal.Append(ctx, ws)
	if after && err == nil {
		f.stored = true
		return nil, errLost
	}
	return revisions, err
}

// operation is one random command: on a run, on a registered model, or another.
type operation struct {
	run     track.Command
	rule    decide.Rule
	command decide.Command
}

func (op operation) asCommand() decide.Command {
	if op.run != nil {
		return decide.ForRun(op.run)
	}
	if op.rule != nil {
		return decide.By(op.rule)
	}
	return op.command
}

// world is two registries on one journal, and the truth.
type world struct {
	t       *testing.T
	rnd     *rand.Rand
	journal *mem.Journal
	fault   *fault
	members [2]*Committer
	truth   *truth
	created int
	ids     int
}

func (w *world) open(i int) {
	count := 1000
	if w.rnd.IntN(4) == 0 {
		count = 3 // nearly everything goes out of the cache between queueing and deciding
	}
	w.members[i] = &Committer{journal: w.fault, cache: NewCache(count, 1<<20), options: Options{
		Now: func() time.Time { return time.UnixMilli(1_700_000_000_000) }, NewID: w.id, Lanes: 4, ArtifactRoot: "mlflow-artifacts:/",
	}}
}

// id draws an id, one of eight being taken already.
func (w *world) id() string {
	if w.ids == 0 || w.rnd.IntN(8) > 0 {
		w.ids++
	}
	return fmt.Sprintf("%016x%016x", w.ids, w.ids)
}

func TestModel(t *testing.T) {
	first, seeds := uint64(1), uint64(seedsDefault)
	if s, err := strconv.ParseUint(os.Getenv("REGISTRY_SEEDS"), 10, 64); err == nil {
		seeds = s
	}
	if s, err := strconv.ParseUint(os.Getenv("REGISTRY_SEED"), 10, 64); err == nil {
		first, seeds = s, 1
	}
	for seed := first; seed < first+seeds; seed++ {
		w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 0)), journal: new(mem.Journal), truth: newTruth()}
		w.fault = &fault{Journal: w.journal}
		w.play()
		if t.Failed() {
			t.Fatalf("seed %d: run again with REGISTRY_SEED=%d", seed, seed)
		}
	}
}

func (w *world) play() {
	w.open(0)
	w.open(1)
	for range 2 { // the second finds it there
		w.batch(0, []operation{{command: decide.CreateDefault{}}})
	}
	for range stepsPerSeed {
		if w.rnd.IntN(12) == 0 {
			w.open(w.rnd.IntN(2)) // killed and started anew
		}
		ops := make([]operation, 1+w.rnd.IntN(5))
		for i := range ops {
			ops[i] = w.operation()
		}
		switch w.rnd.IntN(8) {
		case 0:
			w.fault.before = true
		case 1:
			w.fault.after = true
		}
		w.batch(w.rnd.IntN(2), ops)
		if w.t.Failed() {
			return
		}
	}
	w.check()
}

// batch queues commands at one member, lets the other one commit something in between sometimes, and tells the
// truth in the order in which they were answered.
func (w *world) batch(member int, ops []operation) {
	m := w.members[member]
	answers := make(chan *request, len(ops))
	byRequest := make(map[*request]operation)
	var batch []*request
	for _, op := range ops {
		q := newRequest(op.asCommand())
		q.answered = answers
		if err := m.prepare(context.Background(), q); err != nil {
			w.t.Fatal(err)
		}
		byRequest[q] = op
		batch = append(batch, q)
	}
	if _, first := ops[0].command.(decide.CreateDefault); !first && w.rnd.IntN(3) == 0 {
		w.batch(1-member, []operation{w.operation()})
	}
	for len(batch) > 0 {
		batch = m.step(context.Background(), batch)
	}
	if len(answers) != len(ops) {
		w.t.Errorf("%d of %d commands answered", len(answers), len(ops))
		return
	}
	stored := w.fault.stored
	w.fault.stored, w.fault.before, w.fault.after = false, false, false
	for range ops {
		q := <-answers
		w.tell(byRequest[q], q, stored)
	}
}

func (w *world) tell(op operation, q *request, stored bool) {
	if errors.Is(q.err, errLost) {
		if stored {
			w.truth.do(op, w.idOf(op, q))
		}
		return
	}
	want := w.truth.do(op, w.idOf(op, q))
	got := ok
	if q.err != nil {
		got = track.CodeOf(q.err)
	}
	if got != want {
		w.t.Errorf("%+v: answered %q (%v), want %q", op, got, q.err, want)
	}
}

// idOf finds the id of a run that was created, by its user, which is different for each.
func (w *world) idOf(op operation, q *request) string {
	c, is := op.run.(track.CreateRun)
	if !is {
		return ""
	}
	if c.ID != "" {
		return c.ID
	}
	if r := q.doc.GetRun(); r != nil {
		return r.GetId()
	}
	for _, doc := range w.documents() {
		if doc.GetRun().GetUser() == c.User && doc.GetRun() != nil {
			return doc.GetRun().GetId()
		}
	}
	return ""
}

func (w *world) documents() map[string]*sgpb.Document {
	out := make(map[string]*sgpb.Document)
	for _, key := range w.journal.Keys() {
		e, err := read(context.Background(), w.journal, key)
		if err != nil {
			w.t.Fatal(err)
		}
		out[key] = e.Doc
	}
	return out
}

func (w *world) pick(words ...string) string { return words[w.rnd.IntN(len(words))] }

func (w *world) anyRun() string {
	ids := slices.Sorted(maps.Keys(w.truth.runs))
	if len(ids) == 0 || w.rnd.IntN(20) == 0 {
		return w.pick("ffffffffffffffff0000000000000000", "nope", "a.b >*")
	}
	return ids[w.rnd.IntN(len(ids))]
}

func (w *world) operation() operation {
	w.created++
	if w.rnd.IntN(3) == 0 {
		return operation{rule: w.rule()}
	}
	label := fmt.Sprintf("u%d", w.created)
	experiment := strconv.Itoa(w.rnd.IntN(len(w.truth.experiments) + 1))
	name := w.pick("a", "b", "c", "Default")
	run := w.anyRun()
	switch w.rnd.IntN(14) {
	case 0:
		return operation{command: decide.CreateExperiment{Name: name}}
	case 1:
		return operation{command: decide.RenameExperiment{ID: experiment, Name: name}}
	case 2:
		return operation{command: decide.DeleteExperiment{ID: experiment}}
	case 3:
		return operation{command: decide.RestoreExperiment{ID: experiment}}
	case 4:
		return operation{command: decide.SetExperimentTag{ID: experiment, Key: w.pick("k", "l"), Value: w.pick("1", "2")}}
	case 5, 6:
		return operation{run: track.CreateRun{ExperimentID: experiment, Name: w.pick("x", "y"), User: label}}
	case 7:
		id := fmt.Sprintf("%032x", 0xabc0000000000000+uint64(w.rnd.IntN(3)))
		id = id[16:] + id[:16]
		return operation{run: track.CreateRun{ID: id, ExperimentName: name, Name: w.pick("x", "y"), User: label, Lenient: w.rnd.IntN(2) == 0}}
	case 8:
		return operation{run: track.UpdateRun{RunID: run, Status: sgpb.RunStatus(w.rnd.IntN(6)), Name: w.pick("", "x", "z")}}
	case 9, 10:
		return operation{run: track.LogBatch{RunID: run, Batch: w.rnd.IntN(2) == 0, Params: w.pairs("p", "q"), Tags: w.pairs("t", mlflow.RunNameTag)}}
	case 11:
		return operation{run: track.DeleteTag{RunID: run, Key: w.pick("t", "u")}}
	case 12:
		return operation{run: track.LogOutputs{RunID: run, Models: []*sgpb.ModelOutput{{ModelId: w.pick("m-1", "m-2")}}}}
	}
	if w.rnd.IntN(2) == 0 {
		return operation{run: track.DeleteRun{RunID: run}}
	}
	return operation{run: track.RestoreRun{RunID: run}}
}

func (w *world) pairs(keys ...string) []*track.KeyValue {
	var out []*track.KeyValue
	for _, k := range keys {
		if w.rnd.IntN(2) == 0 {
			out = append(out, &track.KeyValue{Key: k, Value: w.pick("1", "2")})
		}
	}
	return out
}
