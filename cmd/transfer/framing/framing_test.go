package framing

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// taker takes requests with frames.
type taker struct{ requests [][]byte }

func (s *taker) Send(_ context.Context, _, _, _ string, body io.Reader) (io.ReadCloser, error) {
	b, err := io.ReadAll(body)
	s.requests = append(s.requests, b)
	return io.NopCloser(strings.NewReader("{}")), err
}

func (s *taker) frames(t *testing.T) (out []*sgpb.Frame) {
	t.Helper()
	for _, r := range s.requests {
		for len(r) > 0 {
			n, k := binary.Uvarint(r)
			if n > bus.FrameBytesMax {
				t.Fatalf("a frame of %d bytes", n)
			}
			f, err := frame.Decode(r[k : k+int(n)])
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, f)
			r = r[k+int(n):]
		}
	}
	return out
}

func runID(n int) string { return fmt.Sprintf("%016x%016x", n+1, n) }

func send(t *testing.T, rows func(add func(Place, Row))) *taker {
	t.Helper()
	to := new(taker)
	s := &Sender{Server: to, Writer: func(run string) uint64 { return uint64(len(run)) + uint64(run[31]) }}
	rows(func(at Place, r Row) {
		if err := s.Add(t.Context(), at, r); err != nil {
			t.Fatal(err)
		}
	})
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return to
}

func many(add func(Place, Row)) {
	for run := range 3 {
		for rank := range uint32(2) {
			for i := range 60_000 {
				p := &Point{key: strings.Repeat("k", 1+i%240) + fmt.Sprint(i%500), step: math.MaxInt64 - int64(i), time: int64(i), value: float64(i)}
				if i%100 == 0 {
					p.context = track.PointContext{ModelID: "m", DatasetName: fmt.Sprint("d", i%3)}
				}
				add(Place{runID(run), rank, 7}, Row{Point: p})
			}
		}
	}
}

func TestEveryRowIsInAFrameOfItsRunOnce(t *testing.T) {
	frames := send(t, many).frames(t)
	number, rows := make(map[string]uint64), make(map[string]int)
	closed := make(map[string]bool)
	for _, f := range frames {
		run := f.GetSections()[0].GetRunId()
		if number[run]++; f.GetNumber() != number[run] || closed[run] {
			t.Fatalf("frame %d of run %s comes as number %d, closed %v", f.GetNumber(), run, number[run], closed[run])
		}
		closed[run] = f.GetClose()
		for _, s := range f.GetSections() {
			if s.GetRunId() != run || s.GetAttempt() != 7 {
				t.Fatalf("a section of run %s, attempt %d in a frame of %s", s.GetRunId(), s.GetAttempt(), run)
			}
			points := frame.UnpackPoints(s.GetPoints())
			for i := range points.Len() {
				n := int(points.TimeMS[i])
				if points.Step[i] != math.MaxInt64-int64(n) || points.Value[i] != float64(n) || !strings.HasSuffix(points.Keys[points.Key[i]], "k"+fmt.Sprint(n%500)) {
					t.Fatalf("point %d came as step %d, value %v, key %s", n, points.Step[i], points.Value[i], points.Keys[points.Key[i]])
				}
				if c := points.ContextOf(i); (c.ModelID == "m") != (n%100 == 0) {
					t.Fatalf("point %d has the context %+v", n, c)
				}
				rows[run]++
			}
		}
	}
	for run := range 3 {
		if id := runID(run); rows[id] != 120_000 || !closed[id] {
			t.Errorf("run %s: %d rows, closed %v", id, rows[id], closed[id])
		}
	}
}

func TestTheSameRowsMakeTheSameFrames(t *testing.T) {
	a, b := send(t, many), send(t, many)
	if len(a.requests) < 2 {
		t.Fatalf("%d requests test nothing", len(a.requests))
	}
	if !bytes.Equal(bytes.Join(a.requests, nil), bytes.Join(b.requests, nil)) {
		t.Error("they differ")
	}
}

func TestLongTextsFitFrames(t *testing.T) {
	to := send(t, func(add func(Place, Row)) {
		for i := range 40 {
			add(Place{Run: runID(1)}, Row{Line: &sgpb.ConsoleLine{Stream: 1, Number: uint64(i + 1), Text: strings.Repeat("x", 300_000)}})
		}
	})
	n := 0
	for _, f := range to.frames(t) {
		for _, s := range f.GetSections() {
			n += len(s.GetConsole())
		}
	}
	if n != 40 {
		t.Errorf("%d of 40 lines", n)
	}
}

// TestFramesThatAreThereAreNotSent: of an import that goes on, what is missing is sent under the numbers that it had, whatever is there.
func TestFramesThatAreThereAreNotSent(t *testing.T) {
	whole := send(t, many).frames(t)
	if len(whole) < 30 {
		t.Fatalf("%d frames show nothing", len(whole))
	}
	// The server has two of three frames.
	there := make(map[string]map[Mark]int)
	missing := make(map[string][]uint64)
	for i, f := range whole {
		run := f.GetSections()[0].GetRunId()
		if there[run] == nil {
			there[run] = make(map[Mark]int)
		}
		if i%3 == 0 {
			missing[run] = append(missing[run], f.GetNumber())
			continue
		}
		var m Mark
		for _, section := range f.GetSections() {
			p := frame.UnpackPoints(section.GetPoints())
			for i, k := range p.Key {
				m.add(Place{run, section.GetRank(), section.GetAttempt()}, Row{Point: &Point{key: p.Keys[k], step: p.Step[i]}})
			}
		}
		there[run][m]++
	}
	to := new(taker)
	s := &Sender{
		Server: to, Writer: func(run string) uint64 { return uint64(len(run)) + uint64(run[31]) },
		There: func(_ context.Context, run string) (map[Mark]int, error) { return there[run], nil },
	}
	many(func(at Place, r Row) {
		if err := s.Add(t.Context(), at, r); err != nil {
			t.Fatal(err)
		}
	})
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]uint64)
	for _, f := range to.frames(t) {
		run := f.GetSections()[0].GetRunId()
		got[run] = append(got[run], f.GetNumber())
	}
	if fmt.Sprint(got) != fmt.Sprint(missing) {
		t.Errorf("sent %v, missing are %v", got, missing)
	}
}
