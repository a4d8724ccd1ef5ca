package alerts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// PlacesMax is how many events are kept as documents and in memory, some 8 MiB. ClickHouse has all. It is more than judging
	// finds between two snapshots, so that an event that is found again is known.
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
	hear    Hearer
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

// Record stores the events that are not known yet, with the channels that are to be told.
func (b *Book) Record(ctx context.Context, events []*sgpb.AlertEvent) error {
	b.recording.Lock()
	defer b.recording.Unlock()
	if err := b.open(ctx); err != nil {
		return err
	}
	entry, err := b.documents.Load(ctx, document.AlertRules)
	if err != nil && !b.spoil(document.AlertRules, err) {
		return err
	}
	rules := entry.Doc.GetAlertRules().GetRules()
	var g errgroup.Group // an error of one leaves the others alone: they may be stored already
	g.SetLimit(atOnce)
	stored := make([]bool, len(events))
	var number atomic.Uint64
	number.Store(b.next - 1)
	for i, e := range events {
		b.mu.Lock()
		known := b.ids[e.GetId()]
		full := b.waiting[e.GetRuleId()] >= waitingMax
		b.mu.Unlock()
		if known {
			continue
		}
		e.Number = b.readable(&number)
		e.Deliveries = b.deliveries(Find(rules, e.GetRuleId()), e, full)
		g.Go(func() (err error) {
			stored[i], err = b.put(ctx, e, &number)
			return err
		})
	}
	err = g.Wait()
	for i, e := range events { // in their order, so that nobody is told of an end before its beginning
		if stored[i] {
			b.keep(e)
		}
	}
	return err
}

// readable counts on to a number whose place is not damaged.
func (b *Book) readable(number *atomic.Uint64) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range PlacesMax {
		if n := number.Add(1); !b.damaged[place(n)] {
			return n
		}
	}
	return number.Add(1) // all are damaged: it will be refused
}

// put stores an event in its place, or in a later one if that turns out to be damaged.
func (b *Book) put(ctx context.Context, e *sgpb.AlertEvent, number *atomic.Uint64) (bool, error) {
	for tries := 1; ; tries++ {
		_, err := b.documents.Do(ctx, decide.By(record{e}))
		if err == nil {
			return true, nil
		}
		if !b.spoil(document.AlertEventKey(place(e.GetNumber())), err) || tries == PlacesMax {
			return false, err
		}
		e.Number = b.readable(number)
	}
}

// deliveries are what is to be done to tell of an event.
func (b *Book) deliveries(rule *sgpb.AlertRule, e *sgpb.AlertEvent, full bool) []*sgpb.AlertDelivery {
	if rule == nil {
		return nil
	}
	r, err := RuleOf(rule)
	if err != nil {
		b.hear.Unreadable(RuleName(rule), err)
		return nil
	}
	var out []*sgpb.AlertDelivery
	for _, c := range r.Channels {
		sum := sha256.Sum256([]byte(e.GetId() + "/" + c.ID))
		d := &sgpb.AlertDelivery{Channel: c.Type, Id: webhook.UUID([16]byte(sum[:16])), ChannelId: c.ID}
		if full {
			d.GivenUp, d.Error = true, fmt.Sprintf("%d events of this alert wait already", waitingMax)
		}
		out = append(out, d)
	}
	return out
}

// RuleName tells a rule's revision from others where it cannot be read.
func RuleName(rule *sgpb.AlertRule) string {
	return fmt.Sprintf("%s: %s, revision %d", document.AlertRules, rule.GetId(), rule.GetRevision())
}

// ChannelID is the id of an event's delivery's channel.
func ChannelID(e *sgpb.AlertEvent, delivery int) string {
	return cmp.Or(e.GetDeliveries()[delivery].GetChannelId(), strconv.Itoa(delivery))
}

// record puts an event into its place.
type record struct{ event *sgpb.AlertEvent }

// Decide takes the place, unless a later event has it.
func (c record) Decide(d *decide.Decider) error {
	key := document.AlertEventKey(place(c.event.GetNumber()))
	doc, err := d.Load(key)
	if err != nil {
		return err
	}
	d.Answer(key)
	if doc.GetAlertEvent().GetNumber() > c.event.GetNumber() {
		return nil
	}
	d.Change(key, nil, func(doc *sgpb.Document) { doc.Body = &sgpb.Document_AlertEvent{AlertEvent: c.event} })
	return nil
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

// Note stores how it went to tell one channel.
func (b *Book) Note(ctx context.Context, number uint64, channel int, went *sgpb.AlertDelivery) error {
	b.noting.Lock()
	defer b.noting.Unlock()
	doc, err := b.documents.Do(ctx, decide.By(note{number, channel, went}))
	if err != nil && b.spoil(document.AlertEventKey(place(number)), err) {
		if e := b.Get(number); e != nil { // until the process ends it is known here
			b.keep(noted(e, channel, went))
		}
		return nil
	}
	if err != nil {
		return err
	}
	if e := doc.GetAlertEvent(); e.GetNumber() == number {
		b.keep(e)
	}
	return nil
}

type note struct {
	number  uint64
	channel int
	went    *sgpb.AlertDelivery
}

// Decide replaces the delivery, unless the place has another event now.
func (c note) Decide(d *decide.Decider) error {
	key := document.AlertEventKey(place(c.number))
	doc, err := d.Load(key)
	if err != nil {
		return err
	}
	d.Answer(key)
	e := doc.GetAlertEvent()
	if e.GetNumber() != c.number || c.channel >= len(e.GetDeliveries()) {
		return nil
	}
	d.Change(key, nil, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_AlertEvent{AlertEvent: noted(doc.GetAlertEvent(), c.channel, c.went)}
	})
	return nil
}

func noted(e *sgpb.AlertEvent, channel int, went *sgpb.AlertDelivery) *sgpb.AlertEvent {
	next := proto.Clone(e).(*sgpb.AlertEvent)
	next.Deliveries[channel] = went
	return next
}

// List answers events before a number, the newest first, and whether there are more. rule and run are "" for all.
func (b *Book) List(before uint64, rule, run string, max int) (out []*sgpb.AlertEvent, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if before == 0 || before > b.next {
		before = b.next
	}
	for n := before - 1; n > 0 && n+PlacesMax >= b.next; n-- {
		e := b.places[place(n)]
		if e.GetNumber() != n || rule != "" && e.GetRuleId() != rule || run != "" && e.GetRunId() != run {
			continue
		}
		if len(out) == max {
			return out, true
		}
		out = append(out, e)
	}
	return out, false
}
