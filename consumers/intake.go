package consumers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// pointBytes is what a point takes in memory: key, step, time, value, context.
	pointBytes = 4 + 8 + 8 + 8 + 4
	// frameBytes and sectionBytes stand for what a frame and a section take beside points and texts.
	frameBytes, sectionBytes = 200, 300
	// messageOverheadBytes is about what a log adds to data and subject of a message.
	messageOverheadBytes = 64
)

// Frame is a message of a lane after every decision about it was made.
type Frame struct {
	Seq    uint64
	TimeMS int64
	// Writer and Number are 0 if the message is no frame, a repeat, or beyond the writer's ranges.
	Writer, Number uint64
	Closes         bool
	Repeat         bool
	Sections       []*feed.Section
	Values         []table.SmallValue
	Lines          []table.ConsoleLine
	Refusals       []table.Refusal
	// Rows is the number of points; Bytes what the frame takes in memory, LogBytes on the log.
	Rows, Bytes, LogBytes int

	arrived time.Time
	// next is the place of the next section's first small value and line.
	next besideIndex
}

// Intake decides messages of one lane in order. It is used by one goroutine.
type Intake struct {
	lane    uint16
	runs    Runs
	writers *Writers
	facts   facts
	// retry is told of an error that may pass and returns when to try again, or an error to give up.
	retry func(ctx context.Context, err error) error
}

// NewIntake starts after the frames that writers has seen.
func NewIntake(lane uint16, runs Runs, writers *Writers, retry func(context.Context, error) error) *Intake {
	return &Intake{lane: lane, runs: runs, writers: writers, retry: retry}
}

// Take decides one message. It fails only if retry gives up.
func (in *Intake) Take(ctx context.Context, m Message) (*Frame, error) {
	f := &Frame{Seq: m.Seq, TimeMS: m.TimeMS, Bytes: frameBytes, LogBytes: len(m.Data) + len(m.Subject) + messageOverheadBytes}
	refuse := func(part uint32, reason string, bytes []byte) {
		f.Refusals = append(f.Refusals, table.Refusal{Lane: in.lane, Seq: m.Seq, Part: part, TimeMS: m.TimeMS, Subject: m.Subject, Reason: reason, Bytes: bytes})
		f.Bytes += len(bytes) + len(reason)
	}
	decoded, err := frame.Decode(m.Data)
	if err != nil {
		refuse(0, err.Error(), m.Data)
		return f, nil
	}
	switch in.writers.Add(decoded.GetWriter(), decoded.GetNumber(), m.TimeMS, decoded.GetClose()) {
	case Repeat:
		f.Repeat = true
		return f, nil
	case TooScattered:
		refuse(0, fmt.Sprintf("frame.number %d of writer %016x leaves more than %d holes in its numbers", decoded.GetNumber(), decoded.GetWriter(), RangesMax), m.Data)
		return f, nil
	}
	f.Writer, f.Number, f.Closes = decoded.GetWriter(), decoded.GetNumber(), decoded.GetClose()
	at := track.Position{Lane: in.lane, Sequence: m.Seq}
	for i, s := range decoded.GetSections() {
		refused, err := in.section(ctx, f, s, &at)
		if err != nil {
			return nil, err
		}
		if refused.content == nil {
			continue
		}
		bytes, err := proto.Marshal(refused.content)
		if err != nil {
			return nil, fmt.Errorf("encode refused section %d of frame %d: %w", i, m.Seq, err)
		}
		refuse(uint32(i)+1, strings.Join(refused.reasons, "; "), bytes)
	}
	return f, nil
}

// refused collects what of a section goes to quarantine, and why.
type refused struct {
	content *sgpb.Section
	reasons []string
}

func (r *refused) of(s *sgpb.Section, reason string) *sgpb.Section {
	if r.content == nil {
		r.content = &sgpb.Section{RunId: s.GetRunId(), Rank: s.GetRank(), Attempt: s.GetAttempt()}
	}
	r.reasons = append(r.reasons, reason)
	return r.content
}

// section carries out the events of a section, for a run may start in the frame that has its first points,
// and then takes what it carries. at is the position of the last event of the frame so far.
func (in *Intake) section(ctx context.Context, f *Frame, s *sgpb.Section, at *track.Position) (refused, error) {
	var r refused
	from := f.next
	f.next.value += uint32(len(s.GetValues()))
	f.next.line += uint32(len(s.GetConsole()))
	for _, e := range s.GetEvents() {
		at.Event++
		refusal, err := in.event(ctx, s.GetRunId(), e, *at)
		if err != nil {
			return r, err
		}
		if refusal != nil {
			content := r.of(s, refusal.Error())
			content.Events = append(content.Events, e)
		}
	}
	if len(s.GetPoints().GetKey())+len(s.GetValues())+len(s.GetConsole()) == 0 {
		return r, nil
	}
	run, refusal, err := in.lookup(ctx, s.GetRunId())
	if err != nil {
		return r, err
	}
	if refusal != nil {
		content := r.of(s, refusal.Error())
		content.Points, content.Values, content.Console = s.GetPoints(), s.GetValues(), s.GetConsole()
		return r, nil
	}
	in.beside(f, s, from, run, &r)
	if len(s.GetPoints().GetKey()) > 0 {
		in.keep(f, s, run)
	}
	return r, nil
}

func (in *Intake) keep(f *Frame, s *sgpb.Section, run fact) {
	points := frame.UnpackPoints(s.GetPoints())
	f.Sections = append(f.Sections, &feed.Section{
		Lane: in.lane, Seq: f.Seq, Writer: f.Writer, Frame: f.Number,
		RunID: s.GetRunId(), Run: run.number, Experiment: run.experiment, Rank: s.GetRank(), Attempt: s.GetAttempt(),
		Points: points,
	})
	f.Rows += points.Len()
	f.Bytes += sectionBytes + points.Len()*pointBytes
	for _, k := range points.Keys {
		f.Bytes += len(k)
	}
	for _, c := range points.Contexts {
		f.Bytes += len(c.ModelID) + len(c.DatasetName) + len(c.DatasetDigest)
	}
}

// event carries out one run event, once. A refusal is also shown to the run's owner.
func (in *Intake) event(ctx context.Context, runID string, e *sgpb.RunEvent, at track.Position) (refusal, err error) {
	c, refusal := frame.CommandOf(runID, e)
	if refusal == nil {
		refusal, err = in.do(ctx, track.OnLane{Command: c, At: at})
	}
	if err != nil || refusal == nil {
		return nil, err
	}
	if _, err := in.do(ctx, track.WarnRun{RunID: runID, At: at, Text: refusal.Error()}); err != nil {
		return nil, err // that the run cannot take the warning is no news: quarantine has the reason
	}
	return refusal, nil
}

func (in *Intake) do(ctx context.Context, c track.Command) (refusal, err error) {
	for {
		_, err := in.runs.Do(ctx, c)
		if err == nil {
			return nil, nil
		}
		if track.Permanent(err) {
			return err, nil
		}
		if err := in.retry(ctx, fmt.Errorf("carry out run event: %w", err)); err != nil {
			return nil, err
		}
	}
}

func (in *Intake) lookup(ctx context.Context, runID string) (run fact, refusal, err error) {
	if f, ok := in.facts.get(runID); ok {
		return f, nil, nil
	}
	for {
		r, err := in.runs.Lookup(ctx, runID)
		if err == nil {
			f := fact{number: r.Number, experiment: r.Experiment}
			in.facts.put(runID, f)
			return f, nil, nil
		}
		if track.Permanent(err) {
			return fact{}, err, nil
		}
		if err := in.retry(ctx, fmt.Errorf("look up run %s: %w", runID, err)); err != nil {
			return fact{}, nil, err
		}
	}
}
