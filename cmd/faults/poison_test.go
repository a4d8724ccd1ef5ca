package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/kafkatest"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	poisonRounds, poisonShare = 3, 0.02
	// oddFrames have oddKeys names each that no other has.
	oddFrames, oddKeys = 10, 5000
	yearMS             = 365 * 24 * 3600_000
)

// poison is a message that is no frame, and what is said of it.
type poison struct{ name, reason, data string }

// poisoned are messages that differ from a good frame of the run in one thing.
func poisoned(t *testing.T, run string) (all []poison) {
	t.Helper()
	add := func(name, reason string, change func(*sgpb.Frame)) {
		f := &sgpb.Frame{Version: frame.Version, Writer: 4711, Number: 1, Sections: []*sgpb.Section{{
			RunId: run, Points: frame.PackPoints(&track.Points{Keys: []string{"bad"}, Key: []uint32{0}, Step: []int64{1}, TimeMS: []int64{1}, Value: []float64{1}}),
		}}}
		change(f)
		b, err := proto.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, poison{name, reason, string(b)})
	}
	section := func(name, reason string, change func(*sgpb.Section)) {
		add(name, reason, func(f *sgpb.Frame) { change(f.Sections[0]) })
	}
	add("another version", "frame.version is 9", func(f *sgpb.Frame) { f.Version = 9 })
	add("no writer", "frame.writer is 0", func(f *sgpb.Frame) { f.Writer = 0 })
	add("no number", "frame.number is 0", func(f *sgpb.Frame) { f.Number = 0 })
	section("no run", "not 32 lower-case hex digits", func(s *sgpb.Section) { s.RunId = "../etc/passwd" })
	section("fewer values than keys", "value has 0 entries", func(s *sgpb.Section) { s.Points.Value = nil })
	section("a key outside the dictionary", "the dictionary has 1", func(s *sgpb.Section) { s.Points.Key[0] = 7 })
	section("a key twice", "stands in the dictionary before", func(s *sgpb.Section) { s.Points.Keys = []string{"bad", "bad"} })
	section("an empty key", "keys[0] has 0 bytes", func(s *sgpb.Section) { s.Points.Keys[0] = "" })
	section("a long key", "keys[0] has 900000 bytes", func(s *sgpb.Section) { s.Points.Keys[0] = strings.Repeat("k", 900_000) })
	section("too many events", "events: the frame has more than", func(s *sgpb.Section) {
		for range frame.EventsMax + 1 {
			s.Events = append(s.Events, &sgpb.RunEvent{})
		}
	})
	whole := all[0].data
	return append(all, poison{"garbage", "not a frame", "garbage"}, poison{"half a frame", "not a frame", whole[:len(whole)/2]})
}

// TestFault09Poison puts what is no frame between good ones, over every way that frames come, and odd points that are
// good. The good ones arrive; over HTTP the bad one is named, and from a bus it is set aside, with the reason.
func TestFault09Poison(t *testing.T) {
	t.Run("NATS", func(t *testing.T) {
		s := startServer(t, t.TempDir())
		js := s.jetStream()
		s.poison(func(run string, b []byte) {
			if _, err := js.Publish(t.Context(), bus.RunSubject(0, run), b); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("Kafka", func(t *testing.T) {
		b := kafkatest.Fresh(t)
		s := startServer(t, t.TempDir(), "--kafka", b.Addr)
		j := startKafkaJob(t, b.Addr)
		s.poison(func(run string, b []byte) { j.send(run, 0, b) })
	})
}

// poison sends every poison over the bus and over HTTP, with good frames between them, and counts.
func (s *server) poison(send func(run string, b []byte)) {
	s.t.Helper()
	run, err := (&writer{url: s.url, out: discard}).createRun()
	if err != nil {
		s.t.Fatal(err)
	}
	onBus, overHTTP := &job{run: run, writer: 1}, &job{run: track.NewRunID(), writer: 2}
	if overHTTP.run, err = (&writer{url: s.url, out: discard}).createRun(); err != nil {
		s.t.Fatal(err)
	}
	all := poisoned(s.t, run)
	rounds := 0
	for range faulttest.Rounds(s.t, poisonRounds, poisonShare) {
		for _, p := range all {
			send(run, []byte(p.data))
			onBus.frames++
			send(run, onBus.frame(onBus.frames))
			s.postPoison(p, overHTTP)
		}
		rounds++
	}
	odd := s.sendOdd(send)
	tally := s.countRun(onBus.run, onBus.frames*jobSteps*keysPerRun)
	tally.Add(s.countRun(overHTTP.run, overHTTP.frames*jobSteps*keysPerRun))
	tally.Add(odd)
	s.verifyTables(nil)
	for _, p := range all {
		if n := s.number(fmt.Sprintf("SELECT count() FROM quarantine FINAL WHERE position(reason, '%s') > 0", p.reason)); n < int64(rounds) {
			s.t.Errorf("%s: %d in quarantine with %q, %d were sent", p.name, n, p.reason, rounds)
		}
	}
	if n := s.number("SELECT count() FROM quarantine FINAL"); n != int64(rounds*len(all)) {
		s.t.Errorf("%d messages in quarantine, %d were bad: %v", n, rounds*len(all), s.sql("SELECT reason, count() FROM quarantine FINAL GROUP BY reason"))
	}
	tally.Check(s.t)
}

// postPoison sends a good frame, the poison and another good one in a request.
func (s *server) postPoison(p poison, good *job) {
	s.t.Helper()
	first := protowire.AppendBytes(nil, good.frame(good.frames+1))
	body := protowire.AppendBytes(bytes.Clone(first), []byte(p.data))
	body = protowire.AppendBytes(body, good.frame(good.frames+2))
	status, answer := s.postBody(body)
	if status != http.StatusBadRequest || answer.Accepted != 1 || answer.Offset != len(first) || !strings.Contains(answer.Message, p.reason) {
		s.t.Errorf("%s over HTTP: %d %+v; want 400, 1 accepted, offset %d and %q", p.name, status, answer, len(first), p.reason)
	}
	good.frames++
}

type framesAnswer struct {
	Accepted, Offset int
	Message          string
}

func (s *server) postBody(body []byte) (int, framesAnswer) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.url+"/v1/frames", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	status, b, err := roundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	var a framesAnswer
	if err := json.Unmarshal(b, &a); err != nil {
		s.t.Errorf("%d %s: %v", status, b, err)
	}
	return status, a
}

// sendOdd sends points that are strange and good: no numbers, steps that go back and repeat, clocks that are years
// off and jump, many names.
func (s *server) sendOdd(send func(run string, b []byte)) faulttest.Tally {
	s.t.Helper()
	run, err := (&writer{url: s.url, out: discard}).createRun()
	if err != nil {
		s.t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	odd := &track.Points{
		Keys: []string{"odd"}, Key: make([]uint32, 6),
		Step:   []int64{5, 5, 4, math.MinInt64, math.MaxInt64, 0},
		TimeMS: []int64{now + 50*yearMS, now, now - 40*yearMS, 0, -yearMS, now},
		Value:  []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.Copysign(0, -1), 5e-324},
	}
	sent := int64(0)
	for n := range oddFrames {
		p := odd
		if n > 0 {
			p = &track.Points{}
			for i := range oddKeys {
				p.Keys = append(p.Keys, fmt.Sprintf("name/%d/%d", n, i))
				p.Key, p.Step, p.TimeMS, p.Value = append(p.Key, uint32(i)), append(p.Step, 0), append(p.TimeMS, now), append(p.Value, 1)
			}
		}
		b, err := frame.Encode(&sgpb.Frame{Writer: 3, Number: uint64(n) + 1, Sections: []*sgpb.Section{{RunId: run, Points: frame.PackPoints(p)}}})
		if err != nil {
			s.t.Fatal(err)
		}
		send(run, b)
		sent += int64(len(p.Key))
	}
	number, _ := track.ParseRunID(run)
	got := s.sql(fmt.Sprintf(`SELECT countIf(isNaN(v)), countIf(isInfinite(v)), countIf(v = 5e-324), min(step), max(step), min(ts), max(ts) FROM points WHERE run = %d`,
		number))
	if want := fmt.Sprintf("[[1 2 1 %d %d %d %d]]", math.MinInt64, math.MaxInt64, -yearMS, now+50*yearMS); fmt.Sprint(got) != want {
		s.t.Errorf("the odd points are %v, want %s", got, want)
	}
	rows, different := s.number(fmt.Sprintf("SELECT count() FROM points WHERE run = %d", number)), s.number(fmt.Sprintf("SELECT uniqExact(key, step, ts) FROM points WHERE run = %d", number))
	return faulttest.Of(sent, rows, different)
}
