package gate

import (
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Router gives a router whose routes are guarded. Ways of registering a route that it does not know are noticed
// by Check.
func (g *Gate) Router(to fiber.Router) fiber.Router { return &router{Router: to, gate: g} }

type router struct {
	fiber.Router
	gate *Gate
}

func (r *router) add(method, path string, handlers []fiber.Handler) fiber.Router {
	all := append([]fiber.Handler{r.gate.guard(method, path)}, handlers...)
	if method == fiber.MethodGet {
		r.Router.Get(path, all...) // HEAD, too
	} else {
		r.Router.Add(method, path, all...)
	}
	return r
}

func (r *router) Get(path string, h ...fiber.Handler) fiber.Router {
	return r.add(fiber.MethodGet, path, h)
}

func (r *router) Post(path string, h ...fiber.Handler) fiber.Router {
	return r.add(fiber.MethodPost, path, h)
}

func (r *router) Put(path string, h ...fiber.Handler) fiber.Router {
	return r.add(fiber.MethodPut, path, h)
}

func (r *router) Patch(path string, h ...fiber.Handler) fiber.Router {
	return r.add(fiber.MethodPatch, path, h)
}

func (r *router) Delete(path string, h ...fiber.Handler) fiber.Router {
	return r.add(fiber.MethodDelete, path, h)
}

func (r *router) Add(method, path string, h ...fiber.Handler) fiber.Router {
	return r.add(method, path, h)
}

// guard is the handler before a route's own.
func (g *Gate) guard(method, path string) fiber.Handler {
	g.guarded[method+" "+path] = true
	rule, _ := access.RuleOf(method, path)
	if rule.Reach == access.Public {
		return func(c *fiber.Ctx) error { return c.Next() }
	}
	return func(c *fiber.Ctx) error {
		grant, ok := c.Locals(grantKey).(*access.Grant)
		if !ok {
			return track.Errorf(track.InternalError, "a request came past the gate")
		}
		if grant.Role < rule.Role && (grant != g.anonymous || rule.Reach != access.Managed) {
			return refuseRole(grant, rule.Role)
		}
		if !grant.Scope.All() {
			if err := g.confine(c, grant, rule.Reach); err != nil {
				return err
			}
		}
		return c.Next()
	}
}

func refuseRole(grant *access.Grant, need access.Role) error {
	if grant.ID == "" {
		return track.Errorf(track.PermissionDenied, "This needs a token of role %s, or the secret of the data folder, which the streamgauge command finds by itself on the server's machine (--data)", need)
	}
	return track.Errorf(track.PermissionDenied, "The token '%s' has the role %s; this needs %s. Make one with `streamgauge token create --role %s`", grant.Caller.Name, grant.Role, need, need)
}

// Check says which routes of an app were registered beside the gate. One without a rule is closed, which is safe
// and most likely forgotten: that is a warning.
func (g *Gate) Check(app *fiber.App) error {
	var open []string
	for _, r := range app.GetRoutes(true) {
		if r.Method == fiber.MethodHead {
			continue // it was registered with its GET
		}
		if !g.guarded[r.Method+" "+r.Path] {
			open = append(open, r.Method+" "+r.Path)
		} else if _, known := access.RuleOf(r.Method, r.Path); !known {
			g.Log.Warn("a route without a rule in package access is for administrators only", "method", r.Method, "path", r.Path)
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("routes beside the gate: %s", strings.Join(open, ", "))
	}
	return nil
}
