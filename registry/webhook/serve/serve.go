// Package serve answers MLflow's routes of webhooks, and ours that shows deliveries.
package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/registry/webhook/send"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Routes registers MLflow's routes under a prefix.
func Routes(to fiber.Router, prefix string, d send.Documents, s *send.Sender) {
	h := &handlers{documents: d, sender: s}
	to.Post(prefix+"/webhooks", h.create)
	to.Get(prefix+"/webhooks", h.list)
	to.Get(prefix+"/webhooks/:id", h.get)
	to.Patch(prefix+"/webhooks/:id", h.update)
	to.Delete(prefix+"/webhooks/:id", h.delete)
	to.Post(prefix+"/webhooks/:id/test", h.test)
}

// OwnRoutes registers ours.
func OwnRoutes(to fiber.Router, d send.Documents, s *send.Sender) {
	h := &handlers{documents: d, sender: s}
	to.Get("/v1/webhooks/:id/deliveries", h.deliveries)
}

type handlers struct {
	documents send.Documents
	sender    *send.Sender
}

func (h *handlers) create(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	name, e1 := f.Required("name")
	address, e2 := f.Required("url")
	description, e3 := f.String("description")
	secret, e4 := f.String("secret")
	events, e5 := readEvents(f)
	active, e6 := readActive(f)
	for _, err := range []error{e1, e2, e3, e4, e5, e6} {
		if err != nil {
			return err
		}
	}
	if len(events) == 0 {
		return mlflow.MissingParameter("events")
	}
	ctx := c.UserContext()
	if err := webhook.CheckName(name); err != nil {
		return err
	}
	if err := h.sender.CheckURL(ctx, address); err != nil {
		return err
	}
	cmd := webhook.Create{
		ID: webhook.NewID(), Name: name, URL: address, Description: description, Events: events, Secret: h.sender.Box.Seal(secret),
		Disabled: active != nil && !*active,
	}
	if h.sender.Last != nil {
		if cmd.After, err = h.sender.Last(ctx); err != nil {
			return err
		}
	}
	doc, err := h.documents.Do(ctx, decide.By(cmd))
	if err != nil {
		return err
	}
	w := webhook.Find(doc.GetWebhooks().GetWebhooks(), cmd.ID)
	if w == nil {
		return webhook.NoWebhook(cmd.ID) // deleted in the same moment
	}
	return rest.JSON(c, map[string]any{"webhook": show(w)})
}

const (
	listDefault = 100
	listMax     = 1000
)

func (h *handlers) all(ctx context.Context) ([]*sgpb.Webhook, error) {
	e, err := h.documents.Load(ctx, document.Webhooks)
	return e.Doc.GetWebhooks().GetWebhooks(), err
}

// list shows the newest first.
func (h *handlers) list(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	size, err := f.Int64("max_results", listDefault)
	if err != nil {
		return err
	}
	if size < 0 || size > listMax {
		return track.Errorf(track.InvalidParameterValue, "max_results must be between 1 and %d.", listMax)
	}
	if size == 0 {
		size = listDefault
	}
	token, err := f.String("page_token")
	if err != nil {
		return err
	}
	offset, err := readToken(token)
	if err != nil {
		return err
	}
	all, err := h.all(c.UserContext())
	if err != nil {
		return err
	}
	answer := struct {
		Webhooks []shown `json:"webhooks,omitempty"`
		Token    string  `json:"next_page_token,omitempty"`
	}{}
	end := min(offset+int(size), len(all))
	for i := offset; i < end; i++ {
		answer.Webhooks = append(answer.Webhooks, show(all[len(all)-1-i]))
	}
	if end < len(all) {
		answer.Token = base64.StdEncoding.EncodeToString([]byte(`{"offset": ` + strconv.Itoa(end) + `}`))
	}
	return rest.JSON(c, answer)
}

func readToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	var at struct{ Offset int }
	b, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil || at.Offset < 0 {
		return 0, track.Errorf(track.InvalidParameterValue, "Invalid page token '%s'; take it from the page before", token)
	}
	return at.Offset, nil
}

// find answers the webhook that the path names.
func (h *handlers) find(c *fiber.Ctx) (*sgpb.Webhook, error) {
	id, err := rest.Param(c, "id")
	if err != nil {
		return nil, err
	}
	all, err := h.all(c.UserContext())
	if err != nil {
		return nil, err
	}
	w := webhook.Find(all, id)
	if w == nil {
		return nil, webhook.NoWebhook(id)
	}
	return w, nil
}

func (h *handlers) get(c *fiber.Ctx) error {
	w, err := h.find(c)
	if err != nil {
		return err
	}
	return rest.JSON(c, map[string]any{"webhook": show(w)})
}

func (h *handlers) delete(c *fiber.Ctx) error {
	id, err := rest.Param(c, "id")
	if err != nil {
		return err
	}
	if _, err := h.documents.Do(c.UserContext(), decide.By(webhook.Delete{ID: id})); err != nil {
		return err
	}
	return rest.JSON(c, struct{}{})
}
