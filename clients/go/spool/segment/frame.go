package segment

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// frameVersion of frame.proto.
const frameVersion = 1

// Frame is a frame of sections' fields. Without any it has an empty one, for a frame without a section belongs to no run,
// and so to no lane. Last says that the writer sends none after it.
func (h Head) Frame(number uint64, sections [][]byte, last bool) []byte {
	whose := appendChunk(nil, 1, h.Run)
	whose = appendNumber(whose, 2, uint64(h.Rank))
	whose = appendNumber(whose, 3, uint64(h.Attempt))
	if len(sections) == 0 {
		sections = [][]byte{nil}
	}
	size := 64
	for _, s := range sections {
		size += len(whose) + len(s) + 16
	}
	b := appendNumber(make([]byte, 0, size), 1, frameVersion)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 2, protowire.Fixed64Type), h.Writer)
	b = appendNumber(b, 3, number)
	if last {
		b = appendNumber(b, 4, 1)
	}
	for _, s := range sections {
		b = protowire.AppendTag(b, 5, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(len(whose)+len(s)))
		b = append(append(b, whose...), s...)
	}
	return b
}

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}
