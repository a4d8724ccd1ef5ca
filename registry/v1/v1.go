// Package v1 answers our own routes of the registry, under /v1: approvals and endpoints. Documents of both kinds are
// few and read by key from the registry's memory; the journal lists the keys.
package v1

import (
	"context"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// listMax is how many approvals or endpoints one answer lists, the newest.
const listMax = 1000

// Documents is the registry.
type Documents interface {
	// Do carries out a command and answers its document.
	Do(ctx context.Context, c decide.Command) (*sgpb.Document, error)
	// Load answers a document.
	Load(ctx context.Context, key string) (commit.Entry, error)
}

// Lister lists the keys of a prefix.
type Lister interface {
	List(ctx context.Context, prefix string) ([]string, error)
}

// Routes registers the routes.
func Routes(to fiber.Router, d Documents, keys Lister) {
	h := &handlers{documents: d, keys: keys}
	to.Put("/v1/registered-models/:name/approvals-required", h.require)
	to.Get("/v1/approvals", h.listApprovals)
	to.Post("/v1/approvals", h.request)
	to.Post("/v1/approvals/:id/approve", h.judge(true))
	to.Post("/v1/approvals/:id/reject", h.judge(false))
	to.Get("/v1/endpoints", h.listEndpoints)
	to.Post("/v1/endpoints", h.createEndpoint)
	to.Patch("/v1/endpoints/:id", h.endEndpoint)
}

type handlers struct {
	documents Documents
	keys      Lister
}

// claimed is whom somebody without a token says he is.
func claimed(f mlflow.Fields) (string, error) {
	name, err := f.String("by")
	if err == nil {
		err = mlflow.CheckLength("by", name, nameMax)
	}
	return name, err
}

// nameMax bounds the name that somebody gives himself, in characters.
const nameMax = 256

// texts reads parameters that are texts; the names of those that must be there begin with a star. Versions may
// be numbers.
func texts(f mlflow.Fields, into map[string]*string) error { return rest.Texts(f, f.RequiredID, into) }

// filters reads what a list is asked for: a model, "" for all.
func filters(c *fiber.Ctx) (model string, f mlflow.Fields, err error) {
	if f, err = rest.Fields(c); err != nil {
		return "", f, err
	}
	model, err = f.String("model")
	return model, f, err
}

// load reads the documents under a prefix, in no order.
func (h *handlers) load(ctx context.Context, prefix string) ([]*sgpb.Document, error) {
	keys, err := h.keys.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	slices.Sort(keys)
	out := make([]*sgpb.Document, 0, len(keys))
	for _, key := range keys {
		e, err := h.documents.Load(ctx, key)
		if err != nil {
			return nil, err
		}
		if e.Doc != nil {
			out = append(out, e.Doc)
		}
	}
	return out, nil
}

func reply(c *fiber.Ctx, field string, value any) error {
	return rest.JSON(c, map[string]any{field: value})
}
