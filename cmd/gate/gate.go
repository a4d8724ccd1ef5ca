package gate

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/hosts"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Documents find the experiment of what a request names. All methods are called at once by many.
type Documents interface {
	Experiment(ctx context.Context, id string) (*sgpb.Experiment, error)
	ExperimentByName(ctx context.Context, name string) (*sgpb.Experiment, error)
	Lookup(ctx context.Context, runID string) (track.RunFacts, error)
	Model(ctx context.Context, id string) (*sgpb.LoggedModel, error)
}

// Options are what a gate needs. All are required.
type Options struct {
	Keys  *access.Keyring
	Hosts *hosts.Names
	Docs  Documents
	// Open lets everybody in while there is no token.
	Open bool
	Log  *slog.Logger
}

// Gate lets requests in. Its methods may be called at once by many.
type Gate struct {
	Options
	anonymous *access.Grant
	throttle  access.Throttle
	guarded   map[string]bool
}

// New makes a gate.
func New(o Options) *Gate {
	return &Gate{Options: o, anonymous: access.Anonymous(), guarded: make(map[string]bool)}
}

// grantKey is where a request keeps what it may do.
const grantKey = "streamgauge.grant"

// What MLflow's own server says, and the remedy.
const (
	wrongHost   = "Invalid Host header - possible DNS rebinding attack detected. This server is not known as '%s'; if it should be, start it with --allowed-hosts"
	wrongOrigin = "Cross-origin request blocked. A page of '%s' may not change anything here; if it should, start the server with --allowed-hosts and its host"
	noToken     = "This server wants a token. Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME to any name and MLFLOW_TRACKING_PASSWORD to the token; for the streamgauge command STREAMGAUGE_TOKEN. Who runs the server makes one with `streamgauge token create`"
	badToken    = "You are not let in: %v. Ask who runs the server for another, made with `streamgauge token create`"
	tooMany     = "Too many wrong tokens came from this address; wait %d seconds, and set a token that is right"
)

// Enter checks what every request must have.
func (g *Gate) Enter(c *fiber.Ctx) error {
	h := &c.Response().Header
	h.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	h.Set(fiber.HeaderXFrameOptions, "SAMEORIGIN")
	if path := c.Path(); path == "/health" || path == "/version" {
		return c.Next()
	}
	host := utils.UnsafeString(c.Request().Header.Host()) // it is not kept
	if !g.Hosts.Host(host) {
		return track.Errorf(track.PermissionDenied, wrongHost, host)
	}
	if origin := c.Request().Header.Peek(fiber.HeaderOrigin); len(origin) > 0 && changes(c.Method()) && !g.Hosts.Origin(string(origin), host) {
		return track.Errorf(track.PermissionDenied, wrongOrigin, origin)
	}
	grant, err := g.grant(c)
	if err != nil {
		return err
	}
	c.Locals(grantKey, grant)
	if grant != g.anonymous {
		c.SetUserContext(track.WithCaller(c.UserContext(), &grant.Caller))
	}
	return c.Next()
}

func changes(method string) bool {
	switch method {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return false
	}
	return true
}

// grant finds what the request's token may do.
func (g *Gate) grant(c *fiber.Ctx) (*access.Grant, error) {
	header := c.Request().Header.Peek(fiber.HeaderAuthorization)
	open := g.Open && g.Keys.Empty()
	if len(header) == 0 {
		if open {
			return g.anonymous, nil
		}
		challenge(c)
		return nil, track.Errorf(track.Unauthenticated, "%s", noToken)
	}
	now := time.Now()
	grant, err := g.Keys.Find(access.Credential(string(header)), now.UnixMilli())
	if err == nil && grant.ID == access.OwnerID && !near(c) {
		err = access.ErrElsewhere
	}
	if err == nil {
		return grant, nil
	}
	if open && errors.Is(err, access.ErrUnknown) {
		return g.anonymous, nil // a token for another server does no harm
	}
	return nil, g.failed(c, now, err)
}

// near says that the request comes from this machine.
func near(c *fiber.Ctx) bool {
	from := c.Context().RemoteIP()
	return from.IsLoopback() || from.Equal(c.Context().LocalIP())
}

// failed answers a wrong token.
func (g *Gate) failed(c *fiber.Ctx, now time.Time, cause error) error {
	from, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	if wait := g.throttle.Fail(from, now); wait > 0 {
		seconds := int(wait.Seconds()) + 1
		return track.Unavailable(track.ResourceExhausted, seconds, tooMany, seconds)
	}
	g.Log.Warn("a wrong token", "from", from, "reason", cause)
	challenge(c)
	return track.Errorf(track.Unauthenticated, badToken, cause)
}

// challenge lets a browser ask its user: any name, and the token as the password.
func challenge(c *fiber.Ctx) {
	h := &c.Response().Header
	h.Add(fiber.HeaderWWWAuthenticate, `Basic realm="streamgauge", charset="UTF-8"`)
	h.Add(fiber.HeaderWWWAuthenticate, `Bearer realm="streamgauge"`)
}
