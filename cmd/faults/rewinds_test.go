package faults

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// rewindLoad is how long jobs write between two steps of a test that rewinds.
const rewindLoad = 2 * time.Second

const (
	rewindShare = 0.03
	// partsLost are the newest inserts that the engine loses.
	partsLost = 3
)

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

// TestFault06EngineRewound takes from the engine what it had written, each way that a power cut or a restored copy can:
// the lane's log has it still, and applies it once more, and only that.
func TestFault06EngineRewound(t *testing.T) {
	s := startServer(t, t.TempDir())
	ws, js := startWriters(t, s.url, writerCount), startJobs(s, jobCount)
	tables, old := filepath.Join(s.dir, "clickhouse"), filepath.Join(t.TempDir(), "old")
	rewinds := []struct {
		name   string
		rewind func()
		burns  bool // the tokens of the repeats
	}{
		{"the newest parts, their tokens stay", func() { s.loseParts(partsLost) }, true},
		{"the record of tokens", s.loseTokens, false},
		{"the newest parts and the record of tokens", func() { s.loseParts(partsLost); s.loseTokens() }, false},
		{"all since a copy of the folder", func() { copyFolder(t, tables, old) }, false},
	}
	done := 0
	for range faulttest.Rounds(t, 1, rewindShare) {
		for _, r := range rewinds {
			s.killGroup()
			copyFolder(t, old, tables)
			s.start()
			time.Sleep(rewindLoad)
			s.number("SELECT count() FROM points") // flushes: there is something to lose
			s.killGroup()
			r.rewind()
			s.start()
			s.number("SELECT count() FROM points")
			if burnt := s.metric(burntMetric); r.burns && burnt == 0 {
				t.Errorf("%s: no token was burnt, so nothing was lost", r.name)
			}
			done++
		}
	}
	t.Logf("%d rewinds of %d kinds", done, len(rewinds))
	runs := ws.stop()
	s.verifyAll(runs, js)
	s.verifySearch(runs)
}

// TestFault06EngineRewoundTooFar puts back a copy of the engine that is older than the safety window: what the log has
// purged since is lost, and the server says how many frames that are.
func TestFault06EngineRewoundTooFar(t *testing.T) {
	s := startServer(t, t.TempDir(), "--safety-window", time.Second.String())
	js := startJobs(s, jobCount)
	tables, old := filepath.Join(s.dir, "clickhouse"), filepath.Join(t.TempDir(), "old")
	time.Sleep(rewindLoad)
	js.halt()
	s.number("SELECT count() FROM points")
	kept := js.frames()
	s.killGroup()
	copyFolder(t, old, tables)
	s.start()
	js.resume()
	time.Sleep(rewindLoad)
	js.halt()
	s.number("SELECT count() FROM points")
	gone := js.frames() - kept
	s.awaitPurged()
	s.killGroup()
	copyFolder(t, tables, old)
	s.start()
	if tally := js.verify(); tally.Lost != gone*jobSteps*keysPerRun || tally.Doubled != 0 {
		t.Errorf("%+v, of which the copy lacked %d", tally, gone*jobSteps*keysPerRun)
	}
	if told := s.metric("streamgauge_lane_log_gaps_total"); told < float64(gone) || gone == 0 {
		t.Errorf("the server tells of %v frames, %d are lost", told, gone)
	}
	t.Logf("%d frames are lost, and told", gone)
}

// awaitPurged waits until the lane's files hold no frame; jobs may not ask the bus for that.
func (s *server) awaitPurged() {
	s.t.Helper()
	const aFrame = 1000 // at least, in bytes
	for end := time.Now().Add(startTimeout); ; time.Sleep(100 * time.Millisecond) {
		size := int64(0)
		files, _ := filepath.Glob(filepath.Join(s.dir, "nats", "jetstream", "*", "streams", bus.LaneStream(0), "msgs", "*.blk"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				size += info.Size()
			}
		}
		if len(files) > 0 && size < aFrame {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("the lane has %d bytes in %d files still", size, len(files))
		}
	}
}

// loseParts deletes the newest parts of the table points, and those that merges made of them.
func (s *server) loseParts(n int) {
	s.t.Helper()
	type part struct {
		dir  string
		last int
	}
	var parts []part
	dirs, _ := filepath.Glob(filepath.Join(s.pointsTable(), "[0-9]*_[0-9]*_[0-9]*_[0-9]*"))
	for _, dir := range dirs {
		last, err := strconv.Atoi(strings.Split(filepath.Base(dir), "_")[2])
		if err != nil {
			s.t.Fatalf("%s: %v", dir, err)
		}
		parts = append(parts, part{dir, last})
	}
	slices.SortFunc(parts, func(a, b part) int { return b.last - a.last })
	if len(parts) == 0 {
		s.t.Fatal("the table points has no part")
	}
	for _, p := range parts {
		if p.last <= parts[0].last-n {
			break
		}
		if err := os.RemoveAll(p.dir); err != nil {
			s.t.Fatal(err)
		}
	}
}

// loseTokens empties what the engine remembers of inserts.
func (s *server) loseTokens() {
	s.t.Helper()
	for _, f := range tokenLogs(s) {
		if err := os.Truncate(f, 0); err != nil {
			s.t.Fatal(err)
		}
	}
}

// verifySearch compares the table of runs, which searches read, with what was acknowledged.
func (s *server) verifySearch(runs map[string]*truth) {
	s.t.Helper()
	for id, tr := range runs {
		number, _ := track.ParseRunID(id)
		if n := s.number(fmt.Sprintf("SELECT length(params) FROM runs FINAL WHERE run = %d", number)); n < int64(len(tr.params)) {
			s.t.Errorf("the search has %d params of run %s, acknowledged are %d", n, id, len(tr.params))
		}
	}
}

// copyFolder makes to what from is, links too.
func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("copy %s: %s %v", from, out, err)
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
