package vault

import (
	"net/http"

	"github.com/streamgauge/streamgauge/schemas/describe"
)

// tokenRequest is what parseWish reads.
type tokenRequest struct {
	Name        string   `json:"name" description:"What people call it; its id if left out."`
	Role        string   `json:"role" required:"true" enum:"read,write,admin" description:"What it may do."`
	Experiments []string `json:"experiments" maxItems:"100" description:"Names or ids; all if left out."`
	ExpiresMS   int64    `json:"expires_ms" minimum:"0" description:"When it ends, in milliseconds since 1970; never if left out."`
}

type revokeRequest struct {
	ID string `path:"id" description:"The token's id."`
}

// Contract describes the routes.
func Contract() []describe.Route {
	const area = "Tokens"
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/tokens", Area: area, Summary: "List tokens", Text: "Those that are not revoked, without their secrets.", Gives: Tokens{},
	}, {
		Method: http.MethodPost, Path: "/v1/tokens", Area: area, Summary: "Make a token", Text: "Its secret is shown this once.",
		Takes: tokenRequest{}, Gives: Made{}, Refusals: []int{http.StatusRequestEntityTooLarge, http.StatusConflict},
	}, {
		Method: http.MethodDelete, Path: "/v1/tokens/:id", Area: area, Summary: "Revoke a token", Takes: revokeRequest{}, Gives: Revoked{}, Refusals: []int{http.StatusConflict},
	}}
}
