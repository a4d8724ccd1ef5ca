package streamgauge

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	lanesOfTests = 4
	startWait    = 20 * time.Second
)

// busOfTests is NATS with lanes, and someone who answers which are a run's.
type busOfTests struct {
	conn *nats.Conn
	js   jetstream.JetStream
	// questions that were asked.
	questions chan string
}

func startBus(t *testing.T) *busOfTests {
	t.Helper()
	s, err := server.NewServer(&server.Options{ServerName: "test", DontListen: true, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(startWait) {
		t.Fatal("the NATS server does not start")
	}
	b := &busOfTests{questions: make(chan string, 100)}
	if b.conn, err = nats.Connect("", nats.InProcessServer(s)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.conn.Close)
	if b.js, err = jetstream.New(b.conn); err != nil {
		t.Fatal(err)
	}
	for l := range uint16(lanesOfTests) {
		b.limit(t, l, -1)
	}
	_, err = b.conn.Subscribe(bus.LanesSubject, func(m *nats.Msg) {
		b.questions <- string(m.Data)
		var q struct {
			RunID string `json:"run_id"`
			Ranks uint32
		}
		_ = json.Unmarshal(m.Data, &q)
		answer := []byte(`{"error_code":"INVALID_PARAMETER_VALUE","message":"no run"}`)
		if _, ok := track.ParseRunID(q.RunID); ok {
			answer, _ = json.Marshal(map[string]any{"run_lanes": track.LanesOf(q.RunID, q.Ranks, lanesOfTests)})
		}
		_ = m.Respond(answer)
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// limit makes a lane that takes so many bytes.
func (b *busOfTests) limit(t *testing.T, lane uint16, bytesMax int64) {
	t.Helper()
	_, err := b.js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{
		Name: bus.LaneStream(lane), Subjects: []string{bus.LaneSubjects(lane)}, Discard: jetstream.DiscardNew, MaxBytes: bytesMax, MaxMsgSize: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// numbers are the frames of a lane.
func (b *busOfTests) numbers(t *testing.T, lane uint16) []uint64 {
	t.Helper()
	s, err := b.js.Stream(t.Context(), bus.LaneStream(lane))
	if err != nil {
		t.Fatal(err)
	}
	var out []uint64
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		f, err := frame.Decode(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f.GetNumber())
	}
	return out
}

func encode(t *testing.T, writer, number uint64, sections ...*sgpb.Section) []byte {
	t.Helper()
	b, err := frame.Encode(&sgpb.Frame{Writer: writer, Number: number, Sections: sections})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newNATS(t *testing.T, b *busOfTests) *NATS {
	t.Helper()
	to, err := NewNATS(b.conn)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func TestFramesGoToTheLaneOfTheirRunAndWriter(t *testing.T) {
	b := startBus(t)
	to := newNATS(t, b)
	started := &sgpb.Section{RunId: runID, Events: []*sgpb.RunEvent{startEvent(Start{Ranks: 1024})}}
	lanes := track.LanesOf(runID, 1024, lanesOfTests)
	const frames = 200
	for writer := uint64(1); writer <= 2; writer++ {
		lot := [][]byte{encode(t, writer, 1, started)}
		for n := uint64(2); n <= frames; n++ {
			lot = append(lot, encode(t, writer, n, &sgpb.Section{RunId: runID}))
		}
		lot = append(lot, encode(t, writer, frames+1)) // its lane is known
		if accepted, err := to.Send(t.Context(), lot); accepted != len(lot) || err != nil {
			t.Fatalf("%d, %v", accepted, err)
		}
		got := b.numbers(t, lanes[writer%4])
		for i, n := range got {
			if n != uint64(i+1) {
				t.Fatalf("frames %v", got)
			}
		}
		if len(got) != frames+1 {
			t.Errorf("writer %d: %d frames", writer, len(got))
		}
	}
	if len(b.questions) != 2 {
		t.Errorf("%d questions", len(b.questions))
	}
	if q := <-b.questions; q != `{"ranks":1024,"run_id":"`+runID+`"}` {
		t.Error(q)
	}
}

func TestAFullLaneIsWaitedFor(t *testing.T) {
	b := startBus(t)
	lane := track.LaneOf(runID, lanesOfTests)
	b.limit(t, lane, 1800)
	s, err := b.js.Stream(t.Context(), bus.LaneStream(lane))
	if err != nil {
		t.Fatal(err)
	}
	var lot [][]byte
	const frames = 30
	for n := uint64(1); n <= frames; n++ {
		lot = append(lot, encode(t, 1, n, &sgpb.Section{RunId: runID, Events: []*sgpb.RunEvent{{}}}))
	}
	to := newNATS(t, b)
	accepted, err := to.Send(t.Context(), lot)
	var later *Later
	if accepted == 0 || accepted >= frames || !errors.As(err, &later) || !strings.Contains(err.Error(), "full") {
		t.Fatalf("%d, %v", accepted, err)
	}
	troubles := 0
	err = Deliver(t.Context(), to, lot[accepted:], Delivery{PauseMin: time.Microsecond, Trouble: func(err error) {
		if troubles++; errors.As(err, &later) {
			_ = s.Purge(context.Background())
		}
	}})
	if err != nil || troubles == 0 {
		t.Fatal(troubles, err)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.State.LastSeq != frames {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestFramesThatNoLaneTakesAreRefused(t *testing.T) {
	b := startBus(t)
	to := newNATS(t, b)
	good := encode(t, 1, 1, &sgpb.Section{RunId: runID})
	other := runID
	for track.LaneOf(other, lanesOfTests) == track.LaneOf(runID, lanesOfTests) {
		other = track.NewRunID()
	}
	for name, bad := range map[string][]byte{
		"no frame": []byte("garbage"), "no section": encode(t, 9, 1), "no run": encode(t, 9, 1, &sgpb.Section{RunId: "x"}),
		"two lanes":            encode(t, 9, 1, &sgpb.Section{RunId: runID}, &sgpb.Section{RunId: other}),
		"a writer's other run": encode(t, 1, 2, &sgpb.Section{RunId: other}),
	} {
		var refused *Refused
		lot := [][]byte{good, bad, good}
		if accepted, err := to.Send(t.Context(), lot); accepted != 1 || !errors.As(err, &refused) {
			t.Errorf("%s: %d, %v", name, accepted, err)
		}
	}
}

func TestAServerThatIsAwayIsAnErrorThatPasses(t *testing.T) {
	b := startBus(t)
	to := newNATS(t, b)
	b.conn.Close()
	var refused *Refused
	if accepted, err := to.Send(t.Context(), [][]byte{encode(t, 1, 1, &sgpb.Section{RunId: runID})}); accepted != 0 || err == nil || errors.As(err, &refused) {
		t.Errorf("%d, %v", accepted, err)
	}
}
