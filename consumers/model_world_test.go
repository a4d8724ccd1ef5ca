package consumers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// errCrash ends an owner: nothing of it is asked any more.
var errCrash = errors.New("the process ends here")

const (
	modelRuns    = 3
	modelWriters = 3
	unknownRun   = "ffffffffffffffffffffffffffffffff"
	// skewMaxMS keeps all of a history within the time that writers are remembered.
	skewMaxMS = 7 * 24 * 3600_000
)

// point is a point's identity, and all that is to be known of it: values are drawn once.
type point struct {
	run   track.RunNumber
	key   string
	value float64
}

// truth is what a frame must come to.
type truth struct {
	seq    uint64
	points []point
	parts  []uint32 // refused parts
	// values and lines are the places of what must be kept beside the points.
	values, lines [][3]uint64
}

// world is the bus, the registry and the engine of the model.
type world struct {
	*rand.Rand
	log    []Message
	truth  []truth
	first  uint64 // on the log
	sought uint64
	timeMS int64
	// skewMS is by how much the bus's clock is wrong; it jumps, forth and back.
	skewMS  int64
	value   float64
	numbers [modelWriters]uint64
	seen    map[[2]uint64]bool
	sent    []Message
	started map[string]bool

	landed     []landed
	tokens     map[string]bool
	latest     map[string]track.Latest
	quarantine map[[2]uint64]bool
	// values and lines are rows by their place: the same place is the same row.
	values, lines map[[3]uint64]bool
	// limbo are inserts that the engine is still at; zombies those that a paused process will send.
	limbo, zombies []shipment
	crashed        bool
	// lives counts the engine's starts; known is the one that the marker was read from.
	lives, known int
	faults       bool
}

// landed is a batch in the table: one part.
type landed struct {
	marker table.Marker
	rows   []landedRow
	ranges []table.WriterRange
}

type landedRow struct {
	point
	seq uint64
}

type shipment struct {
	batch *Batch
	token string
}

func newWorld(seed uint64) *world {
	return &world{
		Rand: rand.New(rand.NewPCG(seed, 7)), first: 1, timeMS: 1_767_139_200_000, // the last day of a year
		seen: make(map[[2]uint64]bool), started: make(map[string]bool), tokens: make(map[string]bool),
		latest: make(map[string]track.Latest), quarantine: make(map[[2]uint64]bool), faults: true,
		values: make(map[[3]uint64]bool), lines: make(map[[3]uint64]bool),
	}
}

func modelRun(i int) string { return fmt.Sprintf("%016x%016x", i+1, i) }

// publish puts something on the log and notes what must come of it.
func (w *world) publish() {
	w.timeMS += w.Int64N(3 * 3600_000)
	if w.IntN(20) == 0 {
		w.skewMS = w.Int64N(2*skewMaxMS) - skewMaxMS
	}
	seq := uint64(len(w.log)) + 1
	switch {
	case w.IntN(12) == 0:
		w.put([]byte("garbage"), truth{parts: []uint32{0}})
	case len(w.sent) > 0 && w.IntN(6) == 0:
		w.put(w.sent[w.IntN(len(w.sent))].Data, truth{}) // a repeat: its number was seen
	default:
		i := w.IntN(modelWriters)
		w.numbers[i] += 1 + uint64(max(0, w.IntN(6)-4)) // sometimes a hole
		number := w.numbers[i]
		if late := w.IntN(8); late == 0 && number > 1 {
			number = 1 + w.Uint64N(number) // perhaps one that was left out, perhaps a repeat
		}
		f, t := w.frame(uint64(i)+1, number, seq)
		b, err := frame.Encode(f)
		if err != nil {
			panic(err)
		}
		if id := [2]uint64{f.Writer, number}; w.seen[id] {
			t = truth{}
		} else {
			w.seen[id] = true
		}
		w.put(b, t)
		w.sent = append(w.sent, w.log[len(w.log)-1])
	}
}

func (w *world) put(data []byte, t truth) {
	t.seq = uint64(len(w.log)) + 1
	w.log = append(w.log, Message{Seq: t.seq, TimeMS: w.timeMS + w.skewMS, Subject: "sg.points.0.edge", Data: data})
	w.truth = append(w.truth, t)
}

func (w *world) frame(writer, number, seq uint64) (*sgpb.Frame, truth) {
	f := &sgpb.Frame{Writer: writer, Number: number}
	t := truth{seq: seq}
	values, lines := uint64(0), uint64(0)
	for i := range w.IntN(3) + 1 {
		run := modelRun(w.IntN(modelRuns))
		s := &sgpb.Section{RunId: run, Rank: uint32(w.IntN(2))}
		f.Sections = append(f.Sections, s)
		refused := false
		switch w.IntN(10) {
		case 0:
			s.RunId = unknownRun
		case 1:
			s.Console = []*sgpb.ConsoleLine{{Text: "hello"}} // on no stream
			refused = true
			lines++
		case 2:
			s.Events = append(s.Events, &sgpb.RunEvent{Event: &sgpb.RunEvent_Params{Params: &sgpb.Params{Params: map[string]string{"bad": "1"}}}})
			refused = true
		}
		if !w.started[s.RunId] && s.RunId != unknownRun {
			w.started[s.RunId] = true
			s.Events = append([]*sgpb.RunEvent{{Event: &sgpb.RunEvent_Started{Started: &sgpb.RunStarted{ExperimentId: "1"}}}}, s.Events...)
		}
		for range w.IntN(3) {
			s.Console = append(s.Console, &sgpb.ConsoleLine{Stream: 1, Number: seq, Text: "hello"})
			s.Values = append(s.Values, &sgpb.SmallValue{Key: "sample", Value: &sgpb.SmallValue_Text{Text: "hello"}})
			if s.RunId != unknownRun {
				t.lines = append(t.lines, [3]uint64{writer, number, lines})
				t.values = append(t.values, [3]uint64{writer, number, values})
			}
			lines++
			values++
		}
		p := w.points(s.RunId, &t)
		s.Points = frame.PackPoints(p)
		if s.RunId == unknownRun || refused {
			t.parts = append(t.parts, uint32(i)+1)
		}
	}
	return f, t
}

func (w *world) points(runID string, t *truth) *track.Points {
	number, _ := track.ParseRunID(runID)
	p := &track.Points{Keys: []string{"loss", "acc"}}
	for range 1 + w.IntN(4) {
		w.value++
		k := uint32(w.IntN(2))
		p.Key = append(p.Key, k)
		p.Step = append(p.Step, w.Int64N(4))
		p.TimeMS = append(p.TimeMS, w.Int64N(3))
		p.Value = append(p.Value, w.value)
		if runID != unknownRun {
			t.points = append(t.points, point{number, p.Keys[k], w.value})
		}
	}
	return p
}

// Lookup and Do are the registry. Now and then it is away for a moment.
func (w *world) Lookup(_ context.Context, runID string) (track.RunFacts, error) {
	if w.faults && w.IntN(20) == 0 {
		return track.RunFacts{}, errors.New("the registry is away")
	}
	if runID == unknownRun {
		return track.RunFacts{}, track.Errorf(track.ResourceDoesNotExist, "no run %s", runID)
	}
	number, _ := track.ParseRunID(runID)
	return track.RunFacts{ID: runID, Number: number, Experiment: 1}, nil
}

func (w *world) Do(_ context.Context, c track.Command) (*sgpb.Run, error) {
	if w.faults && w.IntN(20) == 0 {
		return nil, errors.New("the registry is away")
	}
	if event, ok := c.(track.OnLane); ok {
		c = event.Command
	}
	if b, ok := c.(track.LogBatch); ok && len(b.Params) > 0 {
		return nil, track.Errorf(track.InvalidParameterValue, "params are immutable")
	}
	return nil, nil
}

// Seek, Fetch, State and Purge are the bus; the test hands messages over by itself.
func (w *world) Seek(_ context.Context, seq uint64) error { w.sought = seq; return nil }
func (w *world) Fetch(ctx context.Context, _ int) ([]Message, error) {
	return w.log[w.sought-1:][:1], ctx.Err()
}
func (w *world) Purge(_ context.Context, seq uint64) error { w.first = max(w.first, seq+1); return nil }
func (w *world) ObserveDocuments([]feed.Document)          {}
func (w *world) DocumentsApplied(uint64)                   {}
func (w *world) State(context.Context) (State, error) {
	n := uint64(len(w.log))
	return State{First: w.first, Last: n, Messages: n + 1 - w.first, Bytes: 100 * (n + 1 - w.first)}, nil
}
