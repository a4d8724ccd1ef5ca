package vault

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Routes registers the management of tokens. Who may use it is not decided here.
func (v *Vault) Routes(r fiber.Router) {
	r.Get("/v1/tokens", v.list)
	r.Post("/v1/tokens", v.create)
	r.Delete("/v1/tokens/:id", v.revoke)
}

// Shown is a token as people and programs see it.
type Shown struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
	// Experiments are ids and, of those that did not exist, names; empty: all.
	Experiments []string `json:"experiments"`
	CreatedMS   int64    `json:"created_ms"`
	CreatedBy   string   `json:"created_by"`
	ExpiresMS   int64    `json:"expires_ms,omitempty"`
	UsedMS      int64    `json:"used_ms,omitempty"`
	Expired     bool     `json:"expired,omitempty"`
}

// Made is a token with its secret, which is shown once.
type Made struct {
	Token string `json:"token"`
	Shown
}

// Tokens is the list of them.
type Tokens struct {
	Tokens []Shown `json:"tokens"`
}

// Revoked is a token that ended. Last says that none is left, so that none is asked for any more, where
// nobody from elsewhere can come.
type Revoked struct {
	Shown
	Last bool `json:"last"`
}

// Show leaves out what nobody needs to see.
func Show(t access.Token, now time.Time) Shown {
	return Shown{
		ID: t.ID, Name: t.Name, Role: t.Role.String(), Experiments: append(append([]string{}, t.Scope.IDs...), t.Scope.Names...),
		CreatedMS: t.CreatedMS, CreatedBy: t.CreatedBy, ExpiresMS: t.ExpiresMS, UsedMS: t.UsedMS,
		Expired: t.ExpiresMS > 0 && t.ExpiresMS <= now.UnixMilli(),
	}
}

// Shown lists the tokens that are not revoked.
func (v *Vault) Shown(now time.Time) Tokens {
	out := Tokens{Tokens: []Shown{}}
	for _, t := range v.List() {
		out.Tokens = append(out.Tokens, Show(t, now))
	}
	return out
}

func (v *Vault) list(c *fiber.Ctx) error { return c.JSON(v.Shown(time.Now())) }

func (v *Vault) create(c *fiber.Ctx) error {
	body, err := smallBody(c)
	if err != nil {
		return err
	}
	w, err := parseWish(body)
	if err != nil {
		return err
	}
	now := time.Now()
	secret, t, err := v.Create(c.UserContext(), w, track.CallerOf(c.UserContext()).Name, now)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(Made{Token: secret, Shown: Show(t, now)})
}

// wishBytesMax holds the longest list of experiments.
const wishBytesMax = 256 << 10

func smallBody(c *fiber.Ctx) ([]byte, error) {
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil && length <= wishBytesMax {
		return c.Request().Body(), nil
	}
	b, err := mlflow.ReadBody(stream, length, wishBytesMax)
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, fiber.NewError(fiber.StatusRequestEntityTooLarge, "the request body is larger than 256 KiB")
	}
	if err != nil {
		return nil, track.Errorf(track.BadRequest, "read the request body: %v", err)
	}
	return b, nil
}

// parseWish reads the request for a token.
func parseWish(body []byte) (w Wish, err error) {
	f, err := mlflow.ParseBody(body)
	if err != nil {
		return w, err
	}
	if w.Name, err = f.String("name"); err != nil {
		return w, err
	}
	role, err := f.Required("role")
	if err != nil {
		return w, err
	}
	if w.Role, err = access.ParseRole(role); err != nil {
		return w, track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'role': %v", err)
	}
	if w.Experiments, err = f.Strings("experiments"); err != nil {
		return w, err
	}
	w.ExpiresMS, err = f.Int64("expires_ms", 0)
	return w, err
}

func (v *Vault) revoke(c *fiber.Ctx) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	now := time.Now()
	t, err := v.Revoke(c.UserContext(), id, track.CallerOf(c.UserContext()).Name, now)
	if err != nil {
		return err
	}
	return c.JSON(Revoked{Shown: Show(t, now), Last: v.Empty()})
}

// pathText is a part of the path, copied: the router reuses its memory.
func pathText(c *fiber.Ctx, name string) (string, error) {
	text, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return "", track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s' in the path: %v", name, err)
	}
	return strings.Clone(text), nil
}
