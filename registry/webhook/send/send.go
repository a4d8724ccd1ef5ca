// Package send delivers webhooks: for each active one it reads the changes of registered models behind the position
// in the webhook's log, one after the other, and posts those that name it. A receiver that is away holds up its own
// webhook and no other. An attempt is noted in the log as soon as it is over; the position moves when the receiver has
// the event or the attempts are used up. So a crash anywhere repeats an attempt and leaves out none.
package send

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/registry/webhook/seal"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Message is one message of the stream of changes: an encoded document.
type Message struct {
	Key      string
	Revision uint64
	Data     []byte
}

// Source reads the changes of registered models and versions, by rising revision.
type Source interface {
	// Next waits for the next ones.
	Next(ctx context.Context) ([]Message, error)
	Close()
}

// Documents is the registry's committer.
type Documents interface {
	Do(ctx context.Context, c decide.Command) (*sgpb.Document, error)
	Load(ctx context.Context, key string) (commit.Entry, error)
}

// Options adjust a sender. The zero value sends nothing but tests.
type Options struct {
	// Open reads changes behind a revision. nil: nothing is delivered.
	Open func(after uint64) Source
	// Last is a revision that is not older than any acknowledged one. nil: 0.
	Last  func(ctx context.Context) (uint64, error)
	Guard webhook.Guard
	// Box holds the key of secrets; nil: one that nobody keeps.
	Box *seal.Box
	Log *slog.Logger
	// Sleep waits; nil: it does.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now is the clock; nil: the real one.
	Now func() time.Time
}

// Sender delivers webhooks.
type Sender struct {
	Options
	documents Documents
	poster    *Poster
	kick      chan struct{}
}

// New makes a sender; Run lets it deliver.
func New(d Documents, o Options) *Sender {
	if o.Box == nil {
		o.Box = seal.Draw()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Sleep == nil {
		o.Sleep = Sleep
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Sender{Options: o, documents: d, poster: NewPoster(o.Guard), kick: make(chan struct{}, 1)}
}

// Sleep waits, or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Observe hears of documents: when the webhooks change, workers start and end.
func (s *Sender) Observe(docs []feed.Document) {
	for _, d := range docs {
		if d.Key == document.Webhooks {
			select {
			case s.kick <- struct{}{}:
			default: // it will look anyway
			}
		}
	}
}

// retryWait is how long to wait after trouble with the bus.
const retryWait = time.Second

// Run delivers until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	if s.Open == nil {
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	running := make(map[string]context.CancelFunc)
	defer func() {
		for _, end := range running {
			end()
		}
	}()
	for {
		all, err := s.webhooks(ctx)
		if err != nil {
			s.Log.Warn("webhooks cannot be read, trying again", "error", err)
			if s.Sleep(ctx, retryWait) != nil {
				return
			}
			continue
		}
		for id, end := range running {
			if w := webhook.Find(all, id); !w.GetActive() {
				end()
				delete(running, id)
			}
		}
		for _, w := range all {
			id := w.GetId()
			if running[id] == nil && w.GetActive() {
				work, end := context.WithCancel(ctx)
				running[id] = end
				group.Go(func() { s.work(work, id) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		}
	}
}

func (s *Sender) webhooks(ctx context.Context) ([]*sgpb.Webhook, error) {
	e, err := s.documents.Load(ctx, document.Webhooks)
	return e.Doc.GetWebhooks().GetWebhooks(), err
}

// work delivers to one webhook. After trouble with the bus it begins again behind its position.
func (s *Sender) work(ctx context.Context, id string) {
	for ctx.Err() == nil {
		if err := s.follow(ctx, id); err != nil && ctx.Err() == nil {
			s.Log.Warn("webhook is interrupted, trying again", "webhook", id, "error", err)
			if s.Sleep(ctx, retryWait) != nil {
				return
			}
		}
	}
}

func (s *Sender) follow(ctx context.Context, id string) error {
	e, err := s.documents.Load(ctx, document.WebhookLogKey(id))
	if err != nil {
		return err
	}
	src := s.Open(e.Doc.GetWebhookLog().GetRevision())
	defer src.Close()
	for {
		messages, err := src.Next(ctx)
		if err != nil {
			return err
		}
		for _, m := range messages {
			change, err := s.read(ctx, m)
			if err != nil {
				return err
			}
			if !slices.Contains(change.GetNotice().GetWebhookIds(), id) {
				continue
			}
			if err := s.deliver(ctx, id, m.Revision, change); err != nil {
				return err
			}
		}
	}
}

// read decodes a change, nil if the bytes are none: then the loop of documents has them in quarantine. A large one is
// in parts, which are read by its key; nobody writes over a change.
func (s *Sender) read(ctx context.Context, m Message) (*sgpb.Change, error) {
	doc := new(sgpb.Document)
	if proto.Unmarshal(m.Data, doc) != nil {
		return nil, nil
	}
	if doc.GetChunks() == 0 {
		return doc.GetChange(), nil
	}
	e, err := s.documents.Load(ctx, m.Key)
	if track.CodeOf(err) == track.DataLoss {
		return nil, nil
	}
	return e.Doc.GetChange(), err
}

// deliver tries until the receiver has the event or no other attempt is due. An error means that the outcome could
// not be noted.
func (s *Sender) deliver(ctx context.Context, id string, revision uint64, c *sgpb.Change) error {
	for attempt := 1; ; attempt++ {
		all, err := s.webhooks(ctx)
		if err != nil {
			return err
		}
		w := webhook.Find(all, id)
		if w == nil {
			<-ctx.Done() // deleted: the end is on its way
			return ctx.Err()
		}
		d := &sgpb.WebhookDelivery{
			Id: webhook.DeliveryID(id, revision), Event: c.GetNotice().GetEvent(), Revision: revision,
			EventMs: c.GetTimeMs(), AttemptMs: s.Now().UnixMilli(), Attempts: uint32(attempt),
		}
		answer := s.post(ctx, w, d.Id, d.Event, c.GetNotice().GetData(), c.GetTimeMs())
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait, again := answer.Outcome.Again(attempt)
		d.Status, d.Error = uint32(answer.Outcome.Status), answer.Trouble()
		d.Delivered = answer.Outcome.Delivered()
		d.GivenUp = !d.Delivered && !again
		if _, err := s.documents.Do(ctx, decide.By(webhook.Record{ID: id, Delivery: d})); err != nil {
			return err
		}
		if d.Delivered || d.GivenUp {
			if d.GivenUp {
				s.Log.Warn("webhook's delivery is given up", "webhook", id, "event", d.Event, "attempts", attempt, "error", d.Error)
			}
			return nil
		}
		if err := s.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// post makes one attempt.
func (s *Sender) post(ctx context.Context, w *sgpb.Webhook, id, event string, data []byte, timeMS int64) Answer {
	secret, err := s.Box.Open(w.GetSecret())
	if err != nil {
		return Answer{Outcome: webhook.Outcome{Final: true}, Err: err}
	}
	body, err := webhook.Body(event, data, timeMS)
	if err != nil {
		return Answer{Outcome: webhook.Outcome{Final: true}, Err: err}
	}
	return s.poster.Post(ctx, Delivery{URL: w.GetUrl(), Secret: secret, ID: id, Body: body, At: s.Now()})
}
