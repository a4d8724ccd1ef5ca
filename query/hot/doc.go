// Package hot holds in memory what readers ask for most: documents and latest values of runs that are
// running or were touched lately, and every experiment. Truth stays with the logs and ClickHouse; a process
// that starts with an empty set answers the same, slower.
//
//	documents' log -> ObserveDocuments -> Set <- Loader <- ClickHouse (what is applied)
//	lanes          -> ObserveSections  ----^       ^----- tail      (what is not yet)
//
// # Why a loaded run misses nothing
//
// A run's state is a join of facts: the document with the greatest revision, and per key the greatest
// track.Latest. Joining is commutative and idempotent, so only completeness has to be shown, not order. The
// loader (1) puts an entry into the set, (2) takes the tail's snapshot, (3) reads ClickHouse. Take a point
// that was acknowledged before the reader came. The snapshot awaits it, so at (2) it is in the tail, and the
// snapshot has it; or it is applied, and then (3) has it, since table latest is written before the points of
// its batch. A point that comes to the tail after (2) is observed after it is in the tail, hence after (1),
// and joins the entry. For documents: a revision that is not applied is observed, and a run with one is
// never evicted; a revision that is applied before (3) is read by it; one that is observed after (1) joins.
//
// # Why some runs need no load
//
// A run that nobody evicted and that was created after the set began to observe has all its points here:
// created_ms lies above the horizon, which starts at the set's own start and is raised to the creation time
// of every run that is evicted (to now, if its document was not known).
package hot

import (
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Limits of a set whose options say nothing.
const (
	RunsMaxDefault  = 50_000
	KeysMaxDefault  = 2_000_000
	BytesMaxDefault = 256 << 20
)

// A run's fixed costs in bytes, for the bound only: maps, list element, entry; a key's map slot and value.
const (
	runBytes = 768
	keyBytes = 112
)

// Document is one revision of a run's document.
type Document struct {
	Run      *sgpb.Run
	Revision uint64
}

// Value is the latest value of one key of a run.
type Value struct {
	Run    track.RunNumber
	Key    string
	Latest track.Latest
}
