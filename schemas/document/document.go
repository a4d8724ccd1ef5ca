package document

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Part is one message of a document.
type Part struct {
	Key   string
	Value []byte
}

// Split encodes a document as its messages: children first, the head last.
func Split(key string, doc *sgpb.Document) ([]Part, error) {
	body, err := proto.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode document %s: %w", key, err)
	}
	if len(body) <= ChunkBytesMax {
		return []Part{{Key: key, Value: body}}, nil
	}
	sum := sha256.Sum256(body)
	var parts []Part
	for i := 0; len(body) > 0; i++ {
		n := min(len(body), ChunkBytesMax)
		parts = append(parts, Part{Key: ChunkKey(key, i), Value: body[:n]})
		body = body[n:]
	}
	head, err := proto.Marshal(&sgpb.Document{Chunks: uint32(len(parts)), ChunksSha256: sum[:]})
	if err != nil {
		return nil, fmt.Errorf("encode head of %s: %w", key, err)
	}
	if len(parts) >= MessagesMax {
		return nil, fmt.Errorf("document %s has %d parts; at most %d fit one atomic batch", key, len(parts), MessagesMax-1)
	}
	return append(parts, Part{Key: key, Value: head}), nil
}

var (
	// ErrTorn: head and children are of different revisions; read the head again.
	ErrTorn = errors.New("parts of different revisions")
	// ErrDamaged: the bytes are no document, and reading them again will not mend them.
	ErrDamaged = errors.New("damaged bytes")
)

// Join decodes a head, asking part for the children's bytes when there are any.
func Join(key string, head []byte, part func(key string) ([]byte, error)) (*sgpb.Document, error) {
	doc := new(sgpb.Document)
	if err := proto.Unmarshal(head, doc); err != nil {
		return nil, fmt.Errorf("decode document %s: %w: %w", key, ErrDamaged, err)
	}
	if doc.GetChunks() == 0 {
		return doc, nil
	}
	var body []byte
	for i := range int(doc.GetChunks()) {
		b, err := part(ChunkKey(key, i))
		if err != nil {
			return nil, fmt.Errorf("read part %d of document %s: %w", i, key, err)
		}
		body = append(body, b...)
	}
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], doc.GetChunksSha256()) {
		return nil, fmt.Errorf("join document %s: %w", key, ErrTorn)
	}
	whole := new(sgpb.Document)
	if err := proto.Unmarshal(body, whole); err != nil {
		return nil, fmt.Errorf("decode document %s of %d parts: %w: %w", key, doc.GetChunks(), ErrDamaged, err)
	}
	return whole, nil
}
