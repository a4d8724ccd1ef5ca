package commit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func options() Options {
	return Options{Now: time.Now, NewID: track.NewRunID, Lanes: 1, ArtifactRoot: "mlflow-artifacts:/"}
}

func do(t *testing.T, m *Committer, c decide.Command) *sgpb.Document {
	t.Helper()
	doc, err := m.Do(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestALostAnswerIsNotBelieved: whether it was stored or not, the next reader sees what is.
func TestALostAnswerIsNotBelieved(t *testing.T) {
	for name, stored := range map[string]bool{"stored": true, "not stored": false} {
		t.Run(name, func(t *testing.T) {
			f := &fault{Journal: new(mem.Journal)}
			m := New(f, NewCache(100, 1<<20), options())
			defer m.Close()
			do(t, m, decide.CreateDefault{})
			f.after, f.before = stored, !stored
			if _, err := m.Do(context.Background(), decide.SetExperimentTag{ID: "0", Key: "k", Value: "v"}); !errors.Is(err, errLost) {
				t.Fatalf("got %v", err)
			}
			e, err := m.Load(context.Background(), document.ExperimentKey("0"))
			if _, has := e.Doc.GetExperiment().GetTags()["k"]; err != nil || has != stored {
				t.Fatalf("the tag is seen: %v, stored: %v (%v)", has, stored, err)
			}
		})
	}
}

// TestMoreThanOneBatch puts more into one step than one atomic batch takes, by count and by bytes.
func TestMoreThanOneBatch(t *testing.T) {
	m := &Committer{journal: new(mem.Journal), cache: NewCache(10000, 1<<30), options: options()}
	answers := make(chan *request, 3000)
	var batch []*request
	add := func(c decide.Command) {
		q := newRequest(c)
		q.answered = answers
		if err := m.prepare(context.Background(), q); err != nil {
			t.Fatal(err)
		}
		batch = append(batch, q)
	}
	add(decide.CreateDefault{})
	m.step(context.Background(), batch)
	batch = nil
	for range 2700 { // a message each
		add(decide.ForRun(track.CreateRun{}))
	}
	steps := 0
	for len(batch) > 0 {
		batch = m.step(context.Background(), batch)
		steps++
	}
	if steps != 3 || len(answers) != 2701 {
		t.Fatalf("%d steps, %d answers", steps, len(answers))
	}
	for range 2701 {
		if q := <-answers; q.err != nil {
			t.Fatal(q.err)
		}
	}
}

// TestReadersSeeWhatWasAnswered: a load that began before a commit must not bring the old document back.
func TestReadersSeeWhatWasAnswered(t *testing.T) {
	m := New(new(mem.Journal), NewCache(2, 1<<20), options()) // so small that documents come and go
	defer m.Close()
	do(t, m, decide.CreateDefault{})
	var wg sync.WaitGroup
	for client := range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			doc, err := m.Do(context.Background(), decide.ForRun(track.CreateRun{}))
			if err != nil {
				t.Error(err)
				return
			}
			id := doc.GetRun().GetId()
			for i := range 100 {
				value := fmt.Sprint(client, i, rand.IntN(10))
				if _, err := m.Do(context.Background(), decide.ForRun(track.LogBatch{RunID: id, Tags: []*track.KeyValue{{Key: "t", Value: value}}})); err != nil {
					t.Error(err)
					return
				}
				e, err := m.Load(context.Background(), document.RunKey(id))
				if err != nil || e.Doc.GetRun().GetTags()["t"] != value {
					t.Errorf("wrote %s, read %s (%v)", value, e.Doc.GetRun().GetTags()["t"], err)
					return
				}
			}
		}()
	}
	wg.Wait()
}

func TestTheCacheIsBounded(t *testing.T) {
	c := NewCache(3, 1<<20)
	for i := range 10 {
		c.Put(fmt.Sprint(i), Entry{Doc: &sgpb.Document{}, Revision: 1})
		c.Get("0")
	}
	if _, kept := c.Get("0"); !kept || c.recent.Len() != 3 {
		t.Errorf("%d kept, the one in use: %v", c.recent.Len(), kept)
	}
	large := &sgpb.Document{Body: &sgpb.Document_Blob{Blob: &sgpb.Blob{Content: make([]byte, 1<<19)}}}
	c.Put("large", Entry{Doc: large, Revision: 1})
	if c.recent.Len() != 1 {
		t.Errorf("%d kept beside one that fills it", c.recent.Len()-1)
	}
}

// TestADamagedDocumentIsRefusedForGood: what waits for it would wait for ever, and a document must not be made
// anew over what may still be mended.
func TestADamagedDocumentIsRefusedForGood(t *testing.T) {
	ctx := context.Background()
	run := "00000000000000010000000000000001"
	torn := &sgpb.Document{Chunks: 1, ChunksSha256: []byte("of a chunk that is gone")}
	head, err := proto.Marshal(torn)
	if err != nil {
		t.Fatal(err)
	}
	for name, bytes := range map[string][]byte{"no document": []byte("\xff\xff garbage"), "lost chunk": head} {
		t.Run(name, func(t *testing.T) {
			j := new(mem.Journal)
			m := New(j, NewCache(100, 1<<20), options())
			defer m.Close()
			do(t, m, decide.CreateDefault{})
			if _, err := j.Append(ctx, []journal.Write{{Key: document.RunKey(run), Value: bytes}}); err != nil {
				t.Fatal(err)
			}
			for name, c := range map[string]track.Command{
				"a tag":   track.LogBatch{RunID: run, Tags: []*track.KeyValue{{Key: "k", Value: "v"}}},
				"a start": track.CreateRun{ID: run, Lenient: true},
			} {
				if _, err := m.Do(ctx, decide.ForRun(c)); !track.Permanent(err) || track.CodeOf(err) != track.DataLoss {
					t.Errorf("%s is answered with %v", name, err)
				}
			}
		})
	}
}

// TestARepeatOfALostAnswerIsAcknowledged: it finds everything done and writes nothing, but its caller must see it.
func TestARepeatOfALostAnswerIsAcknowledged(t *testing.T) {
	f := &fault{Journal: new(mem.Journal)}
	o := options()
	o.Acks = new(feed.Acks)
	m := New(f, NewCache(100, 1<<20), o)
	defer m.Close()
	do(t, m, decide.CreateDefault{})
	tag := decide.SetExperimentTag{ID: "0", Key: "k", Value: "v"}
	f.after = true
	if _, err := m.Do(context.Background(), tag); !errors.Is(err, errLost) {
		t.Fatalf("got %v", err)
	}
	before := o.Acks.Docs()
	do(t, m, tag)
	_, revision, err := f.Load(context.Background(), document.ExperimentKey("0"))
	if err != nil || o.Acks.Docs() != revision || before == revision {
		t.Fatalf("acknowledged %d, then %d; the document is at %d (%v)", before, o.Acks.Docs(), revision, err)
	}
}

func TestACommandThatWaitedTooLongIsRefusedUntried(t *testing.T) {
	old, young := newRequest(decide.CreateDefault{}), newRequest(decide.CreateDefault{})
	old.began = time.Now().Add(-time.Hour)
	left := refuseLate([]*request{old, young}, time.Minute)
	if len(left) != 1 || left[0] != young {
		t.Fatalf("%d commands are left, want the young one", len(left))
	}
	if <-old.answered; track.CodeOf(old.err) != track.TemporarilyUnavailable {
		t.Errorf("answered %v", old.err)
	}
}

// greedy asks for so many documents.
type greedy int

func (g greedy) Decide(d *decide.Decider) error {
	for n := range int(g) {
		if _, err := d.Load(fmt.Sprint("exp.", n+1)); err != nil {
			return err
		}
	}
	return nil
}

// TestTooManyDocumentsAreTheClientsError, whether they are missed before the step or while it is alone.
func TestTooManyDocumentsAreTheClientsError(t *testing.T) {
	m := New(new(mem.Journal), NewCache(10, 1<<20), options())
	defer m.Close()
	if _, err := m.Do(context.Background(), decide.By(greedy(documentsMax+1))); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("prepared: %v", err)
	}
	q := &request{command: decide.By(greedy(documentsMax + 1))}
	alone := &Committer{journal: new(mem.Journal), cache: NewCache(10, 1<<20), options: options()}
	if err := alone.tryAlone(context.Background(), q); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("alone: %v", err)
	}
}
