package gate

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// bodyBytesMax is the largest JSON request that any route takes.
const bodyBytesMax = 32 << 20

// confine refuses a request that reaches outside of its token's experiments.
func (g *Gate) confine(c *fiber.Ctx, grant *access.Grant, reach access.Reach) error {
	switch reach {
	case access.Nothing, access.Visible, access.Framed:
		return nil
	case access.SearchIn:
		return g.narrow(c, grant)
	case access.Whole, access.Managed:
		return track.Errorf(track.PermissionDenied, "The token '%s' is confined to experiments, and %s reaches all of them; use a token made without --experiment", grant.Caller.Name, c.Path())
	case access.File:
		return g.confineFile(c, grant)
	}
	names, err := namesOf(c, reach)
	if err != nil {
		return err
	}
	return g.confineNames(c.UserContext(), grant, names)
}

// narrow takes the experiments outside of the scope from a search.
func (g *Gate) narrow(c *fiber.Ctx, grant *access.Grant) error {
	body, err := wholeBody(c)
	if err != nil {
		return err
	}
	body, err = access.Narrow(body, func(id string) (bool, error) {
		e, err := g.Docs.Experiment(c.UserContext(), id)
		if err != nil && !track.Permanent(err) {
			return false, err
		}
		return err == nil && grant.Scope.Sees(e.GetId(), e.GetName()), nil
	})
	if err != nil {
		return err
	}
	c.Request().SetBodyRaw(body)
	return nil
}

// namesOf reads what a request names in its path, query and body.
func namesOf(c *fiber.Ctx, reach access.Reach) (access.Names, error) {
	body, err := wholeBody(c)
	if err != nil {
		return access.Names{}, err
	}
	query := make(map[string][]string)
	c.Context().QueryArgs().VisitAll(func(k, v []byte) { query[string(k)] = append(query[string(k)], string(v)) })
	names, err := access.NamesOf(reach, query, body)
	if err != nil {
		return names, err
	}
	for _, p := range []struct {
		name string
		to   *[]string
	}{{"id", &names.Models}, {"run_id", &names.Runs}} {
		if text := c.Params(p.name); text != "" {
			text, err := url.PathUnescape(text)
			if err != nil {
				return names, track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s' in the path: %v", p.name, err)
			}
			*p.to = append(*p.to, strings.Clone(text))
		}
	}
	return names, nil
}

// wholeBody reads a body that may be streaming in, and puts it back for the handler.
func wholeBody(c *fiber.Ctx) ([]byte, error) {
	if len(c.Request().Header.Peek(fiber.HeaderContentEncoding)) > 0 {
		return nil, track.Errorf(track.InvalidParameterValue, "A token that is confined to experiments sends plain JSON, without Content-Encoding")
	}
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil {
		return c.Request().Body(), nil
	}
	body, err := mlflow.ReadBody(stream, length, bodyBytesMax)
	if err != nil {
		c.Context().SetConnectionClose()
	}
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, fiber.NewError(fiber.StatusRequestEntityTooLarge, "the request body is larger than 32 MiB; split it over several requests")
	}
	if err != nil {
		return nil, track.Errorf(track.BadRequest, "read the request body: %v", err)
	}
	c.Request().SetBodyRaw(body)
	return body, nil
}

// confineNames looks up the experiment of everything named. What does not exist is the handler's to refuse.
func (g *Gate) confineNames(ctx context.Context, grant *access.Grant, names access.Names) error {
	for _, name := range names.ExperimentNames {
		if e, err := g.Docs.ExperimentByName(ctx, name); err == nil {
			names.Experiments = append(names.Experiments, e.GetId())
		} else if !track.Permanent(err) {
			return err
		} else if !grant.Scope.Sees("", name) {
			return outside(grant, "experiment '"+name+"'")
		}
	}
	for _, run := range names.Runs {
		facts, err := g.Docs.Lookup(ctx, run)
		if err == nil {
			err = g.confineTo(ctx, grant, strconv.FormatUint(uint64(facts.Experiment), 10), "run '"+run+"'")
		}
		if err != nil && !missing(err) {
			return err
		}
	}
	for _, id := range names.Models {
		m, err := g.Docs.Model(ctx, id)
		if err == nil {
			err = g.confineTo(ctx, grant, m.GetExperimentId(), "logged model '"+id+"'")
		}
		if err != nil && !missing(err) {
			return err
		}
	}
	for _, id := range names.Experiments {
		if err := g.confineTo(ctx, grant, id, "experiment '"+id+"'"); err != nil && !missing(err) {
			return err
		}
	}
	return nil
}

// missing is an error of a thing that is not there, or cannot be.
func missing(err error) bool {
	return track.Permanent(err) && track.CodeOf(err) != track.PermissionDenied
}

// confineTo refuses an experiment that is not in the scope.
func (g *Gate) confineTo(ctx context.Context, grant *access.Grant, id, what string) error {
	e, err := g.Docs.Experiment(ctx, id)
	if err != nil {
		return err
	}
	if !grant.Scope.Sees(e.GetId(), e.GetName()) {
		return outside(grant, what)
	}
	return nil
}

func outside(grant *access.Grant, what string) error {
	return track.Errorf(track.PermissionDenied, "The token '%s' is confined to other experiments than that of %s; use a token made with that --experiment, or without", grant.Caller.Name, what)
}

// confineFile looks at an artifact's path, which begins with the experiment's id. Where a folder belongs to no
// experiment, it is outside.
func (g *Gate) confineFile(c *fiber.Ctx, grant *access.Grant) error {
	text := c.Params("*")
	if !strings.HasSuffix(c.Route().Path, "*") {
		text = url.PathEscape(c.Query("path"))
	}
	text, err := url.PathUnescape(text)
	if err != nil {
		return track.Errorf(track.InvalidParameterValue, "Invalid path")
	}
	path, err := store.Clean(strings.Clone(text))
	if err != nil {
		return err
	}
	id, _, _ := strings.Cut(path, "/")
	e, err := g.Docs.Experiment(c.UserContext(), id)
	switch {
	case err != nil && !track.Permanent(err):
		return err
	case err != nil || e.GetId() != id || !grant.Scope.Sees(id, e.GetName()):
		return outside(grant, "the path '"+path+"'")
	}
	return nil
}
