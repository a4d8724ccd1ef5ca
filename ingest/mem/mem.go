// Package mem has a bus in memory, for tests.
package mem

import (
	"bytes"
	"context"
	"sync"

	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Bus keeps frames in memory. The zero value is an empty bus without a limit. Methods may be called at once.
type Bus struct {
	// LaneBytesMax limits each lane; 0 is no limit.
	LaneBytesMax int

	mu    sync.Mutex
	lanes map[uint16]*log
}

type log struct {
	first  uint64
	frames [][]byte
	bytes  int
	names  map[name]uint64
}

type name struct{ writer, number uint64 }

// Append is lane.Appender's.
func (b *Bus) Append(ctx context.Context, laneNumber uint16, frame []byte) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	writer, number, err := lane.Name(frame)
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.log(laneNumber)
	if seq := l.names[name{writer, number}]; seq != 0 {
		return seq, nil
	}
	if b.LaneBytesMax > 0 && l.bytes+len(frame) > b.LaneBytesMax {
		return 0, &lane.Refused{Reason: track.Unavailable(track.ResourceExhausted, 1, "lane %d is full", laneNumber)}
	}
	l.frames = append(l.frames, bytes.Clone(frame))
	l.bytes += len(frame)
	seq := l.first + uint64(len(l.frames)) - 1
	l.names[name{writer, number}] = seq
	return seq, nil
}

func (b *Bus) log(laneNumber uint16) *log {
	if b.lanes == nil {
		b.lanes = make(map[uint16]*log)
	}
	l := b.lanes[laneNumber]
	if l == nil {
		l = &log{first: 1, names: make(map[name]uint64)}
		b.lanes[laneNumber] = l
	}
	return l
}

// Frames are the frames of a lane, oldest first.
func (b *Bus) Frames(laneNumber uint16) [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([][]byte(nil), b.log(laneNumber).frames...)
}

// Purge removes all frames of a lane; sequences go on and names stay known.
func (b *Bus) Purge(laneNumber uint16) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.log(laneNumber)
	l.first += uint64(len(l.frames))
	l.frames, l.bytes = nil, 0
}
