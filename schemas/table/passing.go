package table

import (
	"slices"

	"github.com/ClickHouse/ch-go/proto"
)

// passing are codes of ClickHouse's errors that end by themselves: time-outs, network, memory, space, too many
// parts, leadership, cancelled queries (src/Common/ErrorCodes.cpp).
var passing = []proto.Error{
	proto.ErrTimeoutExceeded, proto.ErrTooManySimultaneousQueries, 203, 209, 210, 236, 241, 242, 243, 244, 252, 254, 265, 279, 285, 286,
	289, 297, 319, 364, 384, 394, 999,
}

// Passing says whether an error of ClickHouse is known to end by itself, so that the same request can succeed
// later.
func Passing(code proto.Error) bool { return slices.Contains(passing, code) }
