package lane

import (
	"context"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// Appender stores frames on the bus. Lane publishers call it at once for different lanes.
type Appender interface {
	// Append stores a frame as the newest of a lane, on disk, and answers its sequence there. A frame with the
	// name of one that is stored is not stored again, and answered with the same sequence. A *Refused says
	// that it is certainly not stored by this call; after any other error it may or may not be, now or a
	// moment later. The frame is not changed and not kept.
	Append(ctx context.Context, lane uint16, frame []byte) (seq uint64, err error)
}

// Refused says that a frame is certainly not stored. Reason is for the caller of the API.
type Refused struct{ Reason error }

func (r *Refused) Error() string { return "frame refused: " + r.Reason.Error() }

// Unwrap gives the reason.
func (r *Refused) Unwrap() error { return r.Reason }

// Field numbers of streamgauge.v1.Frame.
const (
	writerField protowire.Number = 2
	numberField protowire.Number = 3
)

// Name reads a frame's writer and number without decoding the rest.
func Name(frame []byte) (writer, number uint64, err error) {
	for len(frame) > 0 && (writer == 0 || number == 0) {
		field, kind, n := protowire.ConsumeTag(frame)
		if n < 0 {
			return 0, 0, errors.New("read the name of a frame: not a frame")
		}
		frame = frame[n:]
		switch {
		case field == writerField && kind == protowire.Fixed64Type:
			writer, n = protowire.ConsumeFixed64(frame)
		case field == numberField && kind == protowire.VarintType:
			number, n = protowire.ConsumeVarint(frame)
		default:
			n = protowire.ConsumeFieldValue(field, kind, frame)
		}
		if n < 0 {
			return 0, 0, errors.New("read the name of a frame: it is cut short")
		}
		frame = frame[n:]
	}
	if writer == 0 || number == 0 {
		return 0, 0, errors.New("read the name of a frame: it has no writer or no number")
	}
	return writer, number, nil
}
