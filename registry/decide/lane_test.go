package decide_test

import (
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func onLane(c track.Command, sequence uint64, event uint32) decide.Command {
	return decide.ForRun(track.OnLane{Command: c, At: track.Position{Lane: 1, Sequence: sequence, Event: event}})
}

func tagged(value string) track.LogBatch {
	return track.LogBatch{RunID: run1, Tags: kv("t", value), Batch: true}
}

func TestARunEventIsCarriedOutOnce(t *testing.T) {
	s := filled(t)
	tag := func(want string) {
		t.Helper()
		if got := s[document.RunKey(run1)].GetRun().GetTags()["t"]; got != want {
			t.Fatalf("the tag is %q, want %q", got, want)
		}
	}
	do := func(c decide.Command) {
		t.Helper()
		if _, _, err := s.do(c, ""); err != nil {
			t.Fatal(err)
		}
	}
	do(onLane(tagged("frame"), 7, 2))
	tag("frame")
	do(decide.ForRun(tagged("request")))
	do(onLane(tagged("frame"), 7, 2)) // the owner of the lane ended before its insert
	tag("request")
	do(onLane(tagged("same frame"), 7, 3))
	tag("same frame")
	do(decide.ForRun(track.DeleteTag{RunID: run1, Key: "t"}))
	do(onLane(track.DeleteTag{RunID: run1, Key: "t"}, 7, 3)) // carried out before: no refusal either
	do(decide.ForRun(track.OnLane{Command: tagged("other lane"), At: track.Position{Lane: 2, Sequence: 1, Event: 1}}))
	tag("other lane")
}

func TestARefusedRunEventStaysRefusedAndWarnsOnce(t *testing.T) {
	s := filled(t)
	event := onLane(track.LogBatch{RunID: run1, Params: kv("p", "2"), Batch: true}, 3, 1)
	_, _, refusal := s.do(event, "")
	if track.CodeOf(refusal) != track.InvalidParameterValue {
		t.Fatalf("refused with %v", refusal)
	}
	warn := decide.ForRun(track.WarnRun{RunID: run1, At: track.Position{Lane: 1, Sequence: 3, Event: 1}, Text: refusal.Error()})
	for range 2 {
		if _, _, err := s.do(warn, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.do(onLane(tagged("later"), 4, 1), ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.do(event, ""); err == nil || err.Error() != refusal.Error() {
		t.Fatalf("the second time it is refused with %v, want %v", err, refusal)
	}
	if n := len(s[document.RunKey(run1)].GetRun().GetWarnings()); n != 1 {
		t.Fatalf("%d warnings, want 1", n)
	}
}

// What was refused before the run began leaves no warning, for there was no run to warn.
func TestAnEventBeforeTheRunStaysRefused(t *testing.T) {
	s := filled(t)
	early := onLane(track.LogBatch{RunID: run2, Tags: kv("t", "early"), Batch: true}, 10, 1)
	start := onLane(track.CreateRun{ID: run2, ExperimentID: "0", Lenient: true}, 11, 1)
	for try := range 2 {
		if _, _, err := s.do(early, ""); track.CodeOf(err) != track.ResourceDoesNotExist {
			t.Fatalf("try %d: an event before the run's start: %v", try, err)
		}
		if _, _, err := s.do(start, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, is := s[document.RunKey(run2)].GetRun().GetTags()["t"]; is {
		t.Error("the early tag is set")
	}
}

func TestAHeartbeatIsWrittenNowAndThen(t *testing.T) {
	s := filled(t)
	beats := func(nowMS int64) bool {
		d, err := decide.Decide(s, onLane(track.Beat{RunID: run1}, 5, 1), decide.Given{NowMS: nowMS})
		if err != nil {
			t.Fatal(err)
		}
		return len(d.Events) > 0
	}
	if beats(1000 + 59_000) {
		t.Error("a heartbeat 59 s after the last write is written")
	}
	if !beats(1000 + 60_000) {
		t.Error("a heartbeat 60 s after the last write is not written")
	}
}

// Whatever is decided again, and whatever requests come between, the run is what each event, carried out once
// and in order, makes of it.
func TestEventsWithCrashesEqualEventsWithout(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		s := filled(t)
		want := maps.Clone(s[document.RunKey(run1)].GetRun().GetTags())
		want["t"] = "1"
		var events []decide.Command
		applied := 0
		for step := range 40 {
			value := strconv.Itoa(step)
			switch rnd.IntN(4) {
			case 0: // a request
				if _, _, err := s.do(decide.ForRun(tagged(value)), ""); err != nil {
					t.Fatal(err)
				}
				want["t"] = value
			case 1: // a crash: some of what was decided is decided again
				for _, e := range events[applied:] {
					if _, _, err := s.do(e, ""); err != nil {
						t.Fatal(err)
					}
				}
			case 2: // an insert: what it has is not decided again
				applied += rnd.IntN(len(events) - applied + 1)
			default:
				e := onLane(tagged(value), uint64(step), 1)
				events = append(events, e)
				if _, _, err := s.do(e, ""); err != nil {
					t.Fatal(err)
				}
				want["t"] = value
			}
			if got := s[document.RunKey(run1)].GetRun(); !maps.Equal(got.GetTags(), want) || got.GetStatus() != sgpb.RunStatus_RUN_STATUS_RUNNING {
				t.Fatalf("seed %d, step %d: tags are %v, want %v", seed, step, got.GetTags(), want)
			}
		}
	}
}
