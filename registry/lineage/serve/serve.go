// Package serve answers the requests that record lineage: our own, and OpenLineage's events.
package serve

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/lineage"
	"github.com/streamgauge/streamgauge/registry/lineage/openlineage"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// eventBytesMax bounds an event, unpacked: Spark's with schemas of wide tables and plans are the largest.
const eventBytesMax = 8 << 20

// Documents is the registry.
type Documents interface {
	// Do carries out a command and answers its document.
	Do(ctx context.Context, c decide.Command) (*sgpb.Document, error)
}

// Routes registers the routes.
func Routes(to fiber.Router, d Documents) {
	h := &handlers{d}
	to.Post("/v1/lineage", h.record)
	to.Post("/api/v1/lineage", h.observe)
}

type handlers struct{ documents Documents }

func (h *handlers) record(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd, err := parse(f)
	if err != nil {
		return err
	}
	if _, err := h.documents.Do(c.UserContext(), decide.By(cmd)); err != nil {
		return err
	}
	return c.JSON(map[string]int{"edges": len(cmd.Edges), "nodes": len(cmd.Nodes)})
}

func parse(f mlflow.Fields) (cmd lineage.Record, err error) {
	edges, err := f.Objects("edges")
	if err != nil {
		return cmd, err
	}
	nodes, err := f.Objects("nodes")
	if err != nil {
		return cmd, err
	}
	for _, e := range edges {
		var out lineage.Edge
		if err := rest.Texts(e, e.Required, map[string]*string{"*from": &out.From, "*to": &out.To, "kind": &out.Kind, "name": &out.Name}); err != nil {
			return cmd, err
		}
		if out.Attributes, err = attributes(e); err != nil {
			return cmd, err
		}
		for name, at := range map[string]**int64{"since_ms": &out.SinceMS, "until_ms": &out.UntilMS} {
			if !e.Has(name) {
				continue
			}
			ms, err := e.Int64(name, 0)
			if err != nil {
				return cmd, err
			}
			*at = &ms
		}
		cmd.Edges = append(cmd.Edges, out)
	}
	for _, n := range nodes {
		var out lineage.Node
		if err := rest.Texts(n, n.Required, map[string]*string{"*node": &out.Node, "name": &out.Name}); err != nil {
			return cmd, err
		}
		if out.Attributes, err = attributes(n); err != nil {
			return cmd, err
		}
		cmd.Nodes = append(cmd.Nodes, out)
	}
	return cmd, nil
}

// attributes reads an object of texts.
func attributes(f mlflow.Fields) (out map[string]string, err error) {
	if raw := f.Raw("attributes"); raw != nil && json.Unmarshal(raw, &out) != nil {
		return nil, track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%sattributes' supplied: it must be an object whose values are texts", f.Path())
	}
	return out, nil
}

// observe answers 201, as OpenLineage's own server does.
func (h *handlers) observe(c *fiber.Ctx) error {
	body, err := eventBody(c)
	if err != nil {
		return err
	}
	cmd, err := openlineage.Parse(body)
	if err != nil {
		return err
	}
	if _, err := h.documents.Do(c.UserContext(), decide.By(cmd)); err != nil {
		return err
	}
	return c.Status(fiber.StatusCreated).JSON(struct{}{})
}

// eventBody reads a body that may be packed.
func eventBody(c *fiber.Ctx) ([]byte, error) {
	body, err := mlflow.ReadBody(bodyOf(c), c.Request().Header.ContentLength(), eventBytesMax)
	if err != nil {
		c.Context().SetConnectionClose()
		if errors.Is(err, mlflow.ErrBodyTooLarge) {
			return nil, tooLarge()
		}
		return nil, track.Errorf(track.BadRequest, "The request body cannot be read: %v", err)
	}
	switch encoding := c.Get(fiber.HeaderContentEncoding); encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			body, err = io.ReadAll(io.LimitReader(r, eventBytesMax+1))
		}
		if err != nil {
			return nil, track.Errorf(track.BadRequest, "The request body is not gzip, as its Content-Encoding says: %v", err)
		}
		if len(body) > eventBytesMax {
			return nil, tooLarge()
		}
		return body, nil
	default:
		return nil, fiber.NewError(fiber.StatusUnsupportedMediaType, "Content-Encoding is gzip or nothing")
	}
}

func tooLarge() error {
	return fiber.NewError(fiber.StatusRequestEntityTooLarge, "an OpenLineage event has at most 8 MiB")
}

func bodyOf(c *fiber.Ctx) io.Reader {
	if stream := c.Context().RequestBodyStream(); stream != nil {
		return stream
	}
	return bytes.NewReader(c.Request().Body())
}
