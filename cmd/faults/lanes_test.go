package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	framesOfRank = 20
	pointsOfRank = 50 // a frame
)

// rank is one process of a distributed training, with a writer of its own.
type rank struct {
	run    string
	number uint32
	lanes  []uint16
}

// frame encodes the rank's frame n, from 1; the first one starts the run.
func (r rank) frame(t *testing.T, n int) []byte {
	t.Helper()
	p := track.Points{Keys: []string{"loss"}}
	for i := range pointsOfRank {
		step := int64((n-1)*pointsOfRank + i)
		p.Key, p.Step, p.TimeMS, p.Value = append(p.Key, 0), append(p.Step, step), append(p.TimeMS, 1000+step), append(p.Value, float64(step))
	}
	s := &sgpb.Section{RunId: r.run, Rank: r.number, Attempt: 1, Points: frame.PackPoints(&p)}
	if n == 1 {
		s.Events = []*sgpb.RunEvent{{TimeMs: 1000, Event: &sgpb.RunEvent_Started{Started: &sgpb.RunStarted{
			ExperimentName: "lanes", Name: "wide", Ranks: uint32(len(r.lanes)) * track.RanksPerLane,
		}}}}
	}
	b, err := frame.Encode(&sgpb.Frame{Writer: 1000 + uint64(r.number), Number: uint64(n), Sections: []*sgpb.Section{s}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// subject is where the rank publishes.
func (r rank) subject() string {
	return bus.RunSubject(r.lanes[(1000+int(r.number))%len(r.lanes)], r.run)
}

// TestLanesOneRunOverSeveral writes a run of many ranks over NATS and HTTP, everything twice, kills the server in
// between, and starts it at last with fewer lanes.
func TestLanesOneRunOverSeveral(t *testing.T) {
	for _, lanes := range []int{4, 16} {
		t.Run(fmt.Sprint(lanes), func(t *testing.T) {
			s := startServer(t, t.TempDir(), "--lanes", fmt.Sprint(lanes))
			run := track.NewRunID()
			own := s.askLanes(run, uint32(lanes)*track.RanksPerLane)
			if len(own) != lanes {
				t.Fatalf("the run will have lanes %v", own)
			}
			var ranks sync.WaitGroup
			for n := range uint32(lanes) {
				r := rank{run: run, number: n, lanes: own}
				send := s.publish
				if n%2 == 1 {
					send = s.postFrames
				}
				ranks.Go(func() {
					send(r, 1, framesOfRank/2)
					send(r, 1, framesOfRank/2) // again: as repeats
				})
			}
			ranks.Wait()
			s.killGroup()
			s.start()
			for n := range uint32(lanes) {
				r := rank{run: run, number: n, lanes: own}
				ranks.Go(func() {
					s.postFrames(r, 1, framesOfRank) // of which half are repeats over another way
					s.publish(r, framesOfRank/2+1, framesOfRank)
				})
			}
			ranks.Wait()
			s.verifyLanes(run, lanes, lanes)
			s.killGroup()
			s.args[len(s.args)-1] = "1"
			s.start()
			s.verifyLanes(run, lanes, lanes)
			s.postFrames(rank{run: run, number: uint32(lanes), lanes: own}, 1, framesOfRank)
			s.verifyLanes(run, lanes+1, lanes)
			if got := s.askLanes(track.NewRunID(), 1000); len(got) != 1 || got[0] != 0 {
				t.Errorf("a new run has lanes %v", got)
			}
		})
	}
}

// askLanes asks on the bus, as a job that reaches nothing else.
func (s *server) askLanes(run string, ranks uint32) []uint16 {
	s.t.Helper()
	nc, err := nats.Connect(s.nats)
	if err != nil {
		s.t.Fatal(err)
	}
	defer nc.Close()
	m, err := nc.Request(bus.LanesSubject, []byte(fmt.Sprintf(`{"run_id":%q,"ranks":%d}`, run, ranks)), readTimeout)
	if err != nil {
		s.t.Fatal(err)
	}
	var a struct {
		RunLanes []uint16 `json:"run_lanes"`
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		s.t.Fatalf("%s: %v", m.Data, err)
	}
	return a.RunLanes
}

// publish sends frames to the bus until each is acknowledged.
func (s *server) publish(r rank, first, last int) {
	nc, err := nats.Connect(s.nats)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		s.t.Error(err)
		return
	}
	for n := first; n <= last; n++ {
		if _, err := js.Publish(r.subject(), r.frame(s.t, n)); err != nil {
			s.t.Errorf("rank %d, frame %d: %v", r.number, n, err)
		}
	}
}

// postFrames sends frames to the server, in one body, until all are accepted.
func (s *server) postFrames(r rank, first, last int) {
	var frames [][]byte
	for n := first; n <= last; n++ {
		frames = append(frames, r.frame(s.t, n))
	}
	var answer []byte
	for end := time.Now().Add(readTimeout); len(frames) > 0 && time.Now().Before(end); {
		var body []byte
		for _, b := range frames {
			body = protowire.AppendBytes(body, b)
		}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.url+"/v1/frames", bytes.NewReader(body))
		if err != nil {
			s.t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/x-protobuf")
		if _, answer, err = roundTrip(req); err != nil {
			s.t.Error(err)
			return
		}
		var a struct{ Accepted int }
		if err := json.Unmarshal(answer, &a); err != nil {
			s.t.Errorf("%s: %v", answer, err)
			return
		}
		frames = frames[a.Accepted:]
	}
	if len(frames) > 0 {
		s.t.Errorf("rank %d: %d frames left: %s", r.number, len(frames), answer)
	}
}

// verifyLanes counts what is there of every rank, and reads the history of one.
func (s *server) verifyLanes(run string, ranks, lanes int) {
	s.t.Helper()
	number, _ := track.ParseRunID(run)
	rows := s.sql(fmt.Sprintf("SELECT rank, count(), uniqExact(step), sum(v), uniqExact(lane) FROM points WHERE run = %d GROUP BY rank ORDER BY rank", number))
	if len(rows) != ranks {
		s.t.Fatalf("%d ranks, want %d: %v", len(rows), ranks, rows)
	}
	const n = framesOfRank * pointsOfRank
	want := fmt.Sprintf("%d,%d,%d,1", n, n, n*(n-1)/2)
	for i, r := range rows {
		if got := strings.Join(r[1:], ","); got != want || r[0] != fmt.Sprint(i) {
			s.t.Errorf("rank %s has points, steps, sum, lanes %s; want %s", r[0], got, want)
		}
	}
	if used := s.number(fmt.Sprintf("SELECT uniqExact(lane) FROM points WHERE run = %d", number)); used != int64(lanes) {
		s.t.Errorf("%d lanes are used by %d ranks", used, ranks)
	}
	if bad := s.sql("SELECT reason FROM quarantine FINAL"); len(bad) > 0 {
		s.t.Errorf("in quarantine: %v", bad)
	}
	_, b, err := get(context.Background(), s.url, "/api/2.0/mlflow/metrics/get-history?metric_key=loss&run_id="+run)
	var history struct {
		Metrics []struct{ Step int64 }
	}
	if err == nil {
		err = json.Unmarshal(b, &history)
	}
	if err != nil || len(history.Metrics) != n {
		s.t.Errorf("the history of the lowest rank has %d points, want %d: %v", len(history.Metrics), n, err)
	}
}
