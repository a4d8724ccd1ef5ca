// Package journaltest is what every journal must do, as tests.
package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/streamgauge/streamgauge/registry/journal"
)

// Run tests a journal. open makes an empty one.
func Run(t *testing.T, open func(t *testing.T) journal.Journal) {
	for name, test := range map[string]func(*testing.T, journal.Journal){
		"a key that was never written has revision 0":   absent,
		"what is written is read":                       roundTrip,
		"keys are listed by prefix":                     listed,
		"a wrong expectation of one write is refused":   conflict,
		"a wrong expectation of many leaves nothing":    allOrNothing,
		"revisions of a batch rise and are those read":  batchRevisions,
		"the largest batch is taken, a larger is not":   largest,
		"any revision overwrites":                       anyRevision,
		"of two writers at once one wins every time":    twoWriters,
		"batches of two writers at once do not mix":     twoBatches,
		"an ended context is an error and not a result": endedContext,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func listed(t *testing.T, j journal.Journal) {
	for _, key := range []string{"model.a", "model.b", "models.c", "run.a"} {
		mustAppend(t, j, journal.Write{Key: key, Value: []byte(key)})
	}
	for prefix, want := range map[string]string{"model.": "[model.a model.b]", "run.": "[run.a]", "exp.": "[]"} {
		got, err := j.List(context.Background(), prefix)
		slices.Sort(got)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v %v, want %s", prefix, got, err, want)
		}
	}
}

func mustAppend(t *testing.T, j journal.Journal, ws ...journal.Write) []uint64 {
	t.Helper()
	revisions, err := j.Append(context.Background(), ws)
	if err != nil {
		t.Fatal(err)
	}
	if len(revisions) != len(ws) {
		t.Fatalf("%d revisions for %d writes", len(revisions), len(ws))
	}
	return revisions
}

func mustLoad(t *testing.T, j journal.Journal, key, want string, revision uint64) {
	t.Helper()
	v, r, err := j.Load(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	if string(v) != want || r != revision {
		t.Fatalf("%s is %q at %d, want %q at %d", key, v, r, want, revision)
	}
}

func w(key, value string, expected uint64) journal.Write {
	return journal.Write{Key: key, Value: []byte(value), Expected: expected}
}

func absent(t *testing.T, j journal.Journal) { mustLoad(t, j, "run.none", "", 0) }

func roundTrip(t *testing.T, j journal.Journal) {
	first := mustAppend(t, j, w("a.b", "1", 0))[0]
	mustLoad(t, j, "a.b", "1", first)
	second := mustAppend(t, j, w("a.b", "2", first))[0]
	if second <= first {
		t.Fatalf("revision %d after %d", second, first)
	}
	mustLoad(t, j, "a.b", "2", second)
	large := bytes.Repeat([]byte{7}, 300<<10)
	r, err := j.Append(context.Background(), []journal.Write{{Key: "large", Value: large}})
	if err != nil {
		t.Fatal(err)
	}
	mustLoad(t, j, "large", string(large), r[0])
}

func conflict(t *testing.T, j journal.Journal) {
	r := mustAppend(t, j, w("a", "1", 0))[0]
	for _, expected := range []uint64{0, r + 1, r + 100} {
		if _, err := j.Append(context.Background(), []journal.Write{w("a", "x", expected)}); !errors.Is(err, journal.ErrConflict) {
			t.Fatalf("expected %d: %v, want ErrConflict", expected, err)
		}
	}
	mustLoad(t, j, "a", "1", r)
}

func allOrNothing(t *testing.T, j journal.Journal) {
	r := mustAppend(t, j, w("a", "1", 0))[0]
	for wrong := range 3 {
		ws := []journal.Write{w("a", "2", r), w("b", "2", 0), w("c", "2", 0)}
		ws[wrong].Expected += 5
		if _, err := j.Append(context.Background(), ws); !errors.Is(err, journal.ErrConflict) {
			t.Fatalf("write %d wrong: %v, want ErrConflict", wrong, err)
		}
		mustLoad(t, j, "a", "1", r)
		mustLoad(t, j, "b", "", 0)
		mustLoad(t, j, "c", "", 0)
	}
}

func batchRevisions(t *testing.T, j journal.Journal) {
	mustAppend(t, j, w("x", "1", 0))
	revisions := mustAppend(t, j, w("a", "1", 0), w("b", "2", 0), w("c", "3", 0))
	for i, k := range []string{"a", "b", "c"} {
		mustLoad(t, j, k, fmt.Sprint(i+1), revisions[i])
		if i > 0 && revisions[i] <= revisions[i-1] {
			t.Fatalf("revisions %v do not rise", revisions)
		}
	}
	again := mustAppend(t, j, w("c", "4", revisions[2]), w("a", "5", revisions[0]))
	mustLoad(t, j, "c", "4", again[0])
	mustLoad(t, j, "a", "5", again[1])
}

func largest(t *testing.T, j journal.Journal) {
	var ws []journal.Write
	for i := range journal.WritesMax {
		ws = append(ws, w(fmt.Sprintf("k.%d", i), "v", 0))
	}
	revisions := mustAppend(t, j, ws...)
	mustLoad(t, j, "k.999", "v", revisions[999])
	for i := range ws {
		ws[i].Expected = revisions[i]
	}
	if _, err := j.Append(context.Background(), append(ws, w("more", "v", 0))); err == nil {
		t.Fatal("a batch beyond the limit was taken")
	}
	mustLoad(t, j, "k.0", "v", revisions[0])
	if _, err := j.Append(context.Background(), nil); err == nil {
		t.Fatal("an empty batch was taken")
	}
}

func anyRevision(t *testing.T, j journal.Journal) {
	r := mustAppend(t, j, w("a", "1", 0), w("part", "1", journal.AnyRevision))
	r = mustAppend(t, j, w("a", "2", r[0]), w("part", "2", journal.AnyRevision))
	mustLoad(t, j, "part", "2", r[1])
}

// twoWriters counts one key up from several goroutines; every success must be a step of one.
func twoWriters(t *testing.T, j journal.Journal) {
	const each = 50
	var wg sync.WaitGroup
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for done := 0; done < each; {
				v, r, err := j.Load(context.Background(), "n")
				if err != nil {
					t.Error(err)
					return
				}
				_, err = j.Append(context.Background(), []journal.Write{{Key: "n", Value: append(v, '+'), Expected: r}})
				if err == nil {
					done++
				} else if !errors.Is(err, journal.ErrConflict) {
					t.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	v, _, err := j.Load(context.Background(), "n")
	if err != nil || len(v) != 3*each {
		t.Fatalf("counted %d, want %d (%v)", len(v), 3*each, err)
	}
}

// twoBatches writes two keys together from several goroutines; they must always stay equal.
func twoBatches(t *testing.T, j journal.Journal) {
	const each = 30
	var wg sync.WaitGroup
	for writer := range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for done := 0; done < each; {
				_, ra, err := j.Load(context.Background(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				_, rb, err := j.Load(context.Background(), "b")
				if err != nil {
					t.Error(err)
					return
				}
				value := fmt.Sprint(writer, done)
				revisions, err := j.Append(context.Background(), []journal.Write{w("a", value, ra), w("b", value, rb)})
				if errors.Is(err, journal.ErrConflict) {
					continue
				}
				if err != nil || revisions[1] != revisions[0]+1 {
					t.Errorf("revisions %v: %v", revisions, err)
					return
				}
				done++
			}
		}()
	}
	wg.Wait()
	a, _, _ := j.Load(context.Background(), "a")
	b, _, _ := j.Load(context.Background(), "b")
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Fatalf("a is %q and b is %q", a, b)
	}
}

func endedContext(t *testing.T, j journal.Journal) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := j.Load(ctx, "a"); err == nil {
		t.Fatal("load answered")
	}
}
