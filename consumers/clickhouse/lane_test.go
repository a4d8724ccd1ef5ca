package clickhouse_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	countPoints = "SELECT count(), uniqExact(run, key, step) FROM streamgauge.points WHERE run != 0"
	countP8     = "SELECT sum(c) FROM (SELECT bitShiftRight(step, 8), countIf(isFinite(v)) + countIf(isNaN(v)) + countIf(v = inf) + countIf(v = -inf) AS c " +
		"FROM streamgauge.points WHERE run != 0 GROUP BY run, key, rank, attempt, bitShiftRight(step, 8), experiment) SETTINGS force_optimize_projection = 1"
	countMarkers = "SELECT sum(v), max(step), count() = countIf(batch = 1 OR batch - 1 IN (SELECT toUInt64(step) FROM streamgauge.points WHERE run = 0 AND key = '' AND rank = 0)) " +
		"FROM streamgauge.points WHERE run = 0 AND key = '' AND rank = 0 AND attempt = 0"
)

func TestFramesBecomePoints(t *testing.T) {
	r := newRig(t)
	_, tail, stop := r.start(nil)
	nan := series(runID(7), 1, 1, 5)
	nan.Points.Value[0] = math.NaN()
	nan.Rank = 1
	r.publishFrame(1, 1, series(runID(7), 3, 300, 0), series(runID(8), 2, 10, 0))
	r.publishFrame(1, 2, nan)
	last := r.publishFrame(1, 3, series(runID(7), 3, 300, -100)) // late: earlier steps, and some once more

	run, _ := track.ParseRunID(runID(7))
	s, err := tail.Run(r.ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	inTail := 0
	for _, x := range s.Sections {
		inTail += x.Points.Len()
	}
	r.query(fmt.Sprint(1801-inTail), fmt.Sprintf("SELECT count() FROM streamgauge.points WHERE run = %d AND seq <= %d", run, s.Watermarks[0]))

	r.flush(tail)
	r.query("1821\t1220", countPoints)
	r.query("1821", countP8)
	r.query(fmt.Sprintf("1821\t%d\t1", last), countMarkers)
	r.query("1", "SELECT count() = countIf(step >= lagged) FROM (SELECT step, lagInFrame(step, 1, step) OVER (PARTITION BY run, key, rank, attempt, _part ORDER BY _part_offset ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS lagged FROM streamgauge.points WHERE run = 7)")
	r.query("(0,299,1760000011960,0.0033333334140479565,0.0033333334140479565)", "SELECT max(value) FROM streamgauge.latest WHERE experiment = 1 AND key = 'layer_0/grad_norm' AND run = 7")
	stop()

	_, tail, _ = r.start(nil)
	r.publishFrame(1, 2, nan) // a repeat
	r.publishFrame(1, 4, series(runID(9), 1, 1, 0))
	r.flush(tail)
	r.query("1822\t1221", countPoints)
	r.query("1\t4", "SELECT min(step), max(frame) FROM streamgauge.points WHERE run = 0 AND rank = 1 AND writer = 1")
}

func TestGarbageGoesToQuarantine(t *testing.T) {
	r := newRig(t)
	_, tail, _ := r.start(nil)
	unknown := series("ffffffffffffffffffffffffffffffff", 1, 1, 0)
	console := series(runID(3), 1, 1, 0)
	console.Console = []*sgpb.ConsoleLine{{Text: "hello"}, {Stream: 1, Number: 1, Text: "well"}}
	console.Values = []*sgpb.SmallValue{{Key: "bad", Value: &sgpb.SmallValue_Json{Json: "{"}}, {Key: "good", Value: &sgpb.SmallValue_Json{Json: "{}"}}}
	r.publish([]byte("garbage"))
	r.publishFrame(5, 1, unknown, console, series(runID(4), 1, 1, 0))
	r.flush(tail)
	r.query("2\t2", countPoints)
	r.query("1\t0\tgarbage\n2\t1\t\n2\t2\t", "SELECT seq, part, if(part = 0, bytes, '') FROM streamgauge.quarantine FINAL ORDER BY seq, part")
	r.query("1", "SELECT count() FROM streamgauge.quarantine WHERE position(bytes, 'hello') > 0 AND position(reason, 'console[0].stream') > 0 AND position(reason, 'values[0].json') > 0 AND position(bytes, 'well') = 0")
	r.query("well\t1", "SELECT text, idx FROM streamgauge.console FINAL")
	r.query("good\tjson\t{}\t1", "SELECT key, kind, body, idx FROM streamgauge.small_values FINAL")
}

// What goes in before the points is written again when the insert of the points is repeated, or a frame is decided
// again in another batch; its rows stay the same.
func TestWhatIsBesidePointsIsThereOnce(t *testing.T) {
	r := newRig(t)
	_, tail, stop := r.start(nil)
	beside := series(runID(3), 0, 0, 0)
	beside.Points = nil
	beside.Values = []*sgpb.SmallValue{
		{Key: "h", Step: 1, Value: &sgpb.SmallValue_Histogram{Histogram: &sgpb.Histogram{Edges: []float64{0, 1}, Counts: []float64{7}}}},
		{Key: "t", Step: 1, Value: &sgpb.SmallValue_Text{Text: "same"}}, {Key: "t", Step: 1, Value: &sgpb.SmallValue_Text{Text: "same"}},
		{Key: "a", Step: 2, Value: &sgpb.SmallValue_Artifact{Artifact: &sgpb.ArtifactReference{Path: "media/x.png", Sha256: "ab", SizeBytes: 3, MediaType: "image/png"}}},
	}
	beside.Console = []*sgpb.ConsoleLine{{TimeMs: 5, Stream: 2, Number: 1, Text: "one"}, {TimeMs: 5, Stream: 2, Number: 2, Text: "one"}}
	r.publishFrame(6, 1, beside)
	r.flush(tail)
	stop()
	// The table loses the batch's marker, as after a crash between the two inserts.
	r.query("", "TRUNCATE TABLE streamgauge.points")
	_, tail, _ = r.start(nil)
	r.publishFrame(6, 1, beside) // and a repeat besides
	r.flush(tail)
	r.query("h\t[0,1]\t[7]\nt\t[]\t[]\nt\t[]\t[]\na\t[]\t[]", "SELECT key, edges, counts FROM streamgauge.small_values FINAL ORDER BY idx")
	r.query("1\tone\n2\tone", "SELECT number, text FROM streamgauge.console FINAL ORDER BY number")
	r.query("0", "SELECT count() FROM streamgauge.quarantine")
}

func TestRunEventsComeBeforePoints(t *testing.T) {
	r := newRig(t)
	_, tail, _ := r.start(nil)
	s := series(runID(3), 1, 1, 0)
	s.Events = []*sgpb.RunEvent{
		{TimeMs: 5, Event: &sgpb.RunEvent_Started{Started: &sgpb.RunStarted{ExperimentName: "wine", Name: "n"}}},
		{Event: &sgpb.RunEvent_Params{Params: &sgpb.Params{Params: map[string]string{"lr": "0.1"}}}},
		{Event: &sgpb.RunEvent_Heartbeat{Heartbeat: &sgpb.Heartbeat{}}},
		{Event: &sgpb.RunEvent_State{State: &sgpb.RunState{Status: sgpb.RunStatus_RUN_STATUS_FINISHED, EndTimeMs: 9}}},
	}
	r.publishFrame(5, 1, s)
	r.flush(tail)
	r.query("1\t1", countPoints)
	var kinds []string
	for i, c := range r.commands {
		event := c.(track.OnLane)
		kinds = append(kinds, fmt.Sprintf("%T", event.Command))
		if want := (track.Position{Sequence: 1, Event: uint32(i) + 1}); event.At != want {
			t.Errorf("event %d is at %+v, want %+v", i, event.At, want)
		}
	}
	if want := []string{"track.CreateRun", "track.LogBatch", "track.Beat", "track.UpdateRun"}; !slices.Equal(kinds, want) {
		t.Fatalf("commands %v, want %v", kinds, want)
	}
	create := r.commands[0].(track.OnLane).Command.(track.CreateRun)
	if create.ID != runID(3) || create.ExperimentName != "wine" || create.StartMS != 5 || !create.Lenient {
		t.Errorf("the run is made by %+v", create)
	}
}

// A token that was used for something else stands for one whose insert never became a part: the engine
// answers well and keeps nothing.
func TestPoisonedTokenIsBurnt(t *testing.T) {
	r := newRig(t)
	sink := clickhouse.NewLane(r.config())
	defer sink.Close()
	if _, err := sink.Marker(r.ctx, 0); err != nil {
		t.Fatal(err)
	}
	poison := consumers.NewBatch(9, 1, 1) // of another lane, under the token of ours
	poison.Add(&consumers.Frame{Seq: 1, TimeMS: nowMS(r)})
	poison.Seal(consumers.NewWriters(nil))
	if err := sink.Write(r.ctx, poison, "0:1"); err != nil {
		t.Fatal(err)
	}
	_, tail, _ := r.start(nil)
	r.publishFrame(1, 1, series(runID(7), 1, 10, 0))
	r.flush(tail)
	r.query("10\t10", countPoints)
	r.query("10\t1\t1", countMarkers)
}

// nowMS is the time by the bus's clock, so that the poison falls into the partition of what follows.
func nowMS(r *rig) int64 {
	r.Helper()
	info, err := r.js.Stream(r.ctx, "SG_LANE_0")
	if err != nil {
		r.Fatal(err)
	}
	return info.CachedInfo().TimeStamp.UnixMilli()
}

// The first of two inserts with one start wins, and the second learns of it.
func TestTwoOwnersInsertOnce(t *testing.T) {
	r := newRig(t)
	batch := func(epoch, last uint64) *consumers.Batch {
		b := consumers.NewBatch(0, 1, epoch)
		for seq := uint64(1); seq <= last; seq++ {
			b.Add(&consumers.Frame{Seq: seq, TimeMS: 1_760_000_000_000})
		}
		b.Seal(consumers.NewWriters(nil))
		return b
	}
	var markers []table.Marker
	for i, b := range []*consumers.Batch{batch(1, 3), batch(2, 5)} {
		sink := clickhouse.NewLane(r.config())
		defer sink.Close()
		if err := sink.Fence(r.ctx, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := sink.Marker(r.ctx, 0); err != nil {
			t.Fatal(err)
		}
		if err := sink.Write(r.ctx, b, "0:1"); err != nil {
			t.Fatalf("insert %d: %v", i, err)
		}
		m, err := sink.Marker(r.ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		markers = append(markers, m)
	}
	if want := (table.Marker{First: 1, Last: 3, TimeMS: 1_760_000_000_000, Epoch: 1}); markers[0] != want || markers[1] != want {
		t.Errorf("markers %+v, want %+v twice", markers, want)
	}
}

func TestLaneIsPurgedBelowTheSafetyWindow(t *testing.T) {
	r := newRig(t)
	_, tail, _ := r.start(func(c *consumers.LaneConfig) {
		c.Retention = consumers.Retention{AgeMax: consumers.DefaultRetention.AgeMax, BytesMax: 300_000}
	})
	for i := range 20 {
		r.publishFrame(1, uint64(i)+1, series(runID(7), 10, 500, int64(500*i)))
		if i%5 == 4 {
			r.flush(tail)
		}
	}
	for { // the purge follows the insert that flush waits for, without a further frame
		s, err := r.js.Stream(r.ctx, "SG_LANE_0")
		if err != nil {
			t.Fatal(err)
		}
		if state := s.CachedInfo().State; state.FirstSeq > 1 && state.Bytes < 400_000 {
			break
		}
		time.Sleep(10 * time.Millisecond) // between looks; the test's own limit ends it
	}
	r.query("100000\t100000", "SELECT count(), uniqExact(run, key, step) FROM streamgauge.points WHERE run != 0 AND writer = 1")
}
