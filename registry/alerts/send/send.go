package send

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/registry/alerts/turns"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/registry/webhook/seal"
	hooks "github.com/streamgauge/streamgauge/registry/webhook/send"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const retryWait = time.Second

// Options adjust a sender.
type Options struct {
	Guard webhook.Guard
	// Box holds the key of secrets.
	Box *seal.Box
	// Mail sends e-mail; nil: none is sent.
	Mail *Mailer
	// Home is the address of the web page.
	Home string
	Log  *slog.Logger
	// Sleep waits; nil: it does.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Sender tells people. A channel that is away holds up itself and no other.
type Sender struct {
	Options
	Book      *alerts.Book
	documents alerts.Documents
	poster    *hooks.Poster
	turns     *turns.Turns
	sent      *prometheus.CounterVec
	// unreadable counts what bad has, which was told.
	unreadable prometheus.Counter

	mu  sync.Mutex
	bad map[string]bool
	// queues are the deliveries that wait by channel; one that is there has a worker.
	queues map[queue][]waiting
	// run is nil until Run.
	run func(queue)
}

// queue is a channel of a rule, wherever it stands among them.
type queue struct{ rule, channel string }

// waiting is an event, and which of its deliveries waits.
type waiting struct {
	number   uint64
	delivery int
}

// badMax bounds what is remembered of documents that cannot be read; it is more than there are events and rules.
const badMax = 20_000

// New makes a sender and its book; Run lets it send.
func New(d alerts.Documents, keys alerts.Lister, o Options) *Sender {
	if o.Box == nil {
		o.Box = seal.Draw()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Sleep == nil {
		o.Sleep = hooks.Sleep
	}
	s := &Sender{
		Options: o, documents: d, poster: hooks.NewPoster(o.Guard), turns: turns.New(time.Now), queues: make(map[queue][]waiting), bad: make(map[string]bool),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "streamgauge_alerts_sent_total", Help: "Attempts to tell people of alerts, by channel and by what came of it: delivered, failed (it is tried again), given_up.",
		}, []string{"channel", "outcome"}),
	}
	s.unreadable = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "streamgauge_alerts_unreadable_total", Help: "Rules and events of alerts that cannot be read and are passed over.",
	})
	s.Book = alerts.NewBook(d, keys, s)
	return s
}

// Collectors are the sender's metrics.
func (s *Sender) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.sent, s.unreadable}
}

// Unreadable tells once of what is passed over.
func (s *Sender) Unreadable(name string, err error) {
	s.mu.Lock()
	known := s.bad[name]
	if !known && len(s.bad) < badMax {
		s.bad[name] = true
	}
	s.mu.Unlock()
	if !known {
		s.unreadable.Inc()
		s.Log.Error("something of alerts cannot be read and is passed over; the others go on", "what", name, "error", err)
	}
}

// Told hears of an event that somebody waits for.
func (s *Sender) Told(e *sgpb.AlertEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range e.GetDeliveries() {
		if d.GetDelivered() || d.GetGivenUp() {
			continue
		}
		q := queue{e.GetRuleId(), alerts.ChannelID(e, i)}
		_, works := s.queues[q]
		s.queues[q] = append(s.queues[q], waiting{e.GetNumber(), i})
		if !works && s.run != nil {
			s.run(q)
		}
	}
}

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	for {
		err := s.Book.Open(ctx)
		if err == nil {
			break
		}
		s.Log.Warn("events of alerts cannot be read, trying again", "error", err)
		if s.Sleep(ctx, retryWait) != nil {
			return
		}
	}
	s.mu.Lock()
	s.run = func(q queue) { group.Go(func() { s.work(ctx, q) }) }
	for q := range s.queues {
		s.run(q)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.run = nil
	s.mu.Unlock()
}

// work tells one channel of its events, one after the other.
func (s *Sender) work(ctx context.Context, q queue) {
	for {
		s.mu.Lock()
		line := s.queues[q]
		if len(line) == 0 {
			delete(s.queues, q)
			s.mu.Unlock()
			return
		}
		next := line[0]
		s.mu.Unlock()
		if err := s.deliver(ctx, next); err != nil {
			if ctx.Err() != nil {
				return
			}
			s.Log.Warn("telling of an alert is interrupted, trying again", "error", err)
			if s.Sleep(ctx, retryWait) != nil {
				return
			}
			continue
		}
		s.mu.Lock()
		s.queues[q] = s.queues[q][1:]
		s.mu.Unlock()
	}
}

// deliver tries until the channel has the event or no other attempt is due. Each attempt is noted as soon as it is over. An
// error means that it could not be noted.
func (s *Sender) deliver(ctx context.Context, w waiting) error {
	e := s.Book.Get(w.number)
	if e == nil {
		return nil // a later event has its place
	}
	before := e.GetDeliveries()[w.delivery]
	if before.GetDelivered() || before.GetGivenUp() {
		return nil
	}
	for attempt := int(before.GetAttempts()) + 1; ; attempt++ {
		answer, err := s.attempt(ctx, e, alerts.ChannelID(e, w.delivery), before.GetId())
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait, again := answer.Outcome.Again(attempt)
		d := &sgpb.AlertDelivery{
			Channel: before.GetChannel(), ChannelId: before.GetChannelId(), Id: before.GetId(), Attempts: uint32(attempt), AttemptMs: time.Now().UnixMilli(),
			Status: uint32(answer.Outcome.Status), Error: answer.Trouble(), Delivered: answer.Outcome.Delivered(),
		}
		d.GivenUp = !d.Delivered && !again
		if err := s.Book.Note(ctx, w.number, w.delivery, d); err != nil {
			return err
		}
		s.count(d)
		if d.Delivered || d.GivenUp {
			return nil
		}
		if err := s.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (s *Sender) count(d *sgpb.AlertDelivery) {
	outcome := "failed"
	switch {
	case d.GetDelivered():
		outcome = "delivered"
	case d.GetGivenUp():
		outcome = "given_up"
		s.Log.Warn("telling of an alert is given up", "channel", d.GetChannel(), "attempts", d.GetAttempts(), "error", d.GetError())
	}
	s.sent.WithLabelValues(d.GetChannel(), outcome).Inc()
}

// attempt goes by the rule as it is now.
func (s *Sender) attempt(ctx context.Context, e *sgpb.AlertEvent, channelID, id string) (hooks.Answer, error) {
	entry, err := s.documents.Load(ctx, document.AlertRules)
	if err != nil {
		return hooks.Answer{}, err
	}
	stored := alerts.Find(entry.Doc.GetAlertRules().GetRules(), e.GetRuleId())
	if stored == nil {
		return final(fmt.Errorf("the alert was deleted")), nil
	}
	r, err := alerts.RuleOf(stored)
	if err != nil {
		return final(err), nil
	}
	channel := alerts.ChannelAt(r, channelID)
	if channel < 0 {
		return final(fmt.Errorf("the alert has no such channel any more")), nil
	}
	return s.tell(ctx, e, &r.Channels[channel], alerts.Secret(stored, channel), id), nil
}

func final(err error) hooks.Answer {
	return hooks.Answer{Outcome: webhook.Outcome{Final: true}, Err: err}
}

// tell makes one attempt.
func (s *Sender) tell(ctx context.Context, e *sgpb.AlertEvent, c *alert.Channel, sealed []byte, id string) hooks.Answer {
	end, err := s.turns.Take(ctx, receiver(c))
	if err != nil {
		return final(err)
	}
	defer end()
	switch c.Type {
	case alert.Email:
		return s.Mail.send(ctx, c.To, id, subject(e), text(e, s.about(ctx, e), s.Home))
	case alert.Slack:
		b, err := slackBody(text(e, s.about(ctx, e), s.Home))
		if err != nil {
			return final(err)
		}
		return s.poster.Post(ctx, hooks.Delivery{URL: c.URL, ID: id, Body: b, At: time.Now()})
	default:
		secret, err := s.Box.Open(sealed)
		if err != nil {
			return final(err)
		}
		b, err := body(e, s.Home)
		if err != nil {
			return final(err)
		}
		return s.poster.Post(ctx, hooks.Delivery{URL: c.URL, Secret: secret, ID: id, Body: b, At: time.Now()})
	}
}

// receiver is whom an attempt may hang on: a host, or the mail server.
func receiver(c *alert.Channel) string {
	if c.Type == alert.Email {
		return alert.Email
	}
	if at, err := url.Parse(c.URL); err == nil {
		return at.Host
	}
	return c.URL
}
