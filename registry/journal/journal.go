// Package journal is what the registry needs of a store of documents: read one key with its revision, and
// write several keys at once under the condition that none has changed since it was read.
package journal

import (
	"context"
	"errors"
	"math"
)

// WritesMax is the most writes that one Append takes.
const WritesMax = 1000

// AnyRevision expects nothing: for a key that another key of the same Append guards.
const AnyRevision = math.MaxUint64

// Write sets a key. Expected is the revision it must still have, 0 meaning that it was never written.
type Write struct {
	Key      string
	Value    []byte
	Expected uint64
}

// ErrConflict: some key is not at the expected revision. Nothing was written.
var ErrConflict = errors.New("a document has changed meanwhile")

// Journal holds the newest value of every key. Its methods may be called at once by many.
//
// Append writes all or nothing and answers one revision a write. Revisions rise over the whole journal. A key
// may stand once in a call. An error that is not ErrConflict leaves open whether the writes happened or will
// yet: the caller must forget what it believes of these keys and load them again.
type Journal interface {
	// Load answers a key's value and revision; revision 0 means that it was never written. The value is the
	// caller's.
	Load(ctx context.Context, key string) (value []byte, revision uint64, err error)
	// List answers the keys that begin with a prefix, in no order. The prefix ends with a dot.
	List(ctx context.Context, prefix string) ([]string, error)
	// Append keeps no reference to the values.
	Append(ctx context.Context, writes []Write) (revisions []uint64, err error)
}
