package webhook

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	// WebhooksMax bounds the webhooks of a house: each is a reader of the stream, and each event names those that
	// are told.
	WebhooksMax = 64
	// deliveriesMax is how many deliveries a log keeps, the newest.
	deliveriesMax = 100
)

// Prepare makes the document of all webhooks, so that it is in memory: every command on a model reads it.
type Prepare struct{}

// Create adds a webhook under an ID of NewID. Secret is sealed. After is a revision of the journal before which nothing concerns it.
type Create struct {
	ID, Name, URL, Description string
	Events                     []string
	Secret                     []byte
	Disabled                   bool
	After                      uint64
}

// Update changes what is not nil.
type Update struct {
	ID                     string
	Name, URL, Description *string
	// Events and Secret stay if they are nil.
	Events []string
	Secret *[]byte
	Active *bool
}

// Delete takes a webhook away. Its log stays.
type Delete struct{ ID string }

// Record notes how a delivery went and, once it is over, how far the webhook has got.
type Record struct {
	ID       string
	Delivery *sgpb.WebhookDelivery
}

// set reads all webhooks and makes them the answer.
func set(d *decide.Decider) ([]*sgpb.Webhook, error) {
	doc, err := d.Load(document.Webhooks)
	if err != nil {
		return nil, err
	}
	d.Answer(document.Webhooks)
	return doc.GetWebhooks().GetWebhooks(), nil
}

func store(d *decide.Decider, all []*sgpb.Webhook) {
	d.Change(document.Webhooks, nil, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_Webhooks{Webhooks: &sgpb.Webhooks{Webhooks: all}}
	})
}

// Decide makes the document if there is none.
func (Prepare) Decide(d *decide.Decider) error {
	doc, err := d.Load(document.Webhooks)
	if err != nil || doc != nil {
		return err
	}
	store(d, nil)
	return nil
}

// Find looks for a webhook among all.
func Find(all []*sgpb.Webhook, id string) *sgpb.Webhook {
	i := slices.IndexFunc(all, func(w *sgpb.Webhook) bool { return w.GetId() == id })
	if i < 0 {
		return nil
	}
	return all[i]
}

func check(name, url, description *string) error {
	if name != nil {
		if err := CheckName(*name); err != nil {
			return err
		}
	}
	if url != nil && *url == "" {
		return mlflow.MissingParameter("url")
	}
	if description != nil {
		return mlflow.CheckLength("description", *description, descriptionMax)
	}
	return nil
}

// Decide adds the webhook last.
func (c Create) Decide(d *decide.Decider) error {
	if err := check(&c.Name, &c.URL, &c.Description); err != nil {
		return err
	}
	if len(c.Events) == 0 {
		return invalid("Webhook events must be a non-empty list of WebhookEvent objects: [].")
	}
	all, err := set(d)
	if err != nil {
		return err
	}
	if len(all) >= WebhooksMax {
		return invalid("There are %d webhooks, which is as many as are kept; delete one first", WebhooksMax)
	}
	now := d.Given().NowMS
	store(d, append(slices.Clone(all), &sgpb.Webhook{
		Id: c.ID, Name: c.Name, Description: c.Description, Url: c.URL, Events: c.Events, Secret: c.Secret, Active: !c.Disabled,
		CreatedMs: now, UpdatedMs: now,
	}))
	key := document.WebhookLogKey(c.ID)
	d.CreateQuietly(key, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_WebhookLog{WebhookLog: &sgpb.WebhookLog{Revision: c.After}}
	})
	return nil
}

// NewID draws the id of a webhook, or of a test's delivery.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return UUID(b)
}

// Decide changes the webhook in its place.
func (c Update) Decide(d *decide.Decider) error {
	if err := check(c.Name, c.URL, c.Description); err != nil {
		return err
	}
	all, err := set(d)
	if err != nil {
		return err
	}
	old := Find(all, c.ID)
	if old == nil {
		return NoWebhook(c.ID)
	}
	next := proto.Clone(old).(*sgpb.Webhook)
	next.UpdatedMs = d.Given().NowMS
	for to, from := range map[*string]*string{&next.Name: c.Name, &next.Url: c.URL, &next.Description: c.Description} {
		if from != nil {
			*to = *from
		}
	}
	if c.Events != nil {
		next.Events = c.Events
	}
	if c.Secret != nil {
		next.Secret = *c.Secret
	}
	if c.Active != nil {
		next.Active = *c.Active
	}
	all = slices.Clone(all)
	all[slices.Index(all, old)] = next
	store(d, all)
	return nil
}

// Decide takes the webhook out.
func (c Delete) Decide(d *decide.Decider) error {
	all, err := set(d)
	if err != nil {
		return err
	}
	old := Find(all, c.ID)
	if old == nil {
		return NoWebhook(c.ID)
	}
	store(d, slices.DeleteFunc(slices.Clone(all), func(w *sgpb.Webhook) bool { return w == old }))
	return nil
}

// Decide puts the delivery into the log, in place of what the log knew of it.
func (c Record) Decide(d *decide.Decider) error {
	key := document.WebhookLogKey(c.ID)
	doc, err := d.Load(key)
	if err != nil {
		return err
	}
	d.Answer(key)
	log := &sgpb.WebhookLog{Revision: doc.GetWebhookLog().GetRevision()}
	for _, old := range doc.GetWebhookLog().GetDeliveries() {
		if old.GetId() != c.Delivery.GetId() {
			log.Deliveries = append(log.Deliveries, old)
		}
	}
	log.Deliveries = append(log.Deliveries, c.Delivery)
	log.Deliveries = log.Deliveries[max(0, len(log.Deliveries)-deliveriesMax):]
	if c.Delivery.GetDelivered() || c.Delivery.GetGivenUp() {
		log.Revision = max(log.Revision, c.Delivery.GetRevision())
	}
	d.Change(key, nil, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_WebhookLog{WebhookLog: log}
	})
	return nil
}

// Notice is what webhooks are told of an event, nil if none wants to hear of it.
func Notice(d *decide.Decider, event string, data any) (*sgpb.Notice, error) {
	doc, err := d.Load(document.Webhooks)
	if err != nil {
		return nil, err
	}
	n := &sgpb.Notice{Event: event}
	for _, w := range doc.GetWebhooks().GetWebhooks() {
		if w.GetActive() && slices.Contains(w.GetEvents(), event) {
			n.WebhookIds = append(n.WebhookIds, w.GetId())
		}
	}
	if len(n.WebhookIds) == 0 {
		return nil, nil
	}
	if n.Data, err = json.Marshal(data); err != nil {
		return nil, fmt.Errorf("encode %s: %w", event, err)
	}
	return n, nil
}
