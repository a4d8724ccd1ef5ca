package track

import "context"

// Caller is who a request comes from, as far as the services need to know.
type Caller struct {
	// Name is of the token that the request came with, "" if it needed none.
	Name string
	// Token is that token's id, "" if there was none.
	Token string
	// Sees says whether an experiment is among those that the caller may see; nil: all are.
	Sees func(id, name string) bool
	// Restricted says that the caller may not manage the server, nor see what is for those who do.
	Restricted bool
}

type callerKey struct{}

var nobody = new(Caller)

// WithCaller gives a context that carries the caller.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf answers the caller of a context. Without one it is nobody, who sees everything: what comes over HTTP
// was let in, or not, before.
func CallerOf(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return c
	}
	return nobody
}

// SeesAll says that the caller is confined to no experiments.
func (c *Caller) SeesAll() bool { return c.Sees == nil }
