// Package live pushes new points to browsers: one stream of server-sent events each, for all its charts.
//
//	consumer -> Hub.ObserveSections -> queue of each stream that wants the run -> its writer -> rows -> browser
//
// The consumers wait for the hub, so it only puts pointers to sections, which are immutable, into queues. A queue is
// bounded by points; a stream that falls behind loses all of it and is told to read again. Nothing here reads ClickHouse.
// A stream outlives its connection for a while, so that a browser that comes back need not subscribe again.
package live

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// streamsMax bounds the streams of a server, pairsMax the runs and keys of one.
	streamsMax = 256
	pairsMax   = 2_000
	// queuePointsMax bounds what waits for a reader, whatever of it the stream wants in the end.
	queuePointsMax = 1 << 20
	// keepFor is how long a stream waits for its browser to come back.
	keepFor = time.Minute
)

// Hub knows all streams. It implements feed.Observer, and is safe for concurrent use.
type Hub struct {
	mu      sync.Mutex
	closed  bool
	streams map[string]*stream
	byRun   map[string]map[*stream]struct{}
	now     func() time.Time
}

var _ feed.Observer = (*Hub)(nil)

// NewHub makes a hub without streams.
func NewHub() *Hub {
	return &Hub{streams: make(map[string]*stream), byRun: make(map[string]map[*stream]struct{}), now: time.Now}
}

// stream is one browser's.
type stream struct {
	id, caller string
	// wake has room for one: whoever writes looks at everything.
	wake chan struct{}
	// rows is held while rows are gathered, which notes the lowest ranks: a connection before may still be at it.
	rows sync.Mutex

	// The rest belongs to Hub.mu. connection counts up with each connection, the last one writes.
	connection int
	connected  bool
	left       time.Time
	wants      map[string][]want
	queue      []*feed.Section
	points     int
	// reset is why the reader must read again, "" if it need not.
	reset  string
	events uint64
}

// ObserveSections implements feed.Observer.
func (h *Hub) ObserveSections(sections []*feed.Section) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.byRun) == 0 {
		return
	}
	for _, sec := range sections {
		for s := range h.byRun[sec.RunID] {
			s.push(sec)
		}
	}
}

// ObserveDocuments implements feed.Observer; documents are not pushed.
func (h *Hub) ObserveDocuments([]feed.Document) {}

// DocumentsApplied implements feed.Observer.
func (h *Hub) DocumentsApplied(uint64) {}

// push queues a section. The lock is held.
func (s *stream) push(sec *feed.Section) {
	if s.reset != "" || !s.connected {
		return // it must read again anyway
	}
	if s.points += sec.Points.Len(); s.points > queuePointsMax {
		s.queue, s.points, s.reset = nil, 0, reasonSlow
	} else {
		s.queue = append(s.queue, sec)
	}
	s.notify()
}

func (s *stream) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// The reasons of a reset.
const (
	reasonSlow    = "slow"
	reasonResumed = "resumed"
	reasonUnknown = "unknown"
)

// open finds the stream that a browser comes back to, or makes one. The connection's number tells it from those before.
func (h *Hub) open(last, caller string) (s *stream, connection int, resumed bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sweep()
	s = h.streams[last]
	if resumed = s != nil && s.caller == caller; !resumed {
		if h.closed || len(h.streams) >= streamsMax {
			return nil, 0, false, track.Unavailable(track.TemporarilyUnavailable, 10, "there are %d live streams, as many as one server has; close some", streamsMax)
		}
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		s = &stream{id: hex.EncodeToString(b[:]), caller: caller, wake: make(chan struct{}, 1)}
		h.streams[s.id] = s
		if last != "" {
			s.reset = reasonUnknown
		}
	} else {
		s.queue, s.points, s.reset = nil, 0, reasonResumed
	}
	s.connection++
	s.connected = true
	s.notify()
	return s, s.connection, resumed, nil
}

// leave keeps a stream for a while after its connection has ended.
func (h *Hub) leave(s *stream, connection int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.connection == connection {
		s.connected, s.left, s.queue, s.points = false, h.now(), nil, 0
	}
	h.sweep()
}

// sweep forgets streams whose browsers did not come back. The lock is held.
func (h *Hub) sweep() {
	for id, s := range h.streams {
		if !s.connected && h.now().Sub(s.left) > keepFor {
			h.unsubscribe(s)
			delete(h.streams, id)
		}
	}
}

func (h *Hub) unsubscribe(s *stream) {
	for run := range s.wants {
		delete(h.byRun[run], s)
		if len(h.byRun[run]) == 0 {
			delete(h.byRun, run)
		}
	}
	s.wants = nil
}

// subscribe replaces what a stream brings. Only who opened it may.
func (h *Hub) subscribe(id, caller string, wants map[string][]want) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[id]
	if s == nil || s.caller != caller {
		return track.Errorf(track.ResourceDoesNotExist, "There is no live stream '%.40s'; open one with GET /v1/live", id)
	}
	h.unsubscribe(s)
	s.wants = wants
	for run := range wants {
		if h.byRun[run] == nil {
			h.byRun[run] = make(map[*stream]struct{})
		}
		h.byRun[run][s] = struct{}{}
	}
	return nil
}

// batch is what a writer sends next.
type batch struct {
	ended    bool
	reset    string
	sections []*feed.Section
	wants    map[string][]want
	event    uint64
}

// take gives a connection what waits for it.
func (h *Hub) take(s *stream, connection int) batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || s.connection != connection {
		s.notify() // what woke this connection was meant for the one that came after it
		return batch{ended: true}
	}
	s.events++
	b := batch{reset: s.reset, sections: s.queue, wants: s.wants, event: s.events}
	s.queue, s.points, s.reset = nil, 0, ""
	return b
}

// Close ends all streams; the server stops.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, s := range h.streams {
		s.notify()
	}
}
