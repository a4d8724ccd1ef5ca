package alerts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

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
	b.mu.Lock()
	number.Store(b.next - 1)
	b.mu.Unlock()
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
