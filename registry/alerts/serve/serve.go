// Package serve answers the routes of alerts.
package serve

import (
	"encoding/json"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/registry/alerts/send"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	rulesPage  = 100
	eventsPage = 100
	// bodyBytesMax is far above what a rule may have.
	bodyBytesMax = 1 << 20
)

// Routes registers the routes.
func Routes(to fiber.Router, d alerts.Documents, s *send.Sender) {
	h := &handlers{documents: d, sender: s}
	to.Get("/v1/alerts", h.list)
	to.Post("/v1/alerts", h.create)
	to.Get("/v1/alerts/history", h.history)
	to.Get("/v1/alerts/:id", h.get)
	to.Patch("/v1/alerts/:id", h.change)
	to.Delete("/v1/alerts/:id", h.delete)
	to.Post("/v1/alerts/:id/test", h.test)
}

type handlers struct {
	documents alerts.Documents
	sender    *send.Sender
}

// One is an answer with one rule.
type One struct {
	Alert *alert.Rule `json:"alert"`
}

// Rules are a page of them.
type Rules struct {
	Alerts []*alert.Rule `json:"alerts" description:"In the order of their making."`
	Token  string        `json:"next_page_token" description:"For the next page; empty on the last."`
}

// Events are a page of history.
type Events struct {
	Events []send.Event `json:"events" description:"The newest first, imported ones behind the server's own. The last 10,000 of each are here, all are in sg.alerts."`
	Token  string       `json:"next_page_token" description:"For the next page; empty on the last."`
}

// Tested is what came of a test.
type Tested struct {
	Results []send.TestResult `json:"results" description:"By channel."`
}

// page reads a token: a number that a page before has given.
func page(c *fiber.Ctx) (uint64, error) {
	token := c.Query("page_token")
	if token == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(token, 10, 63)
	if err != nil {
		return 0, track.Errorf(track.InvalidParameterValue, "page_token: '%.40s' is none; take it from the page before", token)
	}
	return n, nil
}

func readBody(c *fiber.Ctx) ([]byte, error) {
	text := c.Body()
	if len(text) > bodyBytesMax {
		return nil, fiber.NewError(fiber.StatusRequestEntityTooLarge, "the request body is larger than 1 MiB")
	}
	return append([]byte(nil), text...), nil
}

func (h *handlers) list(c *fiber.Ctx) error {
	from, err := page(c)
	if err != nil {
		return err
	}
	e, err := h.documents.Load(c.UserContext(), document.AlertRules)
	if err != nil {
		return err
	}
	all := e.Doc.GetAlertRules().GetRules()
	out := Rules{Alerts: []*alert.Rule{}}
	first := min(from, uint64(len(all)))
	last := min(first+rulesPage, uint64(len(all)))
	for _, stored := range all[first:last] {
		out.Alerts = append(out.Alerts, alerts.Shown(stored))
	}
	if last < uint64(len(all)) {
		out.Token = strconv.FormatUint(last, 10)
	}
	return rest.JSON(c, out)
}

func (h *handlers) create(c *fiber.Ctx) error {
	text, err := readBody(c)
	if err != nil {
		return err
	}
	r := alert.Rule{Enabled: true}
	if err := alerts.Parse(text, &r); err != nil {
		return err
	}
	if err := r.Check(); err != nil {
		return err
	}
	if err := h.checkWatched(c.UserContext(), r.ExperimentIDs); err != nil {
		return err
	}
	if err := h.sender.CheckChannels(c.UserContext(), &r); err != nil {
		return err
	}
	id := track.NewRunID()
	doc, err := h.documents.Do(c.UserContext(), decide.By(alerts.Create{ID: id, Rule: r, Seal: h.sender.Box.Seal}))
	if err != nil {
		return err
	}
	return h.showOf(c, doc, id)
}

func (h *handlers) showOf(c *fiber.Ctx, doc *sgpb.Document, id string) error {
	stored := alerts.Find(doc.GetAlertRules().GetRules(), id)
	if stored == nil {
		return alerts.NoRule(id) // deleted in the same moment
	}
	return h.show(c, stored)
}

func (h *handlers) show(c *fiber.Ctx, stored *sgpb.AlertRule) error {
	return rest.JSON(c, One{alerts.Shown(stored)})
}

// find answers the rule that the path names.
func (h *handlers) find(c *fiber.Ctx) (*sgpb.AlertRule, error) {
	id, err := rest.Param(c, "id")
	if err != nil {
		return nil, err
	}
	e, err := h.documents.Load(c.UserContext(), document.AlertRules)
	if err != nil {
		return nil, err
	}
	if r := alerts.Find(e.Doc.GetAlertRules().GetRules(), id); r != nil {
		return r, nil
	}
	return nil, alerts.NoRule(id)
}

func (h *handlers) get(c *fiber.Ctx) error {
	stored, err := h.find(c)
	if err != nil {
		return err
	}
	return h.show(c, stored)
}

func (h *handlers) change(c *fiber.Ctx) error {
	stored, err := h.find(c)
	if err != nil {
		return err
	}
	text, err := readBody(c)
	if err != nil {
		return err
	}
	var wish struct {
		Channels      []alert.Channel
		ExperimentIDs []string `json:"experiment_ids"`
	}
	if json.Unmarshal(text, &wish) == nil { // what is wrong is told by the decision
		if err := h.checkWatched(c.UserContext(), wish.ExperimentIDs); err != nil {
			return err
		}
		if err := h.sender.CheckChannels(c.UserContext(), &alert.Rule{Channels: wish.Channels}); err != nil {
			return err
		}
	}
	doc, err := h.documents.Do(c.UserContext(), decide.By(alerts.Change{ID: stored.GetId(), Patch: text, Seal: h.sender.Box.Seal}))
	if err != nil {
		return err
	}
	return h.showOf(c, doc, stored.GetId())
}

func (h *handlers) delete(c *fiber.Ctx) error {
	id, err := rest.Param(c, "id")
	if err != nil {
		return err
	}
	if _, err := h.documents.Do(c.UserContext(), decide.By(alerts.Delete{ID: id})); err != nil {
		return err
	}
	return rest.JSON(c, struct{}{})
}

func (h *handlers) test(c *fiber.Ctx) error {
	stored, err := h.find(c)
	if err != nil {
		return err
	}
	results, err := h.sender.Test(c.UserContext(), stored)
	if err != nil {
		return err
	}
	return rest.JSON(c, Tested{results})
}

func (h *handlers) history(c *fiber.Ctx) error {
	before, err := page(c)
	if err != nil {
		return err
	}
	if err := h.sender.Book.Open(c.UserContext()); err != nil {
		return err
	}
	events, next := h.sender.Book.List(before, c.Query("rule"), c.Query("run"), eventsPage)
	out := Events{Events: []send.Event{}}
	show := send.Show
	if track.CallerOf(c.UserContext()).Restricted {
		show = send.ShowBriefly
	}
	for _, e := range events {
		out.Events = append(out.Events, show(e))
	}
	if next > 0 {
		out.Token = strconv.FormatUint(next, 10)
	}
	return rest.JSON(c, out)
}
