package documents

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// keys is a stream's newest messages; after each read something may happen.
type keys struct {
	values    map[string][]byte
	revisions map[string]uint64
	after     func(read int)
	reads     int
}

func (k *keys) Last(_ context.Context, key string) ([]byte, uint64, error) {
	defer func() {
		if k.reads++; k.after != nil {
			k.after(k.reads)
		}
	}()
	v, ok := k.values[key]
	if !ok {
		return nil, 0, ErrNoKey
	}
	return v, k.revisions[key], nil
}

func (k *keys) put(t *testing.T, key string, revision uint64, name string) consumers.Message {
	t.Helper()
	parts, err := document.Split(key, &sgpb.Document{Body: &sgpb.Document_Run{Run: &sgpb.Run{Name: name, Params: map[string]string{"x": strings.Repeat(name, document.ChunkBytesMax)}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		k.values[p.Key], k.revisions[p.Key] = p.Value, revision
	}
	return consumers.Message{Seq: revision, Subject: bus.DocSubject(key), Data: k.values[key]}
}

func TestRead(t *testing.T) {
	const key = "run.x"
	fresh := func() *keys { return &keys{values: make(map[string][]byte), revisions: make(map[string]uint64)} }
	away := errors.New("the bus is away")

	k := fresh()
	m := k.put(t, key, 1, "ab")
	if e, err := read(t.Context(), k, m); err != nil || e.doc.Doc.GetRun().GetName() != "ab" || e.doc.Revision != 1 {
		t.Errorf("a large document: %v %v", e != nil, err)
	}

	k.reads = 0
	k.after = func(n int) {
		if n == 1 { // between two parts
			k.put(t, key, 2, "cde")
		}
	}
	if e, err := read(t.Context(), k, m); err != nil || e.doc.Doc.GetRun().GetName() != "cde" || e.doc.Revision != 1 {
		t.Errorf("a newer revision meanwhile: %v %v", e != nil, err)
	}

	k = fresh()
	m = k.put(t, key, 1, "ab")
	clear(k.values)
	if e, err := read(t.Context(), k, m); err != nil || e.doc == nil || e.doc.Doc != nil {
		t.Errorf("removed meanwhile: %v %v", e != nil, err)
	}

	k = fresh()
	m = k.put(t, key, 1, "ab")
	k.values[document.ChunkKey(key, 0)] = []byte("broken")
	if e, err := read(t.Context(), k, m); err != nil || e.doc != nil || e.refused == nil || e.refused.Seq != 1 {
		t.Errorf("parts that never fit: %v %v", e != nil, err)
	}

	if _, err := read(t.Context(), failing{away}, m); !errors.Is(err, away) {
		t.Errorf("the bus is away: %v", err)
	}
	for _, internal := range []string{document.ChunkKey(key, 0), document.BlobKey("abc")} {
		if e, err := read(t.Context(), k, consumers.Message{Seq: 9, Subject: bus.DocSubject(internal), Data: []byte("\xff")}); err != nil || e.doc != nil || e.refused != nil {
			t.Errorf("%s: %v %v", internal, e != nil, err)
		}
	}
	if e, err := read(t.Context(), k, consumers.Message{Seq: 3, Subject: bus.DocSubject(key), Deleted: true}); err != nil || e.doc.Key != key || e.doc.Doc != nil {
		t.Errorf("a deletion: %v %v", e != nil, err)
	}
}

type failing struct{ error }

func (f failing) Last(context.Context, string) ([]byte, uint64, error) { return nil, 0, f.error }
