// Package framing makes frames of the rows of an export, the same each time, and sends them.
package framing

import (
	"context"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// frameBytesMax is where a frame is closed, below a message's 1 MiB by more than what one row adds as a rule;
	// frameRowsMax bounds its rows.
	frameBytesMax = 640 << 10
	frameRowsMax  = 16_384
	// requestBytesMax is where a request is sent.
	requestBytesMax = 4 << 20
	// pointBytes is about what a point takes beside its key's name.
	pointBytes = 24
)

// Place is where a row belongs: a section.
type Place struct {
	Run           string
	Rank, Attempt uint32
}

// Sender makes frames of rows that come run by run. The same rows make the same frames.
type Sender struct {
	Server transfer.Server
	// Writer is the one of a run.
	Writer func(run string) uint64
	// There answers the frames of a run that the server has, for it may not remember the writer any more: they are not sent.
	// nil: it has none.
	There func(ctx context.Context, run string) (map[Mark]int, error)
	// Sent are the runs of which something was sent.
	Sent map[string]bool

	run    string
	number uint64
	// held is the newest frame of the run, which may be its last.
	held *sgpb.Frame

	at       Place
	sections []*sgpb.Section
	points   *track.Points
	keys     map[string]uint32
	contexts map[track.PointContext]uint32
	mark     Mark
	bytes    int
	there    map[Mark]int

	request []byte
}

// Add takes a row in.
func (s *Sender) Add(ctx context.Context, at Place, r Row) error {
	if at.Run != s.run {
		if err := s.endRun(ctx); err != nil {
			return err
		}
		s.run, s.number, s.there = at.Run, 0, nil
		if s.There != nil {
			var err error
			if s.there, err = s.There(ctx, at.Run); err != nil {
				return err
			}
		}
		if s.Sent == nil {
			s.Sent = make(map[string]bool)
		}
		s.Sent[at.Run] = true
	}
	size := sizeOf(r)
	if s.mark.Rows == frameRowsMax || s.mark.Rows > 0 && s.bytes+size > frameBytesMax {
		if err := s.endFrame(ctx); err != nil {
			return err
		}
	}
	if len(s.sections) == 0 || at != s.at {
		s.endSection()
		s.at = at
		s.sections = append(s.sections, &sgpb.Section{RunId: at.Run, Rank: at.Rank, Attempt: at.Attempt})
		s.bytes += len(at.Run) + pointBytes
	}
	s.mark.add(at, r)
	s.bytes += size
	section := s.sections[len(s.sections)-1]
	switch {
	case r.Value != nil:
		section.Values = append(section.Values, r.Value)
	case r.Line != nil:
		section.Console = append(section.Console, r.Line)
	default:
		s.point(r.Point)
	}
	return nil
}

func sizeOf(r Row) int {
	switch {
	case r.Value != nil:
		return proto.Size(r.Value) + pointBytes
	case r.Line != nil:
		return proto.Size(r.Line) + pointBytes
	}
	// Its names may be in the dictionaries already; a frame that is shorter than it could be does no harm.
	return pointBytes + len(r.Point.key)/8 + len(r.Point.context.ModelID)/8 + len(r.Point.context.DatasetName)/8
}

// point adds a point to the section's columns.
func (s *Sender) point(p *Point) {
	if s.points == nil {
		s.points, s.keys, s.contexts = new(track.Points), make(map[string]uint32), make(map[track.PointContext]uint32)
	}
	k, ok := s.keys[p.key]
	if !ok {
		k = uint32(len(s.points.Keys))
		s.keys[p.key] = k
		s.points.Keys = append(s.points.Keys, p.key)
		s.bytes += len(p.key)
	}
	var c uint32
	if p.context != (track.PointContext{}) {
		if c, ok = s.contexts[p.context]; !ok {
			s.points.Contexts = append(s.points.Contexts, p.context)
			c = uint32(len(s.points.Contexts))
			s.contexts[p.context] = c
			s.bytes += len(p.context.ModelID) + len(p.context.DatasetName) + len(p.context.DatasetDigest) + pointBytes
		}
	}
	s.points.Key = append(s.points.Key, k)
	s.points.Step = append(s.points.Step, p.step)
	s.points.TimeMS = append(s.points.TimeMS, p.time)
	s.points.Value = append(s.points.Value, p.value)
	s.points.Context = append(s.points.Context, c)
}

// endSection packs the points of the last section.
func (s *Sender) endSection() {
	if s.points != nil {
		if len(s.points.Contexts) == 0 {
			s.points.Context = nil
		}
		s.sections[len(s.sections)-1].Points = frame.PackPoints(s.points)
		s.points = nil
	}
}

// endFrame closes a frame; it is sent when the next one, or the end of the run, shows whether it is the last.
func (s *Sender) endFrame(ctx context.Context) error {
	s.endSection()
	if len(s.sections) == 0 {
		return nil
	}
	if err := s.pass(ctx, s.held); err != nil {
		return err
	}
	s.number++
	s.held = nil
	if s.there[s.mark] > 0 {
		s.there[s.mark]--
	} else {
		s.held = &sgpb.Frame{Writer: s.Writer(s.run), Number: s.number, Sections: s.sections}
	}
	s.sections, s.mark, s.bytes = nil, Mark{}, 0
	return nil
}

// endRun closes the run's last frame, and its writer with it.
func (s *Sender) endRun(ctx context.Context) error {
	if err := s.endFrame(ctx); err != nil || s.held == nil {
		return err
	}
	s.held.Close = true
	last := s.held
	s.held = nil
	return s.pass(ctx, last)
}

// pass puts a frame into the request, and sends that when it is large enough.
func (s *Sender) pass(ctx context.Context, f *sgpb.Frame) error {
	if f == nil {
		return nil
	}
	b, err := frame.Encode(f)
	if err != nil {
		return fmt.Errorf("frame %d of run %s: %w", f.GetNumber(), s.run, err)
	}
	s.request = append(binary.AppendUvarint(s.request, uint64(len(b))), b...)
	if len(s.request) < requestBytesMax {
		return nil
	}
	return s.send(ctx)
}

func (s *Sender) send(ctx context.Context) error {
	if len(s.request) == 0 {
		return nil
	}
	_, err := transfer.Frames(ctx, s.Server, s.request) // it warns of deleted runs, whose points are kept
	s.request = s.request[:0]
	return err
}

// Finish sends what is left.
func (s *Sender) Finish(ctx context.Context) error {
	if err := s.endRun(ctx); err != nil {
		return err
	}
	return s.send(ctx)
}
