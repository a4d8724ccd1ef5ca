// Package head reads what a transport must know of a frame.
package head

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Head is read without decoding the points.
type Head struct {
	Writer, Number uint64
	// Runs of the sections, each once.
	Runs []string
	// Events: the frame has some, or says that it is the last one.
	Events bool
	// Ranks that a started event names.
	Ranks uint64
}

// Tags of frame.proto. A field of another kind is not the field.
const (
	frameWriter   = 2<<3 | uint64(protowire.Fixed64Type)
	frameNumber   = 3<<3 | uint64(protowire.VarintType)
	frameClose    = 4<<3 | uint64(protowire.VarintType)
	frameSections = 5<<3 | uint64(protowire.BytesType)
	sectionRun    = 1<<3 | uint64(protowire.BytesType)
	sectionEvents = 5<<3 | uint64(protowire.BytesType)
	eventStarted  = 2<<3 | uint64(protowire.BytesType)
	startedRanks  = 6<<3 | uint64(protowire.VarintType)
)

var errNoFrame = errors.New("not a frame")

// Read gives a frame's head.
func Read(frame []byte) (Head, error) {
	var h Head
	err := fields(frame, func(tag, v uint64, b []byte) error {
		switch tag {
		case frameWriter:
			h.Writer = v
		case frameNumber:
			h.Number = v
		case frameClose:
			h.Events = h.Events || v != 0
		case frameSections:
			return h.section(b)
		}
		return nil
	})
	if err == nil && (h.Writer == 0 || h.Number == 0) {
		err = errNoFrame
	}
	return h, err
}

func (h *Head) section(b []byte) error {
	return fields(b, func(tag, _ uint64, b []byte) error {
		switch tag {
		case sectionRun:
			if run := string(b); !slices.Contains(h.Runs, run) {
				h.Runs = append(h.Runs, run)
			}
		case sectionEvents:
			h.Events = true
			return fields(b, func(tag, _ uint64, b []byte) error {
				if tag != eventStarted {
					return nil
				}
				return fields(b, func(tag, v uint64, _ []byte) error {
					if tag == startedRanks {
						h.Ranks = v
					}
					return nil
				})
			})
		}
		return nil
	})
}

// fields calls back for each field of a message with its tag and its number, or its bytes.
func fields(message []byte, each func(tag, v uint64, b []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errNoFrame
		}
		message = message[n:]
		var value uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			value, n = protowire.ConsumeFixed64(message)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return errNoFrame
		}
		message = message[n:]
		if err := each(protowire.EncodeTag(number, kind), value, bytes); err != nil {
			return err
		}
	}
	return nil
}
