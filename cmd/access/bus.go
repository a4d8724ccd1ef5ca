package access

// OnBus says what a grant means on NATS: everything, publishing points alone, or nothing. Frames name their runs
// inside, where the bus does not look: so a token that is confined to experiments has no business there. Nor has
// one that may only read: readers ask over HTTP. The anonymous may do what a job does, for whoever writes documents
// could make a token.
func OnBus(g *Grant) (all, in bool) {
	switch {
	case !g.Scope.All():
		return false, false
	case g.ID == "", g.Role == Write:
		return false, true
	}
	return g.Role == Admin, g.Role == Admin
}
