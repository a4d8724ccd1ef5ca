package documents

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// Lane is the lane under which messages of the documents' stream stand in quarantine.
const Lane = 1<<16 - 1

// tornMax is how often the parts of one revision may fail to fit before the document counts as broken.
const tornMax = 3

// ErrNoKey: the key has no message, or a deletion.
var ErrNoKey = errors.New("no such key")

// Keys reads the newest message of a key.
type Keys interface {
	// Last returns ErrNoKey if there is none.
	Last(ctx context.Context, key string) (value []byte, revision uint64, err error)
}

// Read decodes one message, nil for what is no document that readers see, or cannot be decoded.
func Read(ctx context.Context, keys Keys, m consumers.Message) (*feed.Document, error) {
	e, err := read(ctx, keys, m)
	if err != nil {
		return nil, err
	}
	return e.doc, nil
}

// read decodes one message. An error is the bus's and may pass; what cannot be decoded is refused.
func read(ctx context.Context, keys Keys, m consumers.Message) (*entry, error) {
	e := &entry{seq: m.Seq, bytes: len(m.Data)}
	key := bus.DocKey(m.Subject)
	if document.IsChunk(key) || strings.HasPrefix(key, document.BlobKey("")) {
		return e, nil
	}
	e.doc = &feed.Document{Key: key, Revision: m.Seq}
	if m.Deleted {
		return e, nil
	}
	doc, err := assemble(ctx, keys, key, m)
	var passing *passingError
	switch {
	case errors.As(err, &passing):
		return nil, err
	case errors.Is(err, errRemoved):
		return e, nil // its deletion comes in its turn
	case err != nil:
		e.doc = nil
		e.refused = &table.Refusal{Lane: Lane, Seq: m.Seq, TimeMS: m.TimeMS, Subject: m.Subject, Reason: err.Error(), Bytes: m.Data}
		return e, nil
	}
	switch doc.GetBody().(type) {
	case *sgpb.Document_Claim, *sgpb.Document_Counter, *sgpb.Document_Lease:
		e.doc = nil
		return e, nil
	}
	e.doc.Doc = doc
	if e.encoded, err = proto.Marshal(doc); err != nil {
		return nil, fmt.Errorf("encode document %s: %w", key, err)
	}
	e.bytes += len(e.encoded)
	return e, nil
}

// errRemoved: the document was removed while its parts were read.
var errRemoved = errors.New("document removed")

// passingError is an error of reading a key, as opposed to one of its content.
type passingError struct{ error }

func (e *passingError) Unwrap() error { return e.error }

// assemble reads the parts of a large document. While they are of a newer revision than the head, it takes
// the newest head.
func assemble(ctx context.Context, keys Keys, key string, m consumers.Message) (*sgpb.Document, error) {
	head, revision := m.Data, m.Seq
	for torn := 0; ; {
		doc, err := document.Join(key, head, func(key string) ([]byte, error) { return last(ctx, keys, key) })
		if !errors.Is(err, document.ErrTorn) && !errors.Is(err, ErrNoKey) {
			return doc, err
		}
		newest, r, lastErr := keys.Last(ctx, key)
		switch {
		case errors.Is(lastErr, ErrNoKey):
			return nil, errRemoved
		case lastErr != nil:
			return nil, &passingError{lastErr}
		case r != revision:
			torn = 0
		}
		if torn++; torn > tornMax {
			return nil, err
		}
		head, revision = newest, r
	}
}

func last(ctx context.Context, keys Keys, key string) ([]byte, error) {
	b, _, err := keys.Last(ctx, key)
	if err != nil && !errors.Is(err, ErrNoKey) {
		return nil, &passingError{err}
	}
	return b, err
}
