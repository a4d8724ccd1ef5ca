package frames_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/frames"
	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/ingest/mem"
	"github.com/streamgauge/streamgauge/ingest/quota"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const lanesOfTests = 4

// runID has a number of its own; its lanes are those that hang on the number.
func runID(n int) string { return fmt.Sprintf("%016x%016x", n, 0) }

// documents keeps runs: 1 is on lane 0, 2 on lanes 1 and 2, 3 is deleted, and others can be started. Runs 1 to 9 are in
// experiment 1, new ones in that of their name: "wine" is 1, "secret" 2.
type documents struct {
	mu     sync.Mutex
	runs   map[string]track.RunFacts
	refuse error
}

func newDocuments() *documents {
	d := &documents{runs: make(map[string]track.RunFacts)}
	for n, lanes := range map[int][]uint16{1: {0}, 2: {1, 2}, 3: {3}} {
		d.runs[runID(n)] = track.RunFacts{ID: runID(n), Number: uint64(n), Experiment: 1, Lanes: lanes, Deleted: n == 3}
	}
	return d
}

func (d *documents) Lookup(_ context.Context, id string) (track.RunFacts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.runs[id]; ok {
		return f, nil
	}
	return track.RunFacts{}, track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", id)
}

func (d *documents) Do(_ context.Context, c track.Command) (*sgpb.Run, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse != nil {
		return nil, d.refuse
	}
	create := c.(track.CreateRun)
	n, _ := track.ParseRunID(create.ID)
	experiment := map[string]uint32{"wine": 1, "secret": 2}[create.ExperimentName]
	d.runs[create.ID] = track.RunFacts{ID: create.ID, Number: n, Experiment: experiment, Lanes: []uint16{3}}
	return &sgpb.Run{Id: create.ID}, nil
}

var experimentNames = []string{"Default", "wine", "secret"}

func (d *documents) Experiment(_ context.Context, id string) (*sgpb.Experiment, error) {
	n, err := strconv.Atoi(id)
	if err != nil || n >= len(experimentNames) {
		return nil, track.Errorf(track.ResourceDoesNotExist, "no experiment %s", id)
	}
	return &sgpb.Experiment{Id: id, Name: experimentNames[n]}, nil
}

func (d *documents) ExperimentByName(ctx context.Context, name string) (*sgpb.Experiment, error) {
	for n, x := range experimentNames {
		if x == name {
			return d.Experiment(ctx, strconv.Itoa(n))
		}
	}
	return nil, track.Errorf(track.ResourceDoesNotExist, "no experiment %s", name)
}

// rig is the route over a bus in memory.
type rig struct {
	t    *testing.T
	app  *fiber.App
	docs *documents
	bus  *mem.Bus
	acks *feed.Acks
	// caller of the requests, nil for nobody.
	caller *track.Caller
	space  error
	quota  *quota.Quota
}

func newRig(t *testing.T, wrap func(*mem.Bus) lane.Appender) *rig {
	t.Helper()
	return newLimitedRig(t, wrap, quota.Limits{})
}

func newLimitedRig(t *testing.T, wrap func(*mem.Bus) lane.Appender, limits quota.Limits) *rig {
	t.Helper()
	r := &rig{t: t, quota: quota.New(limits), docs: newDocuments(), bus: new(mem.Bus), acks: new(feed.Acks)}
	var appender lane.Appender = r.bus
	if wrap != nil {
		appender = wrap(r.bus)
	}
	meter := lane.NewMeter()
	lanes := lane.New(appender, lane.Options{Acks: r.acks, Meter: meter, PauseMin: time.Microsecond, GiveUpAfter: time.Second})
	t.Cleanup(lanes.Close)
	r.app = fiber.New(fiber.Config{StreamRequestBody: true, BodyLimit: 1 << 40, DisableStartupMessage: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, body, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(body)
	}})
	r.app.Use(func(c *fiber.Ctx) error {
		if r.caller != nil {
			c.SetUserContext(track.WithCaller(c.UserContext(), r.caller))
		}
		return c.Next()
	})
	frames.New(r.docs, lanes, frames.Options{Experiments: r.docs, Space: func() error { return r.space }, Lanes: lanesOfTests, Quota: r.quota, Meter: meter}).Routes(r.app)
	return r
}

// answer is that of POST /v1/frames.
type answer struct {
	Status     int
	RetryAfter string
	ErrorCode  string `json:"error_code"`
	Message    string
	Accepted   int
	Bytes      int64
	Offset     int64
	Warnings   []struct {
		Frame   int
		RunID   string `json:"run_id"`
		Message string
	}
	LeftOut int `json:"warnings_left_out"`
}

func (r *rig) post(body []byte) answer {
	r.t.Helper()
	return r.postAs(body, "Content-Type", "application/x-protobuf")
}

func (r *rig) postAs(body []byte, headers ...string) answer {
	r.t.Helper()
	q := httptest.NewRequest("POST", "/v1/frames", bytes.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	resp, err := r.app.Test(q, -1)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	a := answer{Status: resp.StatusCode, RetryAfter: resp.Header.Get("Retry-After")}
	if err := json.Unmarshal(b, &a); err != nil {
		r.t.Fatalf("%s: %v", b, err)
	}
	return a
}

// one encodes a frame with a point whose step is the frame's number, for each run.
func one(t *testing.T, writer, number uint64, runs ...int) []byte {
	t.Helper()
	f := &sgpb.Frame{Writer: writer, Number: number}
	for _, n := range runs {
		f.Sections = append(f.Sections, section(n, number))
	}
	return encode(t, f)
}

func section(run int, step uint64) *sgpb.Section {
	return &sgpb.Section{RunId: runID(run), Points: &sgpb.Points{
		Keys: []string{"loss"}, KeyFixed: []uint32{0}, Step: []int64{int64(step)}, TimeMs: []int64{1}, Value: []float64{float64(step)},
	}}
}

func encode(t *testing.T, f *sgpb.Frame) []byte {
	t.Helper()
	b, err := frame.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func body(encoded ...[]byte) []byte {
	var out []byte
	for _, b := range encoded {
		out = append(binary.AppendUvarint(out, uint64(len(b))), b...)
	}
	return out
}

// numbers lists the frames of a lane, by writer.
func (r *rig) numbers(laneNumber uint16) map[uint64][]uint64 {
	r.t.Helper()
	out := make(map[uint64][]uint64)
	for _, b := range r.bus.Frames(laneNumber) {
		writer, number, err := lane.Name(b)
		if err != nil {
			r.t.Fatal(err)
		}
		out[writer] = append(out[writer], number)
	}
	return out
}

func TestNothingOvertakesRunEvents(t *testing.T) {
	r := newRig(t, nil)
	var all [][]byte
	for number := uint64(1); number <= 60; number++ {
		s := section(1, number)
		if number%10 == 0 {
			s.Events = []*sgpb.RunEvent{{TimeMs: 1, Event: &sgpb.RunEvent_Tags{Tags: &sgpb.Tags{Tags: map[string]string{"at": strconv.FormatUint(number, 10)}}}}}
		}
		all = append(all, encode(t, &sgpb.Frame{Writer: 1, Number: number, Close: number == 60, Sections: []*sgpb.Section{s}}))
	}
	if a := r.post(body(all...)); a.Status != 200 || a.Accepted != len(all) {
		t.Fatalf("%+v", a)
	}
	got := r.numbers(0)[1]
	for i, n := range got {
		if uint64(i+1)%10 == 0 && n != uint64(i+1) || n/10 > uint64(i+1)/10 {
			t.Fatalf("frames %v", got)
		}
	}
	if len(got) != 60 {
		t.Errorf("%d frames", len(got))
	}
}

func TestFramesComeOntoTheirLanes(t *testing.T) {
	r := newRig(t, nil)
	var all [][]byte
	for number := uint64(1); number <= 50; number++ {
		for writer := uint64(1); writer <= 4; writer++ {
			all = append(all, one(t, writer, number, 2)) // run 2 has lanes 1 and 2
		}
	}
	b := body(all...)
	if a := r.post(b); a.Status != 200 || a.Accepted != len(all) || a.Bytes != int64(len(b)) || len(a.Warnings) > 0 {
		t.Fatalf("%+v", a)
	}
	for writer := uint64(1); writer <= 4; writer++ {
		l := uint16(1 + writer%2)
		got := r.numbers(l)[writer]
		slices.Sort(got)
		for i, n := range got {
			if n != uint64(i+1) {
				t.Fatalf("writer %d: frames %v", writer, got)
			}
		}
		if len(got) != 50 {
			t.Errorf("writer %d has %d frames on lane %d", writer, len(got), l)
		}
	}
	if r.acks.Lane(1) != 100 || r.acks.Lane(2) != 100 {
		t.Errorf("readers do not wait for what was acknowledged: %d, %d", r.acks.Lane(1), r.acks.Lane(2))
	}
	if a := r.post(b); a.Status != 200 || a.Accepted != len(all) {
		t.Errorf("the same again: %+v", a)
	}
	if n := len(r.bus.Frames(1)); n != 100 {
		t.Errorf("repeats within the bus's window are stored: %d", n)
	}
}

func TestWhatIsRefused(t *testing.T) {
	good := one(t, 1, 1, 1)
	first := body(good)
	at := int64(len(first))
	long := binary.AppendUvarint(bytes.Clone(first), bus.FrameBytesMax+1)
	for name, tt := range map[string]struct {
		body     []byte
		status   int
		accepted int
		offset   int64
		want     string
	}{
		"nothing":                  {nil, 200, 0, 0, ""},
		"no frame":                 {body(good, []byte{0xff, 0xff, 0xff}), 400, 1, at, "Malformed frame: not a frame"},
		"version of the future":    {body(good, []byte{0x08, 0x09}), 400, 1, at, "frame.version is 9"},
		"length 0":                 {append(bytes.Clone(first), 0), 400, 1, at, "length of a frame is 0"},
		"length cut":               {append(bytes.Clone(first), 0x80), 400, 1, at, "within the length"},
		"length no varint":         {append(bytes.Clone(first), bytes.Repeat([]byte{0x80}, 11)...), 400, 1, at, "no varint"},
		"frame cut":                {append(bytes.Clone(first), first[:at-2]...), 400, 1, at, "the body ends after"},
		"frame too large":          {long, 413, 1, at, strconv.Itoa(bus.FrameBytesMax)},
		"runs on different lanes":  {body(good, one(t, 2, 1, 1, 2)), 400, 1, at, "sections[1].run_id"},
		"writer on two lanes":      {body(good, one(t, 1, 2, 2)), 400, 1, at, "draw a writer for each run"},
		"no section to find lanes": {body(good, encode(t, &sgpb.Frame{Writer: 9, Number: 1, Close: true})), 400, 1, at, "sections is empty"},
		"close of a known writer":  {body(good, encode(t, &sgpb.Frame{Writer: 1, Number: 2, Close: true})), 200, 2, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			a := r.post(tt.body)
			if a.Status != tt.status || a.Accepted != tt.accepted || a.Offset != tt.offset || !strings.Contains(a.Message, tt.want) {
				t.Errorf("%+v", a)
			}
			if n := len(r.bus.Frames(0)); n != tt.accepted {
				t.Errorf("%d frames are stored", n)
			}
		})
	}
}

func TestTheHeadOfARequestIsChecked(t *testing.T) {
	r := newRig(t, nil)
	b := body(one(t, 1, 1, 1))
	for _, headers := range [][]string{{}, {"Content-Type", "application/json"}, {"Content-Type", "text/plain"}, {"Content-Type", "application/x-protobuf", "Content-Encoding", "gzip"}} {
		if a := r.postAs(b, headers...); a.Status != 400 || !strings.Contains(a.Message, "Content-") {
			t.Errorf("%v: %+v", headers, a)
		}
	}
	if a := r.postAs(b, "Content-Type", "application/octet-stream; x=y"); a.Status != 200 {
		t.Errorf("%+v", a)
	}
	r.space = track.Unavailable(track.TemporarilyUnavailable, 5, "the disk is full")
	if a := r.post(b); a.Status != 503 || a.RetryAfter != "5" || a.Accepted != 0 {
		t.Errorf("%+v", a)
	}
}

func TestAFullLaneLosesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.bus.LaneBytesMax = 2 * len(one(t, 1, 1, 1))
	b := body(one(t, 1, 1, 1), one(t, 1, 2, 1), one(t, 1, 3, 1), one(t, 1, 4, 1), one(t, 9, 1, 2))
	a := r.post(b)
	if a.Status != 429 || a.RetryAfter == "" || a.Accepted > 2 || a.Offset != int64(len(b)/5*a.Accepted) {
		t.Fatalf("%+v", a)
	}
	stored := r.numbers(0)[1]
	for n := range a.Accepted {
		if !slices.Contains(stored, uint64(n+1)) {
			t.Errorf("frame %d is accepted and not stored: %v", n+1, stored)
		}
	}
	r.bus.LaneBytesMax = 0
	if again := r.post(b[a.Offset:]); again.Status != 200 || again.Accepted != 5-a.Accepted {
		t.Fatalf("the rest: %+v", again)
	}
	got := r.numbers(0)[1]
	slices.Sort(got)
	if fmt.Sprint(slices.Compact(got)) != "[1 2 3 4]" {
		t.Errorf("frames of the writer: %v", got)
	}
}

// forgetful loses the answer to each first append.
type forgetful struct {
	*mem.Bus
	mu   sync.Mutex
	seen map[string]bool
}

func (f *forgetful) Append(ctx context.Context, laneNumber uint16, b []byte) (uint64, error) {
	seq, err := f.Bus.Append(ctx, laneNumber, b)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && !f.seen[string(b)] {
		f.seen[string(b)] = true
		return 0, errors.New("connection lost")
	}
	return seq, err
}

func TestALostAnswerOfTheBusIsNotTheSendersTrouble(t *testing.T) {
	r := newRig(t, func(b *mem.Bus) lane.Appender { return &forgetful{Bus: b, seen: make(map[string]bool)} })
	if a := r.post(body(one(t, 1, 1, 1), one(t, 1, 2, 1))); a.Status != 200 || a.Accepted != 2 {
		t.Fatalf("%+v", a)
	}
	if n := len(r.bus.Frames(0)); n != 2 {
		t.Errorf("%d frames are stored", n)
	}
}

// deaf takes nothing and does not answer.
type deaf struct{}

func (deaf) Append(ctx context.Context, _ uint16, _ []byte) (uint64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestABusThatDoesNotAnswerIs503(t *testing.T) {
	r := newRig(t, func(*mem.Bus) lane.Appender { return deaf{} })
	if a := r.post(body(one(t, 1, 1, 1), one(t, 1, 2, 1))); a.Status != 503 || a.RetryAfter == "" || a.Accepted != 0 || a.Offset != 0 {
		t.Errorf("%+v", a)
	}
}

func started(run int, experiment string) *sgpb.Section {
	return &sgpb.Section{RunId: runID(run), Events: []*sgpb.RunEvent{
		{Event: &sgpb.RunEvent_Heartbeat{Heartbeat: &sgpb.Heartbeat{}}},
		{TimeMs: 5, Event: &sgpb.RunEvent_Started{Started: &sgpb.RunStarted{ExperimentName: experiment}}},
	}}
}

func TestRunsThatAreNotThere(t *testing.T) {
	r := newRig(t, nil)
	a := r.post(body(
		one(t, 1, 1, 7), one(t, 1, 2, 7), // unknown
		one(t, 2, 1, 3), // deleted
		encode(t, &sgpb.Frame{Writer: 3, Number: 1, Sections: []*sgpb.Section{started(8, "wine"), section(8, 1)}}),
		one(t, 3, 2, 8),
	))
	if a.Status != 200 || a.Accepted != 5 || len(a.Warnings) != 2 {
		t.Fatalf("%+v", a)
	}
	if w := a.Warnings[0]; w.Frame != 0 || w.RunID != runID(7) || !strings.Contains(w.Message, "quarantine") {
		t.Errorf("unknown run: %+v", w)
	}
	if w := a.Warnings[1]; w.Frame != 2 || w.RunID != runID(3) || !strings.Contains(w.Message, "deleted") {
		t.Errorf("deleted run: %+v", w)
	}
	if got := r.numbers(track.LaneOf(runID(7), lanesOfTests))[1]; len(got) != 2 {
		t.Errorf("frames of the unknown run: %v", got)
	}
	if got := r.numbers(3)[3]; len(got) != 2 {
		t.Errorf("frames of the started run, on the lane of its document: %v", got)
	}
	r.docs.refuse = track.Errorf(track.InvalidParameterValue, "the experiment is deleted")
	if a := r.post(body(encode(t, &sgpb.Frame{Writer: 4, Number: 1, Sections: []*sgpb.Section{started(9, "wine")}}))); a.Status != 200 || len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0].Message, "the experiment is deleted") {
		t.Errorf("a run that cannot start: %+v", a)
	}
	r.docs.refuse = track.Unavailable(track.TemporarilyUnavailable, 1, "away")
	if a := r.post(body(encode(t, &sgpb.Frame{Writer: 5, Number: 1, Sections: []*sgpb.Section{started(10, "wine")}}))); a.Status != 503 || a.Accepted != 0 {
		t.Errorf("documents are away: %+v", a)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	r := newRig(t, nil)
	var all [][]byte
	for n := range 40 {
		all = append(all, one(t, uint64(n+1), 1, 100+n))
	}
	if a := r.post(body(all...)); a.Status != 200 || len(a.Warnings) != 16 || a.LeftOut != 24 {
		t.Errorf("%+v", a)
	}
}

func TestAConfinedCallerReachesItsExperimentsOnly(t *testing.T) {
	start := func(run int, experiment string) []byte {
		return encode(t, &sgpb.Frame{Writer: 3, Number: 1, Sections: []*sgpb.Section{started(run, experiment), section(run, 1)}})
	}
	for name, tt := range map[string]struct {
		frame  []byte
		sees   string
		status int
	}{
		"own run":                            {one(t, 1, 1, 1), "wine", 200},
		"another's run":                      {one(t, 1, 1, 1), "secret", 403},
		"own and another's":                  {one(t, 1, 1, 1, 2), "secret", 403},
		"unknown run":                        {one(t, 1, 1, 7), "wine", 403},
		"new run in its own":                 {start(8, "wine"), "wine", 200},
		"new run in another":                 {start(8, "secret"), "wine", 403},
		"new run in the default":             {start(8, ""), "wine", 403},
		"new run in a new one of its name":   {start(8, "other"), "other", 403}, // the documents put it elsewhere: looked at after it is made
		"new run in a new one of other name": {start(8, "other"), "wine", 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.caller = &track.Caller{Name: "t", Sees: func(_, name string) bool { return name == tt.sees }}
			a := r.post(body(tt.frame))
			if a.Status != tt.status || (tt.status == 403) != (a.ErrorCode == "PERMISSION_DENIED") || a.Accepted != map[int]int{200: 1}[tt.status] {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestARunThatIsTooFastIsToldToWait(t *testing.T) {
	r := newLimitedRig(t, nil, quota.Limits{Run: 0.1}) // one point a burst, and the next one makes a debt
	if a := r.post(body(one(t, 1, 1, 1), one(t, 1, 2, 1), one(t, 2, 1, 2))); a.Status != 200 || a.Accepted != 3 {
		t.Fatalf("%+v", a)
	}
	a := r.post(body(one(t, 1, 3, 1), one(t, 2, 2, 2)))
	if a.Status != 429 || a.RetryAfter == "" || a.Accepted != 0 || !strings.Contains(a.Message, "--run-rate") {
		t.Errorf("%+v", a)
	}
	if n := len(r.numbers(0)[1]); n != 2 {
		t.Errorf("%d frames of the run are stored", n)
	}
}

// TestParamsAndTagsOfEventsAreCounted each, not the event that brings them.
func TestParamsAndTagsOfEventsAreCounted(t *testing.T) {
	many := make(map[string]string)
	for n := range 50 {
		many[fmt.Sprint(n)] = "x"
	}
	for name, event := range map[string]*sgpb.RunEvent{
		"params": {Event: &sgpb.RunEvent_Params{Params: &sgpb.Params{Params: many}}},
		"tags":   {Event: &sgpb.RunEvent_Tags{Tags: &sgpb.Tags{Tags: many}}},
	} {
		r := newLimitedRig(t, nil, quota.Limits{Run: 1}) // ten a burst
		first := &sgpb.Frame{Writer: 1, Number: 1, Sections: []*sgpb.Section{{RunId: runID(1), Events: []*sgpb.RunEvent{event}}}}
		if a := r.post(body(encode(t, first))); a.Status != 200 {
			t.Fatalf("%s: %+v", name, a)
		}
		if a := r.post(body(one(t, 1, 2, 1))); a.Status != 429 {
			t.Errorf("after 50 %s: %+v", name, a)
		}
	}
}

func TestARequestIsBounded(t *testing.T) {
	r := newRig(t, nil)
	var all [][]byte
	for n := range frames.FramesMax + 1 {
		all = append(all, one(t, 1, uint64(n+1), 1))
	}
	if a := r.post(body(all...)); a.Status != 413 || a.Accepted != frames.FramesMax {
		t.Errorf("too many frames: %+v", a)
	}
	r = newRig(t, nil)
	big := &sgpb.Frame{Writer: 1, Sections: []*sgpb.Section{{RunId: runID(1), Console: []*sgpb.ConsoleLine{{Text: strings.Repeat("x", bus.FrameBytesMax-200)}}}}}
	all = nil
	for n := range 66 {
		big.Number = uint64(n + 1)
		all = append(all, encode(t, big))
	}
	a := r.post(body(all...))
	if a.Status != 413 || a.Offset+int64(len(all[0])) < frames.BodyBytesMax-10 || a.Accepted != len(r.bus.Frames(0)) {
		t.Fatalf("too many bytes: %+v", a)
	}
	if a = r.post(body(all[a.Accepted:]...)); a.Status != 200 || len(r.bus.Frames(0)) != 66 {
		t.Errorf("the rest: %+v", a)
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{1, 1, 0x80})
	t := new(testing.T)
	f.Add(body(one(t, 1, 1, 1), one(t, 1, 2, 1)))
	f.Add(body(one(t, 1, 1, 1), one(t, 1, 2, 2), one(t, 1, 2, 7)))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newRig(t, nil)
		a := r.post(b)
		stored := 0
		for l := range uint16(lanesOfTests) {
			stored += len(r.bus.Frames(l))
		}
		if a.Accepted < stored || a.Status == 200 && a.Bytes != int64(len(b)) || a.Status >= 500 {
			t.Fatalf("%d stored: %+v", stored, a)
		}
	})
}
