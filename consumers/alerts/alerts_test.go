package alerts

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/consumers/alerts/memory"
	"github.com/streamgauge/streamgauge/consumers/alerts/ruleset"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func threshold(id, metric string, n int) *alert.Rule {
	return &alert.Rule{ID: id, Revision: 1, Enabled: true, ExperimentIDs: []string{"1", "1"}, Kind: alert.Threshold, Metric: metric,
		Threshold: &alert.ThresholdSettings{Op: ">", Value: 3, ForPoints: n}}
}

func rules() []*alert.Rule {
	zero := threshold("zero", "*", 2)
	zero.Ranks = alert.RankZero
	run := threshold("run", "b", 3)
	run.ExperimentIDs, run.RunID = nil, "run0"
	off := threshold("off", "a", 1)
	off.Enabled = false
	return []*alert.Rule{
		threshold("one", "a", 1), zero, run, off,
		{ID: "nan", Revision: 4, Enabled: true, ExperimentIDs: []string{"1", "2"}, Kind: alert.NaN},
		{ID: "flat", Revision: 2, Enabled: true, ExperimentIDs: []string{"2"}, Kind: alert.Plateau, Metric: "a",
			Plateau: &alert.PlateauSettings{Points: 4, MinDelta: 0.5, Direction: "min"}},
		{ID: "high", Revision: 2, Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.Plateau, Metric: "b",
			Plateau: &alert.PlateauSettings{Points: 3, Direction: "max"}},
	}
}

func fresh(t testing.TB, rules []*alert.Rule) *Evaluator {
	e := New()
	if err := e.Set(rules); err != nil {
		t.Fatal(err)
	}
	return e
}

// stream makes frames of two lanes: values are few, so that conditions hold and clear often. Runs keep to a lane.
func stream(r *rand.Rand) [][]*feed.Section {
	values := []float64{1, 2, 3, 4, 5, -1, math.NaN(), math.Inf(1), math.Inf(-1)}
	seq := map[uint16]uint64{}
	var out [][]*feed.Section
	for range 60 {
		lane := uint16(r.IntN(2))
		seq[lane]++
		var frame []*feed.Section
		for range 1 + r.IntN(3) {
			s := &feed.Section{
				Lane: lane, Seq: seq[lane], RunID: fmt.Sprintf("run%d", lane), Experiment: uint32(lane) + 1,
				Rank: uint32(r.IntN(2)), Attempt: uint32(r.IntN(2)), Points: track.Points{Keys: []string{"a", "b"}},
			}
			for i := range 1 + r.IntN(5) {
				s.Points.Key = append(s.Points.Key, uint32(r.IntN(2)))
				s.Points.Step = append(s.Points.Step, int64(i))
				s.Points.TimeMS = append(s.Points.TimeMS, int64(i))
				s.Points.Value = append(s.Points.Value, values[r.IntN(len(values))])
			}
			frame = append(frame, s)
		}
		out = append(out, frame)
	}
	return out
}

// ends lists what happened as text: which series, at which point, which end, and where the episode began.
func ends(events []Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, fmt.Sprint(e.Series, e.At, e.Start, e.Resolved))
	}
	return out
}

// plain decides each series by looking at all of it again, after the words of the documentation.
func plain(r *alert.Rule, values []float64) (changes []memory.Change, start []int) {
	open, from := false, -1
	var best []float64
	run := 0
	for i, v := range values {
		nan, inf := math.IsNaN(v), math.IsInf(v, 0)
		var holds bool
		switch r.Kind {
		case alert.NaN:
			holds = nan || inf
		case alert.Threshold:
			if nan {
				changes, start = append(changes, memory.None), append(start, from)
				continue
			}
			holds = v > r.Threshold.Value
		case alert.Plateau:
			improves := !nan && !inf
			for _, b := range best {
				if r.Plateau.Direction == "min" && !(v < b-r.Plateau.MinDelta) || r.Plateau.Direction == "max" && !(v > b+r.Plateau.MinDelta) {
					improves = false
				}
			}
			if improves {
				best = append(best, v)
			}
			holds = !improves
		}
		c := memory.None
		if holds {
			if run++; run == 1 {
				from = i
			}
			if !open && run >= memory.Needed(r) {
				open, c = true, memory.Fired
			}
		} else {
			if open {
				c = memory.Resolved
			}
			open, run = false, 0
		}
		changes, start = append(changes, c), append(start, from)
	}
	return changes, start
}

// TestLikePlain compares with plain, series by series.
func TestLikePlain(t *testing.T) {
	for seed := range uint64(60) {
		all := stream(rand.New(rand.NewPCG(seed, 1)))
		set := rules()
		e := fresh(t, set)
		got := map[string]int{}
		for _, f := range all {
			for _, line := range ends(e.Points(f, 0)) {
				got[line]++
			}
		}
		want := map[string]int{}
		for _, r := range set {
			for _, series := range seriesOf(all, r) {
				changes, start := plain(r, series.values)
				for i, c := range changes {
					if c != memory.None {
						want[fmt.Sprint(series.name, series.at[i], series.at[start[i]], c == memory.Resolved)]++
					}
				}
			}
		}
		if len(want) < 20 {
			t.Fatalf("seed %d: only %d events, a stream that shows nothing", seed, len(want))
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d:\n got %v\nwant %v", seed, got, want)
		}
	}
}

type oneSeries struct {
	name   Series
	values []float64
	at     []Position
}

func seriesOf(all [][]*feed.Section, r *alert.Rule) map[Series]*oneSeries {
	out := map[Series]*oneSeries{}
	for _, f := range all {
		for n, s := range f {
			in := r.RunID == s.RunID
			for _, id := range r.ExperimentIDs {
				in = in || id == fmt.Sprint(s.Experiment)
			}
			if !r.Enabled || !in || r.Ranks == alert.RankZero && s.Rank != 0 {
				continue
			}
			for i, k := range s.Points.Key {
				if !alert.Match(r.Metric, s.Points.Keys[k]) {
					continue
				}
				name := Series{RuleID: r.ID, Revision: r.Revision, RunID: s.RunID, Rank: s.Rank, Metric: s.Points.Keys[k]}
				if out[name] == nil {
					out[name] = &oneSeries{name: name}
				}
				out[name].values = append(out[name].values, s.Points.Value[i])
				out[name].at = append(out[name].at, Position{Lane: s.Lane, Seq: s.Seq, Index: uint32(n)<<indexBits + uint32(i)})
			}
		}
	}
	return out
}

// TestRestarts ends the evaluator at random moments; the next begins with the last snapshot and is given the log from some
// place before it. History, which keeps an event once by its id, must be that of an evaluator that never ended; ids
// must be different for different events.
func TestRestarts(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		all := stream(r)
		want, n := map[string]Event{}, 0
		whole := fresh(t, rules())
		for _, f := range all {
			for _, e := range whole.Points(f, 0) {
				want[e.ID()], n = e, n+1
			}
		}
		if len(want) != n {
			t.Fatalf("seed %d: %d events have %d ids", seed, n, len(want))
		}
		got := map[string]Event{}
		e, at := fresh(t, rules()), 0
		var saved, changes []byte
		for i := 0; i < len(all); {
			for _, ev := range e.Points(all[i], 0) {
				got[ev.ID()] = ev
			}
			i++
			var err error
			switch {
			case r.IntN(4) > 0:
			case saved == nil || r.IntN(3) == 0:
				saved, err = e.Snapshot()
				at, changes = i, nil
			default:
				changes, err = e.Changes()
				at = i
			}
			if err != nil {
				t.Fatal(err)
			}
			if saved != nil && r.IntN(8) == 0 {
				e = fresh(t, rules())
				if err := e.Restore(saved, changes); err != nil {
					t.Fatal(err)
				}
				if again := fresh(t, rules()); r.IntN(2) == 0 { // what is saved of it is the same
					b, err := e.Changes()
					if err := errors.Join(err, again.Restore(saved, b)); err != nil || !reflect.DeepEqual(again.states, e.states) || !reflect.DeepEqual(again.seen, e.seen) || !reflect.DeepEqual(again.counts, e.counts) {
						t.Fatalf("seed %d: an evaluator that was restored twice differs: %v", seed, err)
					}
				}
				i = max(0, at-r.IntN(10))
			}
		}
		if len(want) < 20 || len(got) != len(want) {
			t.Fatalf("seed %d: %d events after restarts, %d without", seed, len(got), len(want))
		}
		for id, e := range want {
			if fmt.Sprint(got[id]) != fmt.Sprint(e) {
				t.Fatalf("seed %d: %s: got %v, want %v", seed, id, got[id], e)
			}
		}
	}
}

func TestRuns(t *testing.T) {
	e := fresh(t, []*alert.Rule{
		{ID: "failed", Revision: 1, Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.State, State: &alert.StateSettings{States: []string{"FAILED"}}},
		{ID: "silent", Revision: 1, Enabled: true, RunID: "r", Kind: alert.NoHeartbeat, NoHeartbeat: &alert.NoHeartbeatSettings{AfterMS: 5000}},
	})
	check := func(what string, got []Event, want ...string) {
		t.Helper()
		var texts []string
		for _, e := range got {
			texts = append(texts, fmt.Sprintf("%s %v", e.RuleID, e.Resolved))
		}
		if !reflect.DeepEqual(texts, want) {
			t.Errorf("%s: got %v, want %v", what, texts, want)
		}
	}
	sign := func(revision uint64, state string, ms int64) []Event {
		return e.Run(Sign{RunID: "r", Experiment: 1, Revision: revision, State: state, SeenMS: ms})
	}
	tick := func(ms int64) []Event { return e.Tick(time.UnixMilli(ms), time.UnixMilli(0)) }
	check("a sign", sign(1, "RUNNING", 1000))
	check("not yet", tick(5999))
	silence := tick(6000)
	check("silent", silence, "silent false")
	check("still", tick(9000))
	end := sign(2, "RUNNING", 9000)
	check("speaks", end, "silent true")
	if silence[0].Episode() != end[0].Episode() {
		t.Error("the silence ended as another episode")
	}
	again := tick(20_000)
	check("silent again", again, "silent false")
	if again[0].ID() == silence[0].ID() {
		t.Error("two silences have one id")
	}
	check("fails", sign(3, "FAILED", 21_000), "silent true", "failed false")
	check("comes twice", sign(3, "FAILED", 21_000))
	check("an old one", sign(2, "RUNNING", 9000))
	check("has ended", tick(90_000))
	check("runs again", sign(4, "RUNNING", 91_000), "failed true")
	e.Forget("r")
	check("deleted", tick(200_000))
	if e.States() != 0 {
		t.Errorf("%d states of a deleted run", e.States())
	}
}

// TestARunThatEndedBefore: a document that is written again does not say that its run has just failed, and points are signs
// of life also when no document was seen.
func TestARunThatEndedBefore(t *testing.T) {
	const hour = 3_600_000
	failed := &alert.Rule{ID: "f", Revision: 1, Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.State,
		State: &alert.StateSettings{States: []string{"FAILED", alert.Crashed}}, UpdatedMS: 10 * hour}
	e := fresh(t, []*alert.Rule{failed})
	if got := e.Run(Sign{RunID: "old", Experiment: 1, Revision: 1, State: "FAILED", SeenMS: 11 * hour, EndMS: 9 * hour}); len(got) != 0 {
		t.Errorf("a run from before the rule: %v", got)
	}
	if got := e.Run(Sign{RunID: "late", Experiment: 1, Revision: 2, State: "FAILED", SeenMS: 13 * hour, EndMS: 11 * hour}); len(got) != 0 {
		t.Errorf("a run that ended long before it was written: %v", got)
	}
	first := Sign{RunID: "new", Experiment: 1, Revision: 3, State: "FAILED", SeenMS: 12 * hour, EndMS: 12*hour - 5}
	got := e.Run(first)
	if len(got) != 1 {
		t.Fatalf("a run that failed: %v", got)
	}
	other := fresh(t, []*alert.Rule{failed})
	first.Revision, first.SeenMS = 9, 12*hour+9 // its document was written over before it was read
	if again := other.Run(first); len(again) != 1 || again[0].ID() != got[0].ID() {
		t.Errorf("another process finds %v, not %v", again, got)
	}
	section := &feed.Section{Lane: 3, Seq: 7, RunID: "points", Experiment: 1}
	if got := e.Strangers([]*feed.Section{section, {RunID: "new", Experiment: 1}, section}); len(got) != 1 || got[0] != "points" {
		t.Errorf("of %v is asked whether they run", got)
	}
	e.Meet(Sign{RunID: "points", Experiment: 1, State: "RUNNING"}, 13*hour)
	e.Points([]*feed.Section{section}, 13*hour)
	now := time.UnixMilli(13*hour + CrashedAfter.Milliseconds())
	if got := e.Tick(now, now.Add(-time.Minute)); len(got) != 0 {
		t.Errorf("silent while nobody could hear: %v", got)
	}
	if got := e.Tick(now, time.UnixMilli(0)); len(got) != 1 || got[0].Start.Seq != 7 || got[0].State != alert.Crashed {
		t.Errorf("a run that crashed: %v", got)
	}
	if section.Seq = 8; len(e.Points([]*feed.Section{section}, 14*hour)) != 1 {
		t.Error("a run that speaks again is not resolved")
	}
	e.Tick(time.UnixMilli(20*hour), time.UnixMilli(20*hour))
	if e.States() != 1 {
		t.Errorf("%d states are kept of runs that ended long ago, and one that did not", e.States())
	}
}

// TestRunsFromBeforeTheirRule: a run that has ended is not silent because somebody logs to it, and one that hung is told of,
// but not a crash of yesterday.
func TestRunsFromBeforeTheirRule(t *testing.T) {
	const now, minute = 1_000 * 3_600_000, 60_000
	silent := &alert.Rule{ID: "silent", Revision: 3, Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.NoHeartbeat,
		NoHeartbeat: &alert.NoHeartbeatSettings{AfterMS: 2 * minute}, UpdatedMS: now}
	crashed := &alert.Rule{ID: "crashed", Revision: 4, Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.State,
		State: &alert.StateSettings{States: []string{alert.Crashed}}, UpdatedMS: now}
	e := fresh(t, []*alert.Rule{silent, crashed})
	rules := e.Fresh()
	if len(rules) != 2 {
		t.Fatalf("%d fresh rules of 2", len(rules))
	}
	for id, ago := range map[string]int64{"lives": 1_000, "hung": 4 * minute, "crashed": 20 * minute, "history": 3 * 24 * 60 * minute} {
		e.Expect(Sign{RunID: id, Experiment: 1, State: "RUNNING", SeenMS: now - ago}, now)
	}
	e.Introduced(rules)
	if got := e.Fresh(); len(got) != 0 {
		t.Errorf("%d rules do not know the runs from before them", len(got))
	}
	saved, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	e = fresh(t, []*alert.Rule{silent, crashed})
	if err := e.Restore(saved, nil); err != nil || len(e.Fresh()) != 0 {
		t.Fatalf("after a restart %d rules are fresh, %v", len(e.Fresh()), err)
	}
	for at, section := range []*feed.Section{{Seq: 1, RunID: "ended", Experiment: 1}, {Seq: 2, RunID: "lives", Experiment: 1}} {
		for _, id := range e.Strangers([]*feed.Section{section}) {
			e.Meet(Sign{RunID: id, Experiment: 1, State: "FINISHED"}, now)
		}
		e.Points([]*feed.Section{section}, now+int64(at))
	}
	told := func(ms int64) (out []string) {
		for _, event := range e.Tick(time.UnixMilli(now+ms), time.UnixMilli(0)) {
			out = append(out, event.RuleID+" "+event.RunID)
		}
		return out
	}
	if got := told(hearFor.Milliseconds() - 1); len(got) != 0 {
		t.Errorf("nobody was listened to: %v", got)
	}
	if got := told(hearFor.Milliseconds()); !reflect.DeepEqual(got, []string{"silent crashed", "silent hung"}) {
		t.Errorf("hung before their rule: %v", got)
	}
	if got := told(2*minute + 1); !reflect.DeepEqual(got, []string{"crashed hung", "silent lives"}) {
		t.Errorf("silent since: %v", got)
	}
	if got := told(20 * minute); !reflect.DeepEqual(got, []string{"crashed lives"}) {
		t.Errorf("silent since: %v", got)
	}
	e.Tick(time.UnixMilli(now+endedKept.Milliseconds()), time.UnixMilli(0))
	if e.counts["ended"] != 0 {
		t.Error("the states of a run that ended before its rules stay")
	}
	silent.Revision = 5
	if err := e.Set([]*alert.Rule{silent, crashed}); err != nil || len(e.Fresh()) != 1 {
		t.Errorf("a rule that was changed is not fresh, %v", err)
	}
}

// TestARunThatWasMet is not silent before it was heard, and one that was met by a frame from before can still be expected; what
// moves again after it was saved is saved again.
func TestARunThatWasMet(t *testing.T) {
	const now, minute = 1_000 * 3_600_000, 60_000
	silent := &alert.Rule{ID: "silent", Revision: 3, Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.NoHeartbeat,
		NoHeartbeat: &alert.NoHeartbeatSettings{AfterMS: 2 * minute}, UpdatedMS: now}
	e := fresh(t, []*alert.Rule{silent})
	e.Meet(Sign{RunID: "met", Experiment: 1, State: "RUNNING"}, now)
	if got := e.Tick(time.UnixMilli(now+60*minute), time.UnixMilli(0)); len(got) != 0 {
		t.Errorf("a run that was met and not heard is silent: %v", got)
	}
	if _, err := e.Changes(); err != nil || !e.Still() {
		t.Errorf("something moves after it was written, %v", err)
	}
	e.Expect(Sign{RunID: "met", Experiment: 1, State: "RUNNING", SeenMS: now - 1_000}, now)
	if e.Still() {
		t.Error("what was expected is not saved")
	}
	if _, err := e.Changes(); err != nil {
		t.Fatal(err)
	}
	e.Introduced([]*alert.Rule{silent})
	if e.Still() {
		t.Error("that the rule is not fresh any more is not saved")
	}
	if _, err := e.Changes(); err != nil {
		t.Fatal(err)
	}
	if got := e.Tick(time.UnixMilli(now+60*minute), time.UnixMilli(0)); len(got) != 1 || e.Still() {
		t.Errorf("a run that hung: %v, and saved: %v", got, e.Still())
	}
}

func TestLimits(t *testing.T) {
	e := fresh(t, rules())
	var many []*alert.Rule
	for i := range ruleset.RulesMax + 1 {
		many = append(many, threshold(fmt.Sprint(i), "a", 1))
	}
	if e.Set(many) == nil {
		t.Error("too many rules are taken")
	}
	for _, r := range many[:ruleset.PatternsMax+1] {
		r.Metric = "a*"
	}
	if e.Set(many[:ruleset.PatternsMax+1]) == nil {
		t.Error("too many patterns are taken")
	}
	if len(e.rules.All()) != len(rules())-1 {
		t.Error("a refusal changed the rules")
	}
	bad := track.Points{Keys: make([]string, StatesMax), Key: make([]uint32, StatesMax), Step: make([]int64, StatesMax), TimeMS: make([]int64, StatesMax), Value: make([]float64, StatesMax)}
	for i := range bad.Keys {
		bad.Keys[i], bad.Key[i], bad.Value[i] = fmt.Sprint(i), uint32(i), math.NaN() // what is well would make room
	}
	for seq, experiment := range []uint32{2, 1} {
		e.Points([]*feed.Section{{Seq: uint64(seq) + 1, RunID: fmt.Sprint(seq), Experiment: experiment, Points: bad}}, 0)
	}
	if e.States() != StatesMax || e.Refused() == 0 {
		t.Errorf("%d states, %d refused", e.States(), e.Refused())
	}
	e.ForgetExperiment(2)
	if e.States() != 0 {
		t.Errorf("%d states of a deleted experiment", e.States())
	}
}

func TestSeriesThatAreWellMakeRoom(t *testing.T) {
	e := fresh(t, []*alert.Rule{{ID: "nan", Revision: 1, Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.NaN}})
	seq := uint64(0)
	take := func(run string, value float64, keys int) []Event {
		seq++
		s := &feed.Section{Seq: seq, RunID: run, Experiment: 1}
		for k := range keys {
			s.Points.Keys = append(s.Points.Keys, fmt.Sprint(k))
			s.Points.Key = append(s.Points.Key, uint32(k))
			s.Points.Step, s.Points.TimeMS = append(s.Points.Step, 1), append(s.Points.TimeMS, 1)
			s.Points.Value = append(s.Points.Value, value)
		}
		return e.Points([]*feed.Section{s}, 0)
	}
	take("ill", math.NaN(), 3)
	for i := range 2 * StatesMax / 1000 {
		take(fmt.Sprint("well", i), 1, 1000)
	}
	if e.Refused() != 0 {
		t.Errorf("%d series were not judged, though those before them are well", e.Refused())
	}
	if events := take("ill", 1, 3); len(events) != 3 || !events[0].Resolved {
		t.Errorf("what was open is forgotten: %v", events)
	}
}
