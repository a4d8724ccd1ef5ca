package faults

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// rewindLoad is how long jobs write between two steps of a test that rewinds.
const rewindLoad = 2 * time.Second

// TestFault05BusRewound puts an older copy of the bus's files back, as a restored backup does, or a power cut on a disk
// that lies. The bus then gives sequences once more that the table has already: no new frame may pass for an applied
// one. What only the bus had is lost with it, and that is reported.
func TestFault05BusRewound(t *testing.T) {
	s := startServer(t, t.TempDir())
	js := startJobs(s, jobCount)
	time.Sleep(rewindLoad)
	s.killGroup()
	store := filepath.Join(s.dir, "nats")
	old := filepath.Join(t.TempDir(), "old")
	copyFolder(t, old, store)
	s.start()
	time.Sleep(2 * rewindLoad)
	js.halt()
	s.number("SELECT count() FROM points") // flushes: the table has all that is acknowledged
	s.killGroup()
	copyFolder(t, store, old)
	js.resume() // at once, while the server starts
	s.start()
	time.Sleep(rewindLoad)
	s.verifyAll(nil, js)
	if n := s.metric("streamgauge_lane_rewinds_total"); n != 1 {
		t.Errorf("the server tells of %v rewinds, want 1", n)
	}

	// Once more, with frames that are acknowledged and only on the bus.
	if err := syscall.Kill(s.engine(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	kept := js.frames()
	js.resume()
	time.Sleep(rewindLoad)
	js.halt()
	onlyOnBus := js.frames() - kept
	s.killGroup()
	copyFolder(t, store, old)
	js.resume()
	s.start()
	time.Sleep(rewindLoad)
	lost := js.verify()
	if lost.Lost != onlyOnBus*jobSteps*keysPerRun || lost.Doubled != 0 {
		t.Errorf("%d points are lost, of which the bus alone had %d; %d doubled", lost.Lost, onlyOnBus*jobSteps*keysPerRun, lost.Doubled)
	}
	if gaps := s.metric("streamgauge_lane_writer_gaps"); gaps != jobCount {
		t.Errorf("the server tells of %v gaps in the numbers of %d writers", gaps, jobCount)
	}
}

// copyFolder makes to what from is.
func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// frames is how many frames of all jobs are acknowledged.
func (js *jobs) frames() (n int64) {
	for _, j := range js.all {
		n += j.frames
	}
	return n
}

// metric reads a metric of lane 0 from the server.
func (s *server) metric(name string) float64 {
	s.t.Helper()
	status, b, err := get(context.Background(), s.url, "/metrics")
	if err != nil || status != http.StatusOK {
		s.t.Fatalf("metrics: %d %v", status, err)
	}
	m := regexp.MustCompile(`(?m)^` + name + `\{lane="0"\} (\S+)$`).FindSubmatch(b)
	if m == nil {
		s.t.Fatalf("no metric %s", name)
	}
	x, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return x
}
