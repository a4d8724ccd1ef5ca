package streamgauge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// What an entry takes in a frame at most.
const (
	// pointBytesMax: an index of 5 bytes, a step and a time of 10 each, a value of 8.
	pointBytesMax = 33
	// lengthBytesMax is a tag with a length in front of something.
	lengthBytesMax = 8
	// headBytesMax is what a frame takes beside its section, and the section beside its contents.
	headBytesMax = 256
)

// ErrTooLarge: something does not fit any frame.
var ErrTooLarge = errors.New("larger than a frame")

// Section collects what one rank of a run says until it is made a frame of. It is not safe for concurrent use.
type Section struct {
	run           string
	rank, attempt uint32
	bytes         int
	index         map[string]uint32
	points        track.Points
	events        []*sgpb.RunEvent
	values        []*sgpb.SmallValue
	console       []*sgpb.ConsoleLine
}

// NewSection begins an empty one.
func NewSection(run string, rank, attempt uint32) (*Section, error) {
	if _, ok := track.ParseRunID(run); !ok {
		return nil, fmt.Errorf("run %q: want 32 lower-case hex digits, the first 16 not all 0", run)
	}
	s := &Section{run: run, rank: rank, attempt: attempt}
	s.clear()
	return s, nil
}

func (s *Section) clear() {
	*s = Section{run: s.run, rank: s.rank, attempt: s.attempt, bytes: headBytesMax, index: make(map[string]uint32)}
}

// Empty says that nothing was added.
func (s *Section) Empty() bool {
	return s.points.Len()+len(s.events)+len(s.values)+len(s.console) == 0
}

// Bytes is what the section takes in a frame at most.
func (s *Section) Bytes() int { return s.bytes }

// Point is one value of a metric.
type Point struct {
	Key  string
	Step int64
	// Time is when it was measured; zero is now.
	Time  time.Time
	Value float64
}

// AddPoint adds a value; false: there is no room, make a frame first. A key that no server takes is an error.
func (s *Section) AddPoint(p Point) (bool, error) {
	if p.Key == "" || len(p.Key) > frame.KeyBytesMax || !utf8.ValidString(p.Key) {
		return false, fmt.Errorf("metric key %.300q: want 1 to %d bytes of UTF-8", p.Key, frame.KeyBytesMax)
	}
	i, known := s.index[p.Key]
	bytes := pointBytesMax
	if !known {
		bytes += len(p.Key) + lengthBytesMax
	}
	if s.bytes+bytes > bus.FrameBytesMax {
		return false, nil
	}
	if !known {
		i = uint32(len(s.points.Keys))
		s.index[p.Key], s.points.Keys = i, append(s.points.Keys, p.Key)
	}
	s.bytes += bytes
	q := &s.points
	q.Key, q.Step, q.TimeMS, q.Value = append(q.Key, i), append(q.Step, p.Step), append(q.TimeMS, millis(p.Time)), append(q.Value, p.Value)
	return true, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		t = time.Now()
	}
	return t.UnixMilli()
}

// add takes a message of its own if there is room.
func (s *Section) add(m proto.Message, take func()) (bool, error) {
	bytes := proto.Size(m) + lengthBytesMax
	if headBytesMax+bytes > bus.FrameBytesMax {
		return false, fmt.Errorf("%d bytes: %w of %d", bytes, ErrTooLarge, bus.FrameBytesMax)
	}
	if _, err := proto.Marshal(m); err != nil {
		return false, fmt.Errorf("encode: %w", err) // text that is no UTF-8
	}
	if s.bytes+bytes > bus.FrameBytesMax {
		return false, nil
	}
	s.bytes += bytes
	take()
	return true, nil
}

// AddEvent adds something that the run does; see AddPoint.
func (s *Section) AddEvent(e *sgpb.RunEvent) (bool, error) {
	if len(s.events) == frame.EventsMax {
		return false, nil
	}
	return s.add(e, func() { s.events = append(s.events, e) })
}

// AddValue adds a text, a histogram, or a reference to an artifact at a step; see AddPoint.
func (s *Section) AddValue(v *sgpb.SmallValue) (bool, error) {
	return s.add(v, func() { s.values = append(s.values, v) })
}

// AddConsole adds a line that the job printed; see AddPoint.
func (s *Section) AddConsole(l *sgpb.ConsoleLine) (bool, error) {
	return s.add(l, func() { s.console = append(s.console, l) })
}

// Frame makes the frame of that name and empties the section. Last says that the writer sends none after it.
func (s *Section) Frame(writer, number uint64, last bool) ([]byte, error) {
	section := &sgpb.Section{RunId: s.run, Rank: s.rank, Attempt: s.attempt, Events: s.events, Values: s.values, Console: s.console}
	if s.points.Len() > 0 {
		section.Points = frame.PackPoints(&s.points)
	}
	s.clear()
	return frame.Encode(&sgpb.Frame{Writer: writer, Number: number, Close: last, Sections: []*sgpb.Section{section}})
}

// Start creates a run, whichever rank says it first.
type Start struct {
	// Experiment is made if it is not there. ExperimentID is looked at if it is empty; both empty: the default one.
	Experiment, ExperimentID string
	Name, User               string
	Tags                     map[string]string
	// Ranks is how many there are; all ranks must say the same.
	Ranks uint32
}

// Status of a run.
type Status = sgpb.RunStatus

// The states of a run.
const (
	Running  = sgpb.RunStatus_RUN_STATUS_RUNNING
	Finished = sgpb.RunStatus_RUN_STATUS_FINISHED
	Failed   = sgpb.RunStatus_RUN_STATUS_FAILED
	Killed   = sgpb.RunStatus_RUN_STATUS_KILLED
)

func startEvent(s Start) *sgpb.RunEvent {
	return now(&sgpb.RunEvent{Event: &sgpb.RunEvent_Started{Started: &sgpb.RunStarted{
		ExperimentName: s.Experiment, ExperimentId: s.ExperimentID, Name: s.Name, User: s.User, Tags: s.Tags, Ranks: s.Ranks,
	}}})
}

// pairEvents makes events of params or tags: so many a piece that a piece fits a frame.
func pairEvents(pairs map[string]string, of func(map[string]string) *sgpb.RunEvent) []*sgpb.RunEvent {
	var out []*sgpb.RunEvent
	piece, bytes := make(map[string]string), 0
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		if n := len(k) + len(pairs[k]) + 3*lengthBytesMax; bytes+n > pairsBytesMax && len(piece) > 0 {
			out = append(out, of(piece))
			piece, bytes = make(map[string]string), 0
		}
		piece[k] = pairs[k]
		bytes += len(k) + len(pairs[k]) + 3*lengthBytesMax
	}
	if len(piece) > 0 {
		out = append(out, of(piece))
	}
	return out
}

// pairsBytesMax is about the size of an event with params or tags.
const pairsBytesMax = 64 << 10
