package alerts

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// PlacesMax is how many events are kept as documents and in memory, some 8 MiB, and as many imported ones in memory. ClickHouse has
	// all. It is more than judging finds between two snapshots, so that an event that is found again is known.
	PlacesMax = 10_000
	// waitingMax is how many events of a rule may wait for people to be told: who is told a thousand things is told nothing.
	waitingMax = 1_000
	// atOnce are stored together.
	atOnce = 64
)

// Documents is the registry's committer.
type Documents interface {
	Do(ctx context.Context, c decide.Command) (*sgpb.Document, error)
	Load(ctx context.Context, key string) (commit.Entry, error)
}

// Lister lists the keys of a prefix.
type Lister interface {
	List(ctx context.Context, prefix string) ([]string, error)
}

// Book is the newest events. Its methods may be called at once by many. What it answers is shared: do not change it.
type Book struct {
	documents Documents
	keys      Lister
	// recording makes finding out what is new and storing it one step.
	recording sync.Mutex
	// noting makes storing how one went and remembering it one step.
	noting sync.Mutex

	mu     sync.Mutex
	loaded bool
	next   uint64
	places map[uint64]*sgpb.AlertEvent
	ids    map[string]bool
	// waiting counts events by rule of which somebody is not told yet.
	waiting map[string]int
	// damaged are places whose document cannot be read. They are passed over.
	damaged map[uint64]bool
	// imported are the newest events of other servers, the oldest first.
	imported []*sgpb.AlertEvent
	hear     Hearer
}

// Hearer hears what a book finds.
type Hearer interface {
	// Told is an event that somebody waits for.
	Told(e *sgpb.AlertEvent)
	// Unreadable is a document, or a rule, that is passed over, by a name that is the same each time.
	Unreadable(name string, err error)
}

// NewBook makes a book that reads itself when it is first needed.
func NewBook(d Documents, keys Lister, hear Hearer) *Book {
	return &Book{
		documents: d, keys: keys, hear: hear, next: 1,
		places: make(map[uint64]*sgpb.AlertEvent), ids: make(map[string]bool), waiting: make(map[string]int), damaged: make(map[uint64]bool),
	}
}

// spoil passes over a place if that is what an error says.
func (b *Book) spoil(key string, err error) bool {
	if track.CodeOf(err) != track.DataLoss {
		return false
	}
	if at, bad := strconv.ParseUint(strings.TrimPrefix(key, document.AlertEventPrefix), 10, 64); bad == nil {
		b.mu.Lock()
		b.damaged[at] = true
		b.mu.Unlock()
	}
	b.hear.Unreadable(key, err)
	return true
}

// Open reads the events, once.
func (b *Book) Open(ctx context.Context) error {
	b.recording.Lock()
	defer b.recording.Unlock()
	return b.open(ctx)
}

func (b *Book) open(ctx context.Context) error {
	if b.loaded {
		return nil
	}
	keys, err := b.keys.List(ctx, document.AlertEventPrefix)
	if err != nil {
		return fmt.Errorf("list events of alerts: %w", err)
	}
	var all []*sgpb.AlertEvent
	for _, key := range keys {
		e, err := b.documents.Load(ctx, key)
		if b.spoil(key, err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("load event of an alert: %w", err)
		}
		if event := e.Doc.GetAlertEvent(); event != nil {
			all = append(all, event)
		}
	}
	slices.SortFunc(all, func(x, y *sgpb.AlertEvent) int { return cmp.Compare(x.GetNumber(), y.GetNumber()) })
	for _, e := range all {
		b.keep(e)
	}
	if err := b.openImported(ctx); err != nil {
		return err
	}
	b.loaded = true
	return nil
}

// place is where an event lies.
func place(number uint64) uint64 { return number % PlacesMax }

// Open says whether somebody is to be told of an event still.
func Open(e *sgpb.AlertEvent) bool {
	return slices.ContainsFunc(e.GetDeliveries(), func(d *sgpb.AlertDelivery) bool { return !d.GetDelivered() && !d.GetGivenUp() })
}

// keep takes an event in, in place of one that is older or the same.
func (b *Book) keep(e *sgpb.AlertEvent) {
	b.mu.Lock()
	at := place(e.GetNumber())
	old := b.places[at]
	if old.GetNumber() != e.GetNumber() {
		delete(b.ids, old.GetId())
	}
	if old != nil && Open(old) {
		b.waiting[old.GetRuleId()]--
	}
	b.places[at], b.ids[e.GetId()] = e, true
	b.next = max(b.next, e.GetNumber()+1)
	open := Open(e)
	if open {
		b.waiting[e.GetRuleId()]++
	}
	b.mu.Unlock()
	if open && old.GetNumber() != e.GetNumber() {
		b.hear.Told(e)
	}
}

// Get answers an event, nil if it is not kept any more.
func (b *Book) Get(number uint64) *sgpb.AlertEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.places[place(number)]; e.GetNumber() == number {
		return e
	}
	return nil
}
