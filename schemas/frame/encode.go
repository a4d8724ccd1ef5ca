// Package frame packs points into frames and unpacks them. It is pure.
//
// A frame (sgpb.Frame) is one message of one writer with sections per run, rank and attempt. Points travel as
// columns with a key dictionary; steps and times are delta coded. docs/protocol.md is the byte layout.
package frame

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Version of the layout that this package writes.
const Version = 1

// ErrTooLarge: the frame does not fit one message; its writer splits it.
var ErrTooLarge = errors.New("frame larger than a message")

// Encode gives the bytes of a frame, ErrTooLarge above bus.FrameBytesMax.
func Encode(f *sgpb.Frame) ([]byte, error) {
	f.Version = Version
	b, err := proto.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	if len(b) > bus.FrameBytesMax {
		return nil, fmt.Errorf("frame of %d bytes: %w (%d)", len(b), ErrTooLarge, bus.FrameBytesMax)
	}
	return b, nil
}

// PackPoints codes columns for the wire. It keeps p's dictionary, key, value and context slices.
func PackPoints(p *track.Points) *sgpb.Points {
	out := &sgpb.Points{Keys: p.Keys, Key: p.Key, StepDelta: deltas(p.Step), TimeDeltaMs: deltas(p.TimeMS), Value: p.Value, Context: p.Context}
	for _, c := range p.Contexts {
		out.Contexts = append(out.Contexts, &sgpb.PointContext{ModelId: c.ModelID, DatasetName: c.DatasetName, DatasetDigest: c.DatasetDigest})
	}
	return out
}

func deltas(values []int64) []int64 {
	out := make([]int64, len(values))
	prev := int64(0)
	for i, v := range values {
		out[i] = v - prev // wraps around, and sums() wraps back
		prev = v
	}
	return out
}
