package streamgauge

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/clients/go/head"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const runID = "0123456789abcdef0123456789abcdef"

func newSection(t *testing.T) *Section {
	t.Helper()
	s, err := NewSection(runID, 3, 9)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFramesHoldWhatWasAddedAndNoMore fills sections with all kinds of things until they say that they are full.
func TestFramesHoldWhatWasAddedAndNoMore(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newSection(t)
		var points, events, values, lines int
		for full := false; !full; {
			var ok bool
			var err error
			text := strings.Repeat("x", r.IntN(3000))
			switch r.IntN(8) {
			case 0:
				if ok, err = s.AddEvent(now(&sgpb.RunEvent{Event: &sgpb.RunEvent_Tags{Tags: &sgpb.Tags{Tags: map[string]string{"k": text}}}})); ok {
					events++
				}
			case 1:
				if ok, err = s.AddValue(&sgpb.SmallValue{Key: "v", Step: -1, Value: &sgpb.SmallValue_Text{Text: text}}); ok {
					values++
				}
			case 2:
				if ok, err = s.AddConsole(&sgpb.ConsoleLine{Text: text}); ok {
					lines++
				}
			default:
				if ok, err = s.AddPoint(Point{Key: strings.Repeat("k", 1+r.IntN(250)), Step: int64(r.Uint64()), Value: r.NormFloat64()}); ok {
					points++
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			full = !ok
		}
		most := s.Bytes()
		b, err := s.Frame(7, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > most || most > bus.FrameBytesMax {
			t.Fatalf("seed %d: a frame of %d bytes, at most %d were expected", seed, len(b), most)
		}
		f, err := frame.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		got := f.GetSections()[0]
		if len(got.GetPoints().GetKey()) != points || len(got.GetEvents()) != events || len(got.GetValues()) != values || len(got.GetConsole()) != lines {
			t.Errorf("seed %d: not all is there", seed)
		}
		if got.GetRunId() != runID || got.GetRank() != 3 || got.GetAttempt() != 9 || !s.Empty() {
			t.Errorf("seed %d: %v", seed, got.GetRunId())
		}
	}
}

func TestWhatNoFrameCanHoldIsAnError(t *testing.T) {
	s := newSection(t)
	for name, add := range map[string]func() (bool, error){
		"no key":       func() (bool, error) { return s.AddPoint(Point{}) },
		"long key":     func() (bool, error) { return s.AddPoint(Point{Key: strings.Repeat("k", 251)}) },
		"key no UTF-8": func() (bool, error) { return s.AddPoint(Point{Key: "\xff"}) },
		"line too large": func() (bool, error) {
			return s.AddConsole(&sgpb.ConsoleLine{Text: strings.Repeat("x", bus.FrameBytesMax)})
		},
		"line no UTF-8": func() (bool, error) { return s.AddConsole(&sgpb.ConsoleLine{Text: "\xff"}) },
	} {
		if ok, err := add(); ok || err == nil || strings.Contains(name, "large") != errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	if !s.Empty() {
		t.Error("something was added")
	}
	if _, err := NewSection("x", 0, 0); err == nil {
		t.Error("a section of a run that is none")
	}
	for range frame.EventsMax {
		if ok, err := s.AddEvent(&sgpb.RunEvent{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if ok, err := s.AddEvent(&sgpb.RunEvent{}); ok || err != nil {
		t.Errorf("one event too many: %v, %v", ok, err)
	}
}

func TestPairsAreSplit(t *testing.T) {
	pairs := make(map[string]string)
	for i := range 100 {
		pairs[strings.Repeat("k", i+1)] = strings.Repeat("v", 6000)
	}
	got := make(map[string]string)
	for _, e := range pairEvents(pairs, func(m map[string]string) *sgpb.RunEvent {
		return &sgpb.RunEvent{Event: &sgpb.RunEvent_Params{Params: &sgpb.Params{Params: m}}}
	}) {
		if ok, err := newSection(t).AddEvent(e); !ok || err != nil {
			t.Fatal(ok, err)
		}
		for k, v := range e.GetParams().GetParams() {
			got[k] = v
		}
	}
	if !reflect.DeepEqual(got, pairs) {
		t.Errorf("%d of %d pairs", len(got), len(pairs))
	}
}

func TestReadHead(t *testing.T) {
	other := strings.Repeat("a", 32)
	b, err := frame.Encode(&sgpb.Frame{Writer: 1 << 60, Number: 9, Sections: []*sgpb.Section{
		{RunId: runID, Events: []*sgpb.RunEvent{startEvent(Start{Ranks: 300, Name: "n"})}}, {RunId: other}, {RunId: runID, Points: &sgpb.Points{Keys: []string{"a"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := head.Head{Writer: 1 << 60, Number: 9, Runs: []string{runID, other}, Events: true, Ranks: 300}
	if got, err := head.Read(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := head.Read(b[:len(b)-1]); err == nil {
		t.Error("a frame that is cut")
	}
}

func FuzzReadHead(f *testing.F) {
	for last := range 2 {
		b, err := frame.Encode(&sgpb.Frame{Writer: 1 << 60, Number: 9, Close: last == 1, Sections: []*sgpb.Section{
			{RunId: runID, Events: []*sgpb.RunEvent{startEvent(Start{Ranks: 300, Name: "n"})}}, {RunId: runID, Points: &sgpb.Points{Keys: []string{"a"}}},
			{RunId: strings.Repeat("a", 32)},
		}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := head.Read(b)
		decoded, decodeErr := frame.Decode(b)
		if decodeErr != nil {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		events := decoded.GetClose()
		for _, s := range decoded.GetSections() {
			events = events || len(s.GetEvents()) > 0
		}
		if h.Writer != decoded.GetWriter() || h.Number != decoded.GetNumber() || h.Events != events {
			t.Fatalf("%+v of %v", h, decoded)
		}
	})
}
