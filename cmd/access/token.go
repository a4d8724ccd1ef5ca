package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// tokenMark begins every token, so that scanners of leaked secrets can find one.
	tokenMark = "sg_"
	// idLength leaves 40 random bits, plenty to tell a house's tokens apart.
	idLength = 8
	// OwnerID is the id of the data folder's own secret.
	OwnerID = "owner"
)

// Token is an access token without its secret.
type Token struct {
	ID, Name string
	Role     Role
	Scope    Scope
	// Hash is of the whole token as it is sent.
	Hash [sha256.Size]byte
	// ExpiresMS is 0 for a token that lasts; RevokedMS is 0 for one that is good.
	CreatedMS, ExpiresMS, RevokedMS int64
	CreatedBy                       string
	// UsedMS is the last use, 0 if there was none.
	UsedMS int64
}

// Hash of a token. Its secret has 256 random bits, so nobody guesses it from a fast hash.
func Hash(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// Draw makes a token and its id.
func Draw() (id, token string) {
	id = strings.ToLower(rand.Text()[:idLength])
	return id, drawFor(id)
}

// DrawOwner makes a data folder's own secret.
func DrawOwner() string { return drawFor(OwnerID) }

func drawFor(id string) string {
	// A text has 130 random bits.
	return tokenMark + id + "_" + strings.ToLower(rand.Text()+rand.Text())
}

// idOf finds the id in a token, "" if it is none.
func idOf(token string) string {
	rest, ok := strings.CutPrefix(token, tokenMark)
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "_")
	return id
}

// Credential takes the token out of an Authorization header: a bearer, or the password of a user whose name does
// not matter. It is "" if there is none.
func Credential(header string) string {
	scheme, rest, _ := strings.Cut(header, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "bearer"):
		return rest
	case strings.EqualFold(scheme, "basic"):
		b, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return rest // it was meant to be a credential: it is a wrong one
		}
		user, password, _ := strings.Cut(string(b), ":")
		if password == "" {
			return user
		}
		return password
	}
	return header
}

// Grant is what a request may do.
type Grant struct {
	// ID is the token's, "" for requests that need none.
	ID     string
	Role   Role
	Scope  Scope
	Caller track.Caller
	// ExpiresMS is 0 for never.
	ExpiresMS int64
}

// Anonymous may read and write; only tokens are not its business.
func Anonymous() *Grant { return &Grant{Role: Write} }

func newGrant(t Token) *Grant {
	g := &Grant{ID: t.ID, Role: t.Role, Scope: t.Scope, Caller: track.Caller{Name: t.Name, Token: t.ID, Restricted: t.Role < Admin}, ExpiresMS: t.ExpiresMS}
	if !t.Scope.All() {
		g.Caller.Sees = t.Scope.Sees
	}
	return g
}
