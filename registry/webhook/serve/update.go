package serve

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
)

// update changes the fields that are there. An empty name, address or list of events counts as not there, as in
// MLflow; an empty description or secret takes it away.
func (h *handlers) update(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	cmd := webhook.Update{ID: id}
	for name, at := range map[string]**string{"name": &cmd.Name, "url": &cmd.URL, "description": &cmd.Description} {
		text, err := f.String(name)
		if err != nil {
			return err
		}
		if text != "" || name == "description" && f.Has(name) {
			*at = &text
		}
	}
	if cmd.Events, err = readEvents(f); err != nil {
		return err
	}
	if f.Has("secret") {
		secret, err := f.String("secret")
		if err != nil {
			return err
		}
		sealed := h.sender.Box.Seal(secret)
		cmd.Secret = &sealed
	}
	if cmd.Active, err = readActive(f); err != nil {
		return err
	}
	if cmd.URL != nil {
		if err := h.sender.CheckURL(c.UserContext(), *cmd.URL); err != nil {
			return err
		}
	}
	doc, err := h.documents.Do(c.UserContext(), decide.By(cmd))
	if err != nil {
		return err
	}
	w := webhook.Find(doc.GetWebhooks().GetWebhooks(), id)
	if w == nil {
		return webhook.NoWebhook(id) // deleted in the same moment
	}
	return rest.JSON(c, map[string]any{"webhook": show(w)})
}

// Deliveries is the newest part of a webhook's log.
type Deliveries struct {
	Deliveries []Delivery `json:"deliveries"`
}

// Delivery is one of a webhook's log as the API shows it.
type Delivery struct {
	ID        string `json:"id"`
	Event     string `json:"event"`
	State     string `json:"state" enum:"RETRYING,DELIVERED,GIVEN_UP"`
	EventMS   int64  `json:"event_ms"`
	AttemptMS int64  `json:"attempt_ms"`
	Attempts  uint32 `json:"attempts"`
	Status    uint32 `json:"response_status,omitempty"`
	Error     string `json:"error_message,omitempty"`
}

// deliveries lists the last deliveries of a webhook, the newest first.
func (h *handlers) deliveries(c *fiber.Ctx) error {
	w, err := h.find(c)
	if err != nil {
		return err
	}
	e, err := h.documents.Load(c.UserContext(), document.WebhookLogKey(w.GetId()))
	if err != nil {
		return err
	}
	out := []Delivery{}
	for _, d := range slices.Backward(e.Doc.GetWebhookLog().GetDeliveries()) {
		state := "RETRYING"
		switch {
		case d.GetDelivered():
			state = "DELIVERED"
		case d.GetGivenUp():
			state = "GIVEN_UP"
		}
		out = append(out, Delivery{
			ID: d.GetId(), Event: d.GetEvent(), State: state, EventMS: d.GetEventMs(), AttemptMS: d.GetAttemptMs(),
			Attempts: d.GetAttempts(), Status: d.GetStatus(), Error: d.GetError(),
		})
	}
	return rest.JSON(c, Deliveries{out})
}

func (h *handlers) test(c *fiber.Ctx) error {
	w, err := h.find(c)
	if err != nil {
		return err
	}
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	tested := w.GetEvents()[0]
	if f.Has("event") {
		o, err := f.Object("event")
		if err != nil {
			return err
		}
		if tested, err = readEvent(o); err != nil {
			return err
		}
	}
	r := h.sender.Test(c.UserContext(), w, tested, webhook.NewID())
	result := map[string]any{"success": r.Success}
	if r.Status != 0 {
		result["response_status"] = r.Status
	}
	for field, text := range map[string]string{"response_body": r.Body, "error_message": r.Error} {
		if strings.TrimSpace(text) != "" {
			result[field] = text
		}
	}
	return rest.JSON(c, map[string]any{"result": result})
}
