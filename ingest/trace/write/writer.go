// Package write makes changes of traces durable, many at a time.
package write

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// waitingMax and waitingBytesMax bound what waits to be written; beyond it clients come back later.
	waitingMax      = 1024
	waitingBytesMax = 128 << 20
	// batchMax and batchBytesMax bound one insert.
	batchMax      = 256
	batchBytesMax = 32 << 20
	// writeTimeout ends a write that ClickHouse does not answer.
	writeTimeout = 30 * time.Second
	// cachedMax is how many traces are remembered, none larger than cachedBytesMax: a trace is written twice or more
	// within a second, then hardly.
	cachedMax      = 2048
	cachedBytesMax = 32 << 10
	// documentBytesMax bounds what is known of a trace but its spans; some thousand assessments are less.
	documentBytesMax  = 8 << 20
	retryAfterSeconds = 1
)

// Stored is a trace as the store has it; Revision 0 means that it is not there.
type Stored struct {
	Trace    *sgpb.Trace
	Revision uint64
}

// Moved is the row that a trace leaves behind in another experiment.
type Moved struct {
	Experiment, TraceID string
}

// Lot is what one write brings.
type Lot struct {
	Spans    []*otlp.Span
	Traces   []*sgpb.Trace
	Moved    []Moved
	Revision uint64
}

// Selection says which traces of an experiment are to go.
type Selection struct {
	Experiment uint32
	IDs        []string
	// UntilMS and Max are nil where unsaid; Max is not said with IDs.
	UntilMS *int64
	Max     *int64
}

// Store keeps traces; package clickhouse has the one for production. One goroutine calls it.
type Store interface {
	// Load answers the traces that are there.
	Load(ctx context.Context, ids []string) (map[string]Stored, error)
	// Write makes a lot durable. After an error it may be there, in part or whole.
	Write(ctx context.Context, l *Lot) error
	Select(ctx context.Context, s Selection) ([]string, error)
	// Delete removes traces and their spans.
	Delete(ctx context.Context, ids []string) error
}

// Part is what a request changes of one trace.
type Part struct {
	ID     string
	Change change.Change
	Spans  []*otlp.Span
}

type request struct {
	parts []Part
	// remove is set for deletions, which have no parts.
	remove  *Selection
	removed int
	bytes   int
	// after holds the traces of the parts as they are then.
	after []*sgpb.Trace
	done  chan error
}

// Writer writes traces. Its methods may be called at once by many.
type Writer struct {
	store   Store
	now     func() time.Time
	queue   chan *request
	waiting atomic.Int64
	// closing is held for reading while a request is queued.
	closing sync.RWMutex
	closed  bool
	ended   chan struct{}

	// What follows belongs to the goroutine.
	cache    map[string]Stored
	revision uint64
}

// New starts a writer; now is the clock. Close ends it.
func New(s Store, now func() time.Time) *Writer {
	w := &Writer{store: s, now: now, queue: make(chan *request, waitingMax), ended: make(chan struct{}), cache: make(map[string]Stored)}
	go w.run()
	return w
}

// Close writes what waits and refuses what comes.
func (w *Writer) Close() {
	w.closing.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.closing.Unlock()
	<-w.ended
}

// Do changes traces, all of them or none, and answers them as they are then. bodyBytes is the length of the request
// that brought the parts: tags and assessments are as long as it.
func (w *Writer) Do(bodyBytes int, parts ...Part) ([]*sgpb.Trace, error) {
	r := &request{parts: parts, bytes: bodyBytes, done: make(chan error, 1)}
	for _, p := range parts {
		for _, s := range p.Spans {
			r.bytes += s.Bytes()
		}
	}
	err := w.submit(r)
	return r.after, err
}

// Remove deletes traces and says how many.
func (w *Writer) Remove(s Selection) (int, error) {
	r := &request{remove: &s, done: make(chan error, 1)}
	for _, id := range s.IDs {
		r.bytes += len(id)
	}
	err := w.submit(r)
	return r.removed, err
}

func (w *Writer) submit(r *request) error {
	if w.waiting.Add(int64(r.bytes)) > waitingBytesMax {
		w.waiting.Add(-int64(r.bytes))
		return full()
	}
	defer w.waiting.Add(-int64(r.bytes))
	if err := w.enqueue(r); err != nil {
		return err
	}
	return <-r.done
}

func (w *Writer) enqueue(r *request) error {
	w.closing.RLock()
	defer w.closing.RUnlock()
	if w.closed {
		return track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "the server is stopping")
	}
	select {
	case w.queue <- r:
		return nil
	default:
		return full()
	}
}

func full() error {
	return track.Unavailable(track.ResourceExhausted, retryAfterSeconds, "traces come faster than they are written; try again")
}

func (w *Writer) run() {
	defer close(w.ended)
	for first := range w.queue {
		batch, last := w.gather(first)
		w.commit(batch)
		if last != nil {
			w.remove(last)
		}
	}
}

// gather takes what waits, up to a deletion, which is carried out behind the others.
func (w *Writer) gather(first *request) (batch []*request, last *request) {
	bytes := 0
	for r := first; ; {
		if r.remove != nil {
			return batch, r
		}
		batch = append(batch, r)
		if bytes += r.bytes; len(batch) == batchMax || bytes >= batchBytesMax {
			return batch, nil
		}
		select {
		case next, ok := <-w.queue:
			if !ok {
				return batch, nil
			}
			r = next
		default:
			return batch, nil
		}
	}
}
