// Package feed is how what is newer than ClickHouse reaches readers.
//
// A consumer reads a log of the bus in order. What it has fetched and not yet seen applied in ClickHouse
// is the tail; everything up to the watermark is applied. A reader takes an immutable snapshot of the
// tail first and asks ClickHouse second, so that nothing falls between (DESIGN: the tail protocol):
//
//	snapshot := tail.Run(ctx, run)      // sections above snapshot.Watermark
//	rows := SELECT ... WHERE seq <= watermark of the row's lane      // or: drop sections up to the marker read
//	answer := rows + snapshot.Sections
//
// Every row of points carries lane and seq, so a read of rows is pinned to the snapshot's watermark by a
// condition; a read of the rollup p8, whose rows carry no seq, reads the lane's greatest marker in the same
// SELECT (one snapshot of parts) and drops the sections up to it.
package feed

import (
	"context"
	"sync"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Section is the points of one run, rank and attempt out of one frame. It is immutable.
type Section struct {
	Lane       uint16
	Seq        uint64
	Writer     uint64
	Frame      uint64
	RunID      string
	Run        track.RunNumber
	Experiment uint32
	Rank       uint32
	Attempt    uint32
	Points     track.Points
}

// Snapshot is the tail of one run at one moment.
type Snapshot struct {
	// Sections above the watermark of their lane, each lane in sequence order.
	Sections []*Section
	// Watermarks by lane of the run: all points up to that sequence are in ClickHouse.
	Watermarks map[uint16]uint64
	// Seen by lane: the snapshot has all sections up to that sequence; of what comes behind it may have some.
	Seen map[uint16]uint64
}

// Tail answers for what is acknowledged and not yet in ClickHouse. All methods are safe for concurrent use.
type Tail interface {
	// Await returns once the tail has seen every frame that this process had acknowledged before the call.
	Await(ctx context.Context) error
	// Run takes the snapshot of one run. It awaits first.
	Run(ctx context.Context, run track.RunNumber) (Snapshot, error)
	// Runs lists the ids of runs with points above a watermark, in no order. It awaits first.
	Runs(ctx context.Context) ([]string, error)
	// Flush asks that everything seen so far be inserted now, and waits until it is.
	Flush(ctx context.Context) error
}

// Document is one revision of a document, as the documents' stream carries it.
type Document struct {
	Key      string
	Revision uint64
	// Doc is nil if the key was deleted. It is shared: do not change it.
	Doc *sgpb.Document
}

// Documents answers for document revisions, as Tail does for points.
type Documents interface {
	// Await returns once every document acknowledged by this process before the call has been observed.
	Await(ctx context.Context) error
	// Flush asks that everything seen so far be inserted now, and waits until it is.
	Flush(ctx context.Context) error
}

// Observer is told, in log order and by one goroutine per log, what the consumers see. It must not block
// for long: the log waits for it. ObserveSections is called after the sections are in the tail and before
// Await lets a reader pass them; ObserveDocuments likewise.
type Observer interface {
	ObserveSections(sections []*Section)
	ObserveDocuments(docs []Document)
	// DocumentsApplied says that all revisions up to this one are in ClickHouse.
	DocumentsApplied(revision uint64)
}

// Acks remembers the greatest position that this process has had acknowledged on each log, so that readers
// in it can wait for what they wrote. The zero value is ready.
type Acks struct {
	mu    sync.Mutex
	lanes map[uint16]uint64
	docs  uint64
}

// AckLane records an acknowledged frame.
func (a *Acks) AckLane(lane uint16, seq uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lanes == nil {
		a.lanes = make(map[uint16]uint64)
	}
	a.lanes[lane] = max(a.lanes[lane], seq)
}

// Lane is the greatest acknowledged sequence of a lane, 0 if none.
func (a *Acks) Lane(lane uint16) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lanes[lane]
}

// AckDocs records an acknowledged revision.
func (a *Acks) AckDocs(revision uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.docs = max(a.docs, revision)
}

// Docs is the greatest acknowledged revision, 0 if none.
func (a *Acks) Docs() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.docs
}
