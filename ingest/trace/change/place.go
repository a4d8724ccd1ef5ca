package change

import (
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Place puts a trace of another server where none is. One that is there and the same stays, unless more of its spans come:
// they go with a change. created says whether it was not there.
func Place(next *sgpb.Trace, more bool, created *bool) Change {
	return func(old *sgpb.Trace) (*sgpb.Trace, error) {
		*created = old == nil
		switch {
		case old == nil:
			return next, nil
		case !proto.Equal(old, next):
			return nil, track.Errorf(track.ResourceAlreadyExists, "Trace '%s' is there already and differs", next.GetInfo().GetTraceId())
		case more:
			return next, nil
		}
		return nil, nil
	}
}
