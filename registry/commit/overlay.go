package commit

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// batchBytesMax is where a batch is closed although it has room for more messages: one command may be larger,
// several are not gathered beyond it.
const batchBytesMax = 4 << 20

var (
	errFull  = errors.New("the batch is full")
	errTaken = errors.New("a key that must be new is taken")
)

// overlay is the documents as they will be once the batch in hand is committed.
type overlay struct {
	slots map[string]*slot
	// dirty lists the keys to write, in the order they were first changed.
	dirty    []string
	messages int
	bytes    int
}

// slot is one document of the overlay.
type slot struct {
	doc      *sgpb.Document
	revision uint64
	dirty    bool
	// fresh: the revision was read or written by the committer itself for this batch, not believed.
	fresh    bool
	messages int
	bytes    int
}

func newOverlay() *overlay { return &overlay{slots: make(map[string]*slot)} }

// pin takes in what a document is; it stays so for the whole batch unless the batch changes it.
func (o *overlay) pin(key string, e Entry, fresh bool) *slot {
	s := &slot{doc: e.Doc, revision: e.Revision, fresh: fresh}
	o.slots[key] = s
	return s
}

// apply evolves the documents of a decision, all or none, and answers their keys.
func (o *overlay) apply(d decide.Decision, nowMS int64) ([]string, error) {
	staged := make(map[string]*slot, 2*len(d.Events))
	var order []string
	stage := func(key string, doc *sgpb.Document) {
		s, again := staged[key]
		if !again {
			s = &slot{dirty: true}
			if at, ok := o.slots[key]; ok {
				*s = *at
				s.dirty = true
			}
			staged[key] = s
			order = append(order, key)
		}
		s.doc = doc
	}
	for _, e := range d.Events {
		var doc *sgpb.Document
		if s, ok := staged[e.Key]; ok {
			doc = s.doc
		} else if s, ok := o.slots[e.Key]; ok {
			doc = s.doc
			if e.Fresh && (s.doc != nil || s.revision != 0) {
				return nil, errTaken
			}
		}
		next, change := decide.Evolve(doc, e, nowMS)
		stage(e.Key, next)
		if change != nil {
			stage(document.HistoryKey(e.Key, change.GetNumber()), &sgpb.Document{Body: &sgpb.Document_Change{Change: change}})
		}
	}
	return order, o.merge(staged, order)
}

// merge counts what is staged and takes it in if there is room.
func (o *overlay) merge(staged map[string]*slot, order []string) error {
	messages, bytes := o.messages, o.bytes
	for key, s := range staged {
		messages, bytes = messages-s.messages, bytes-s.bytes
		s.bytes = proto.Size(s.doc) + len(key)
		s.messages = 1
		if s.bytes > document.ChunkBytesMax {
			s.messages = s.bytes/document.ChunkBytesMax + 2
		}
		messages, bytes = messages+s.messages, bytes+s.bytes
	}
	if len(o.dirty) > 0 && (messages > document.MessagesMax || bytes > batchBytesMax) {
		return errFull
	}
	for _, key := range order {
		if at, ok := o.slots[key]; !ok || !at.dirty {
			o.dirty = append(o.dirty, key)
		}
		o.slots[key] = staged[key]
	}
	o.messages, o.bytes = messages, bytes
	return nil
}

// writes encodes changed documents. heads[i] is the index of the write that carries dirty[i]'s revision.
func (o *overlay) writes(dirty []string) (out []journal.Write, heads []int, err error) {
	for _, key := range dirty {
		s := o.slots[key]
		parts, err := document.Split(key, s.doc)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range parts {
			// The head guards its parts: they stand in the same atomic batch.
			w := journal.Write{Key: p.Key, Value: p.Value, Expected: journal.AnyRevision}
			if p.Key == key {
				w.Expected = s.revision
				heads = append(heads, len(out))
			}
			out = append(out, w)
		}
	}
	return out, heads, nil
}
