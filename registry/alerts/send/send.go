package send

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/registry/webhook/seal"
	hooks "github.com/streamgauge/streamgauge/registry/webhook/send"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	// attemptsAtOnce bounds the attempts under way.
	attemptsAtOnce = 32
	retryWait      = time.Second
)

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
	turn      chan struct{}
	sent      *prometheus.CounterVec

	mu sync.Mutex
	// queues are the events that wait by channel; one that is there has a worker.
	queues map[queue][]uint64
	// run is nil until Run.
	run func(queue)
}

// queue is a channel of a rule.
type queue struct {
	rule    string
	channel int
}

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
		Options: o, documents: d, poster: hooks.NewPoster(o.Guard), turn: make(chan struct{}, attemptsAtOnce), queues: make(map[queue][]uint64),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "streamgauge_alerts_sent_total", Help: "Attempts to tell people of alerts, by channel and by what came of it: delivered, failed (it is tried again), given_up.",
		}, []string{"channel", "outcome"}),
	}
	s.Book = alerts.NewBook(d, keys, s.queue)
	return s
}

// Collectors are the sender's metrics.
func (s *Sender) Collectors() []prometheus.Collector { return []prometheus.Collector{s.sent} }

// queue hears of an event that somebody waits for.
func (s *Sender) queue(e *sgpb.AlertEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range e.GetDeliveries() {
		if d.GetDelivered() || d.GetGivenUp() {
			continue
		}
		q := queue{e.GetRuleId(), i}
		_, works := s.queues[q]
		s.queues[q] = append(s.queues[q], e.GetNumber())
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
		waiting := s.queues[q]
		if len(waiting) == 0 {
			delete(s.queues, q)
			s.mu.Unlock()
			return
		}
		number := waiting[0]
		s.mu.Unlock()
		if err := s.deliver(ctx, number, q.channel); err != nil {
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
func (s *Sender) deliver(ctx context.Context, number uint64, channel int) error {
	e := s.Book.Get(number)
	if e == nil {
		return nil // a later event has its place
	}
	before := e.GetDeliveries()[channel]
	if before.GetDelivered() || before.GetGivenUp() {
		return nil
	}
	for attempt := int(before.GetAttempts()) + 1; ; attempt++ {
		answer, err := s.attempt(ctx, e, channel, before.GetId())
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait, again := answer.Outcome.Again(attempt)
		d := &sgpb.AlertDelivery{
			Channel: before.GetChannel(), Id: before.GetId(), Attempts: uint32(attempt), AttemptMs: time.Now().UnixMilli(),
			Status: uint32(answer.Outcome.Status), Error: answer.Trouble(), Delivered: answer.Outcome.Delivered(),
		}
		d.GivenUp = !d.Delivered && !again
		if err := s.Book.Note(ctx, number, channel, d); err != nil {
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
func (s *Sender) attempt(ctx context.Context, e *sgpb.AlertEvent, channel int, id string) (hooks.Answer, error) {
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
	if channel >= len(r.Channels) {
		return final(fmt.Errorf("the alert has no such channel any more")), nil
	}
	return s.tell(ctx, e, &r.Channels[channel], alerts.Secret(stored, channel), id), nil
}

func final(err error) hooks.Answer {
	return hooks.Answer{Outcome: webhook.Outcome{Final: true}, Err: err}
}

// tell makes one attempt.
func (s *Sender) tell(ctx context.Context, e *sgpb.AlertEvent, c *alert.Channel, sealed []byte, id string) hooks.Answer {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return final(ctx.Err())
	}
	switch c.Type {
	case alert.Email:
		return s.Mail.send(ctx, c.To, id, subject(e), text(e, s.Home))
	case alert.Slack:
		b, err := slackBody(e, s.Home)
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
