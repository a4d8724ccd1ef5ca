// Package commit carries decisions to the journal.
//
// Callers load what their command needs, in their own goroutines, and queue it. One committer takes whatever
// waits, decides each command against an overlay of the documents (what is cached and what this batch already
// changes), and writes what changed; then everybody is answered. Nothing is timed: while a batch is under way
// the next one gathers. So commands on one document fold into one message, and thousands a second share a few
// hundred syncs of the disk.
//
// Documents that some command ties together, by writing or by having read them, are written as one atomic batch.
// A document that stands alone is a message of its own, which costs a twentieth of a batch; when many stand alone
// they join the batch too (part.go).
//
//	caller: load, queue          -> committer: decide, evolve, Append -> caller: answer
//	another process was faster   -> reload, decide each command alone, again if need be
//	refused, or nothing to write -> answered once the documents it rests on are known to be current
//	the journal does not answer  -> the documents are forgotten, the caller hears 503
//
// The journal is authoritative; the cache is a belief that every Append checks.
package commit

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// queueMax is how many commands may wait; beyond it callers block.
	queueMax = 4096
	// batchCommandsMax bounds the commands of one step; each writes at least one message or none.
	batchCommandsMax = 1000
	// waitMax is how long a command may wait for the batches before it. Then it was not tried, and the answer is
	// a sure no; with the journal's own limit it bounds every answer.
	waitMax = 10 * time.Second
	// aloneTries is how often a command is decided anew after conflicts. Each conflict means that another
	// process succeeded, so a few suffice.
	aloneTries = 16
	// documentsMax is how many documents one command may ask for. Archiving all versions of a stage asks for the
	// most (catalog.ArchivedMax).
	documentsMax = 512
)

// Options are what decisions are given. All are required but Acks.
type Options struct {
	Now          func() time.Time
	NewID        func() string
	Lanes        uint16
	ArtifactRoot string
	Acks         *feed.Acks
}

// Committer decides and commits. Do may be called at once by many.
type Committer struct {
	journal journal.Journal
	cache   *Cache
	options Options

	queue chan *request
	// closed asks the committer to end, ended says that it has.
	closed, ended chan struct{}
	once          sync.Once
}

// request is one command on its way.
type request struct {
	command decide.Command
	began   time.Time
	// by is the caller, for the history.
	by string
	// loaded are documents that the caller read for it.
	loaded map[string]Entry
	// key is the document that answers.
	key string
	// touched are the keys that the decision has read or writes.
	touched []string

	// answered takes the request itself once doc and err are set; it has room.
	answered chan *request
	doc      *sgpb.Document
	err      error
}

// New starts a committer; Close stops it.
func New(j journal.Journal, c *Cache, o Options) *Committer {
	m := &Committer{journal: j, cache: c, options: o, queue: make(chan *request, queueMax), closed: make(chan struct{}), ended: make(chan struct{})}
	go m.run()
	return m
}

// Close ends after the batch under way; what waits is refused.
func (m *Committer) Close() {
	m.once.Do(func() { close(m.closed) })
	<-m.ended
}

var errClosed = track.Unavailable(track.TemporarilyUnavailable, 1, "the server is shutting down")

// Do carries out a command and answers its document. When ctx ends first the command may still be carried out.
func (m *Committer) Do(ctx context.Context, c decide.Command) (*sgpb.Document, error) {
	q := newRequest(c)
	q.by = track.CallerOf(ctx).Name
	if err := m.prepare(ctx, q); err != nil {
		return nil, err
	}
	select {
	case m.queue <- q:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.closed:
		return nil, errClosed
	}
	select {
	case <-q.answered:
		return q.doc, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.ended:
	}
	select {
	case <-q.answered:
		return q.doc, q.err
	default:
		return nil, errClosed // queued after the last look at the queue
	}
}

func newRequest(c decide.Command) *request {
	return &request{command: c, began: time.Now(), loaded: make(map[string]Entry), answered: make(chan *request, 1)}
}

// Load answers a document from the cache or the journal.
func (m *Committer) Load(ctx context.Context, key string) (Entry, error) {
	if !isKept(key) {
		return m.Read(ctx, key)
	}
	return m.cache.Load(ctx, key, func(ctx context.Context) (Entry, error) { return read(ctx, m.journal, key) })
}

// Read answers a document from the journal.
func (m *Committer) Read(ctx context.Context, key string) (Entry, error) {
	return read(ctx, m.journal, key)
}

// prepare loads what the command will need, so that the committer does not wait for reads: it decides once
// for nothing, to see what is missing.
func (m *Committer) prepare(ctx context.Context, q *request) error {
	for range documentsMax {
		v := &view{overlay: newOverlay(), cache: m.cache, request: q}
		_, err := decide.Decide(v, q.command, m.given(q))
		var missing *decide.Missing
		if !errors.As(err, &missing) {
			return nil // refusals are the committer's to make
		}
		e, err := m.Load(ctx, missing.Key)
		if err != nil {
			return err
		}
		q.loaded[missing.Key] = e
	}
	return tooManyDocuments()
}

func (m *Committer) given(q *request) decide.Given {
	return decide.Given{NowMS: m.options.Now().UnixMilli(), By: q.by, ID: m.options.NewID(), Lanes: m.options.Lanes, ArtifactRoot: m.options.ArtifactRoot}
}

// run is the one goroutine that decides.
func (m *Committer) run() {
	defer close(m.ended)
	for {
		select {
		case q := <-m.queue:
			for batch := refuseLate(m.gather(q), waitMax); len(batch) > 0; {
				batch = refuseLate(m.step(context.Background(), batch), waitMax)
			}
		case <-m.closed:
			m.refuseWaiting()
			return
		}
	}
}

// refuseLate answers the commands that have waited too long and keeps the others.
func refuseLate(batch []*request, wait time.Duration) []*request {
	return slices.DeleteFunc(batch, func(q *request) bool {
		late := time.Since(q.began) > wait
		if late {
			q.answer(nil, track.Unavailable(track.TemporarilyUnavailable, 1, "the documents' journal is too slow: the request waited %v and was not tried; come back in a moment", wait))
		}
		return late
	})
}

func (m *Committer) refuseWaiting() {
	for {
		select {
		case q := <-m.queue:
			q.answer(nil, errClosed)
		default:
			return
		}
	}
}

// gather takes what else waits. Those who were answered just now often come back at once, so it lets them run
// and looks again as long as somebody came: a batch costs nearly the same for two commands and for a hundred.
func (m *Committer) gather(first *request) []*request {
	batch := []*request{first}
	for before := 0; before < len(batch); {
		before = len(batch)
		runtime.Gosched()
		batch = m.drain(batch)
	}
	return batch
}

func (m *Committer) drain(batch []*request) []*request {
	for len(batch) < batchCommandsMax {
		select {
		case q := <-m.queue:
			batch = append(batch, q)
		default:
			return batch
		}
	}
	return batch
}

func (q *request) answer(doc *sgpb.Document, err error) {
	q.doc, q.err = doc, err
	q.answered <- q
}

// view is what one decision sees: the batch so far, then the newest of what is cached and what its caller read.
type view struct {
	overlay *overlay
	cache   *Cache // nil: only what is pinned
	request *request
}

func (v *view) Document(key string) (*sgpb.Document, bool) {
	v.request.touched = append(v.request.touched, key)
	if s, ok := v.overlay.slots[key]; ok {
		return s.doc, true
	}
	if v.cache == nil {
		return nil, false
	}
	own, read := v.request.loaded[key]
	if e, ok := v.cache.Get(key); ok && (!read || e.Revision > own.Revision) {
		return v.overlay.pin(key, e, false).doc, true
	}
	if read {
		return v.overlay.pin(key, own, false).doc, true
	}
	return nil, false
}
