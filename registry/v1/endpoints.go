package v1

import (
	"cmp"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/endpoint"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Endpoint is a record as the API shows it.
type Endpoint struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	URL     string `json:"url"`
	Model   string `json:"model"`
	Version uint64 `json:"version,string"`
	SinceMS int64  `json:"since_ms"`
	// UntilMS is nothing while it serves.
	UntilMS int64  `json:"until_ms,omitempty"`
	By      string `json:"created_by"`
}

func showEndpoint(m *sgpb.RegisteredModel, e *sgpb.Endpoint) Endpoint {
	return Endpoint{
		ID: e.GetId(), Name: e.GetName(), URL: e.GetUrl(), Model: cmp.Or(m.GetName(), e.GetModel()), Version: e.GetVersion(),
		SinceMS: e.GetSinceMs(), UntilMS: e.GetUntilMs(), By: e.GetCreatedBy(),
	}
}

func (h *handlers) createEndpoint(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	var cmd endpoint.Create
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*url": &cmd.URL, "*model": &cmd.Model, "*version": &cmd.Version}); err != nil {
		return err
	}
	if cmd.SinceMS, err = f.Int64("since_ms", 0); err != nil {
		return err
	}
	return h.replyEndpoint(c, cmd)
}

// endEndpoint sets until when the version served there; nothing else of a record changes.
func (h *handlers) endEndpoint(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	cmd := endpoint.End{ID: id}
	if cmd.UntilMS, err = f.Int64("until_ms", 0); err != nil {
		return err
	}
	return h.replyEndpoint(c, cmd)
}

func (h *handlers) replyEndpoint(c *fiber.Ctx, r decide.Rule) error {
	doc, err := h.documents.Do(c.UserContext(), decide.By(r))
	if err != nil {
		return err
	}
	m, err := h.model(c.UserContext(), doc.GetEndpoint().GetRegisteredModelId())
	if err != nil {
		return err
	}
	return reply(c, "endpoint", showEndpoint(m, doc.GetEndpoint()))
}

// listEndpoints lists those that serve first, then the newest; ?model= of one model, ?active=true those that serve.
func (h *handlers) listEndpoints(c *fiber.Ctx) error {
	model, f, err := filters(c)
	if err != nil {
		return err
	}
	active, err := f.Bool("active", false)
	if err != nil {
		return err
	}
	docs, err := h.load(c.UserContext(), document.EndpointPrefix)
	if err != nil {
		return err
	}
	out := []Endpoint{}
	for _, doc := range docs {
		e := doc.GetEndpoint()
		m, err := h.model(c.UserContext(), e.GetRegisteredModelId())
		if err != nil {
			return err
		}
		shown := showEndpoint(m, e)
		if (model == "" || shown.Model == model) && (!active || e.GetUntilMs() == 0) {
			out = append(out, shown)
		}
	}
	slices.SortFunc(out, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(min(a.UntilMS, 1), min(b.UntilMS, 1)), cmp.Compare(b.SinceMS, a.SinceMS), cmp.Compare(a.ID, b.ID))
	})
	return reply(c, "endpoints", out[:min(len(out), listMax)])
}
