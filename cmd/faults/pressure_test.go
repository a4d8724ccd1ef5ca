package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	// laneSmall is a lane that fills up within moments.
	laneSmall = 8 << 20
	// memoryMax is what the server's process may take under any load. The engine's is a process of its own.
	memoryMax = 1536 << 20

	posterCount = 4
	// politeMax is how long a poster waits after a refusal at most, so that the load stays one.
	politeMax = 200 * time.Millisecond

	partsMax   = 10
	partsShare = 0.03

	overloadRounds, overloadShare = 5, 0.05
	// Of overloadCycle the engine works a third: what comes is three times what it can take.
	overloadCycle = 3 * time.Second
)

// load is how posters send: frames a request, and the pause between two.
type load struct {
	frames int64
	pause  time.Duration
}

var (
	press = load{frames: 32}
	talk  = load{frames: 1, pause: 100 * time.Millisecond}
)

// posters send frames over HTTP, each its own. What is refused they send again.
type posters struct {
	s    *server
	stop context.CancelFunc
	wg   sync.WaitGroup
	all  []*poster
}

// poster is one job, with what was answered to it.
type poster struct {
	job
	// acknowledged are steps; others may read it while the poster goes on.
	acknowledged atomic.Int64
	refusals     int
	// silent are refusals that do not say when to come again.
	silent int
	reason string
}

func startPosters(s *server, n int, l load) *posters {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ps := &posters{s: s, stop: cancel}
	for i := range n {
		id, err := (&writer{url: s.url, out: discard}).createRun()
		if err != nil {
			s.t.Fatal(err)
		}
		ps.all = append(ps.all, &poster{job: job{run: id, writer: uint64(time.Now().UnixNano()) + uint64(i)}})
	}
	for _, p := range ps.all {
		ps.wg.Go(func() {
			for ctx.Err() == nil {
				if err := p.post(s, l.frames); err != nil {
					s.t.Error(err)
					return
				}
				time.Sleep(l.pause)
			}
		})
	}
	s.t.Cleanup(ps.halt)
	return ps
}

func (ps *posters) halt() {
	ps.stop()
	ps.wg.Wait()
}

// post sends the next frames in one request, and again until all are accepted or the test has failed.
func (p *poster) post(s *server, count int64) error {
	var frames [][]byte
	for i := range count {
		frames = append(frames, p.frame(p.frames+1+i))
	}
	for len(frames) > 0 && !s.t.Failed() {
		var body []byte
		for _, f := range frames {
			body = protowire.AppendBytes(body, f)
		}
		n, err := p.offer(s.url, body)
		if err != nil {
			return err
		}
		p.frames += int64(n)
		p.acknowledged.Store(p.frames * jobSteps)
		frames = frames[n:]
	}
	return nil
}

// offer gives how many frames of the body were accepted.
func (p *poster) offer(url string, body []byte) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/frames", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := http.DefaultClient.Do(req)
	if err != nil { // the same frames again: their numbers are known
		p.repeat++
		time.Sleep(jobPause)
		return 0, nil
	}
	defer resp.Body.Close()
	var answer struct {
		Accepted int
		Message  string
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	switch resp.StatusCode {
	case http.StatusOK:
		return answer.Accepted, err
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		p.refusals++
		seconds, err := strconv.ParseFloat(resp.Header.Get("Retry-After"), 64)
		if err != nil || seconds <= 0 {
			p.silent++
		}
		p.reason = answer.Message
		time.Sleep(politeMax)
		return answer.Accepted, nil
	}
	return 0, fmt.Errorf("frames: %d %s", resp.StatusCode, answer.Message)
}

// count compares what was acknowledged to the posters with the table.
func (ps *posters) count() (all faulttest.Tally) {
	ps.s.t.Helper()
	ps.halt()
	for _, p := range ps.all {
		all.Add(ps.s.countRun(p.run, p.frames*jobSteps*keysPerRun))
	}
	return all
}

// checkRefusals looks at what the posters were told while they were too many.
func (ps *posters) checkRefusals() {
	ps.s.t.Helper()
	refusals, silent, reason := 0, 0, ""
	for _, p := range ps.all {
		refusals, silent = refusals+p.refusals, silent+p.silent
		if p.reason != "" {
			reason = p.reason
		}
	}
	ps.s.t.Logf("%d requests were refused, the last with %q", refusals, reason)
	if refusals == 0 {
		ps.s.t.Error("no request was refused: there was no pressure")
	}
	if silent > 0 {
		ps.s.t.Errorf("%d refusals have no Retry-After", silent)
	}
}

// TestFault08TooManyParts lets the engine refuse inserts because a table has too many parts, until the lane is full and
// producers are pushed back; then it may merge again.
func TestFault08TooManyParts(t *testing.T) {
	s := startServer(t, t.TempDir(), "--lane-bytes", fmt.Sprint(laneSmall))
	ps, js := startPosters(s, posterCount, press), startJobs(s, jobCount)
	retries := 0.0
	for range faulttest.Rounds(t, 1, partsShare) {
		s.engineExec(fmt.Sprintf("ALTER TABLE points MODIFY SETTING parts_to_delay_insert = %d, parts_to_throw_insert = %[1]d", partsMax))
		s.engineExec("SYSTEM STOP MERGES streamgauge.points")
		before := s.metric("streamgauge_lane_retries_total")
		s.awaitMetric("streamgauge_lane_retries_total", before+1)
		s.awaitRefusedPoints()
		retries += s.metric("streamgauge_lane_retries_total") - before
		s.engineExec("SYSTEM START MERGES streamgauge.points")
		s.engineExec("ALTER TABLE points RESET SETTING parts_to_delay_insert, parts_to_throw_insert")
		time.Sleep(rewindLoad)
	}
	s.checkMemory()
	ps.halt()
	js.halt()
	s.waitHealthy(startTimeout)
	t.Logf("%v inserts were refused", retries)
	ps.checkRefusals()
	all := ps.count()
	all.Add(js.verify())
	s.verifyTables(nil)
	all.Check(t)
}

// awaitRefusedPoints waits until a full lane shows in MLflow's requests as well.
func (s *server) awaitRefusedPoints() {
	s.t.Helper()
	w := &writer{url: s.url, out: discard}
	run, err := w.createRun()
	if err != nil {
		s.t.Fatal(err)
	}
	var status int
	var b []byte
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		status, b, err = post(context.Background(), s.url, "/api/2.0/mlflow/runs/log-metric", map[string]any{"run_id": run, "key": "k", "value": 1, "timestamp": 1, "step": 1})
		if err == nil && status == http.StatusTooManyRequests {
			return
		}
	}
	s.t.Errorf("points are taken still: %d %s %v", status, b, err)
}

// TestFault10Overload gives the engine a third of its time, while frames come over HTTP and NATS as fast as they are
// taken. The rest is refused, with when to come again; memory stays bounded; then the lane catches up.
func TestFault10Overload(t *testing.T) {
	s := startServer(t, t.TempDir(), "--lane-bytes", fmt.Sprint(laneSmall))
	ps, js := startPosters(s, posterCount, press), startJobs(s, jobCount)
	pid := s.engine()
	pause := func(sign syscall.Signal, d time.Duration) {
		if err := syscall.Kill(pid, sign); err != nil {
			t.Fatal(err)
		}
		time.Sleep(d)
	}
	for range faulttest.Rounds(t, overloadRounds, overloadShare) {
		pause(syscall.SIGSTOP, overloadCycle*2/3)
		pause(syscall.SIGCONT, overloadCycle/3)
	}
	s.checkMemory()
	ps.halt()
	js.halt()
	ps.checkRefusals()
	all := ps.count() // which flushes: the lane has caught up
	all.Add(js.verify())
	s.verifyTables(nil)
	s.awaitCaughtUp()
	all.Check(t)
}

// awaitCaughtUp waits until nothing waits on the lane.
func (s *server) awaitCaughtUp() {
	s.t.Helper()
	const lag = "streamgauge_lane_lag_frames"
	for end := time.Now().Add(readTimeout); s.metric(lag) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%v frames wait on the lane still", s.metric(lag))
		}
	}
}

// checkMemory compares the most memory that the server ever had with its bound.
func (s *server) checkMemory() {
	s.t.Helper()
	server, engine := memoryPeak(s.t, s.cmd.Process.Pid), memoryPeak(s.t, s.engine())
	s.t.Logf("memory at most: server %d MiB, engine %d MiB", server>>20, engine>>20)
	if server > memoryMax {
		s.t.Errorf("the server took %d MiB, more than %d", server>>20, memoryMax>>20)
	}
}

// memoryPeak is the largest resident memory of a process, in bytes.
func memoryPeak(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
