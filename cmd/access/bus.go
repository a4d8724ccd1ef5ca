package access

import (
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/document"
)

// BusRights are what a caller may do on the message bus. A list that is nil allows everything, an empty one
// nothing.
type BusRights struct {
	Publish, Subscribe []string
	// Denied may not be published to, whatever Publish allows.
	Denied []string
}

// inboxes are where NATS answers: acknowledgements, above all. Those of the server itself lie elsewhere.
const inboxes = "_INBOX.>"

// OnBus says what a grant means on NATS. Frames name their runs inside, where the bus does not look: so a token
// that is confined to experiments has no business there.
func OnBus(g *Grant) (BusRights, bool) {
	switch {
	case !g.Scope.All():
		return BusRights{}, false
	case g.Role == Admin:
		return BusRights{}, true
	case g.ID == "":
		// Whoever may write documents and streams could make a token, so the anonymous may do neither that nor
		// change what the bus itself does with messages.
		return BusRights{Denied: []string{
			bus.DocSubject(document.TokenKey(">")),
			"$JS.API.STREAM.CREATE.>", "$JS.API.STREAM.UPDATE.>", "$JS.API.STREAM.RESTORE.>",
		}}, true
	case g.Role == Write:
		return BusRights{Publish: []string{bus.AllLanes}, Subscribe: []string{inboxes}}, true
	case g.Role == Read:
		return BusRights{Publish: []string{}, Subscribe: []string{bus.AllLanes, inboxes}}, true
	}
	return BusRights{}, false
}
