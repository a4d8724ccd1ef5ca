package faults

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	syscallKillsShort = 1 // of each point
	syscallKillsShare = 0.2
	burntMetric       = "streamgauge_lane_burnt_tokens_total"
	// partsAhead are the parts that an insert may write next while the tracer attaches.
	partsAhead = 80
	// reachMax bounds the wait until a point is reached; the load reaches each several times a second.
	reachMax = 30 * time.Second
)

// point is a system call of one process on certain files; the process dies as it makes the call, before the kernel
// carries it out.
type point struct {
	name   string
	engine bool
	call   string
	paths  func(*server) []string
}

// poisons is the point between the record of the token and the part.
const poisons = "engine renames the part: the token is poisoned"

// points are the steps of an insert in the engine, in their order, and of a publish in the bus. Between the record of
// the token and the rename lies what poisons a token: the repeat is answered well and keeps nothing.
var points = []point{
	{"engine makes the part's folder", true, "mkdir", newParts("tmp_insert_%s", "")},
	{"engine syncs the part's data", true, "fdatasync", newParts("tmp_insert_%s", "/data.bin")},
	{"engine syncs the part's folder", true, "fdatasync", newParts("tmp_insert_%s", "")},
	{"engine writes the token down", true, "write", tokenLogs},
	{poisons, true, "rename", newParts("tmp_insert_%s", "/")},
	{"engine syncs the renamed part's folder", true, "fdatasync", newParts("%s", "")},
	{"bus writes a frame", false, "write,pwrite64", blocks("SG_LANE_0")},
	{"bus syncs a frame", false, "fsync", blocks("SG_LANE_0")},
	{"bus writes a document", false, "write,pwrite64", blocks("KV_SG_DOCS")},
}

// TestFault02SyscallKills kills the engine and the bus exactly at the system calls that make an insert or a frame last.
func TestFault02SyscallKills(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is missing: sh build/strace.sh")
	}
	s := startServer(t, t.TempDir())
	ws, js := startWriters(t, s.url, 2), startJobs(s, jobCount)
	kills := 0
	for range faulttest.Rounds(t, syscallKillsShort, syscallKillsShare) {
		for _, p := range points {
			if p.name != poisons {
				s.killAt(p)
			} else if burnt := s.metric(burntMetric); s.killAt(p) {
				s.awaitMetric(burntMetric, burnt+1)
			}
			kills++
		}
	}
	time.Sleep(betweenKills)
	s.waitHealthy(startTimeout)
	t.Logf("%d kills at %d points", kills, len(points))
	s.verifyAll(ws.stop(), js)
}

// awaitMetric waits until a metric of lane 0 is at least that.
func (s *server) awaitMetric(name string, least float64) {
	s.t.Helper()
	for end := time.Now().Add(readTimeout); s.metric(name) < least; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Errorf("%s is %v, want at least %v", name, s.metric(name), least)
			return
		}
	}
}

// killAt waits until the process is at the point and dead, and until the server serves again.
func (s *server) killAt(p point) bool {
	s.t.Helper()
	pid := s.cmd.Process.Pid
	if p.engine {
		pid = s.engine()
	}
	args := []string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + p.call, "-e", "inject=" + p.call + ":signal=SIGKILL", "-p", fmt.Sprint(pid)}
	for _, path := range p.paths(s) {
		args = append(args, "-P", path)
	}
	tracer := exec.Command("strace", args...)
	var said bytes.Buffer
	tracer.Stderr = &said
	if err := tracer.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- tracer.Wait() }()
	select {
	case <-ended: // with its process
	case <-time.After(reachMax):
		_ = tracer.Process.Kill()
		s.t.Errorf("%s: not reached in %v: %s", p.name, reachMax, &said)
		<-ended
		return false
	}
	if strings.Contains(said.String(), "Operation not permitted") {
		s.t.Skipf("this machine does not let one process trace another: %s", &said)
	}
	if !p.engine {
		_ = s.cmd.Wait()
		s.start()
	}
	s.awaitGone(pid)
	s.waitHealthy(startTimeout)
	return true
}

// awaitGone waits until there is no process of that number, and fails if it lives on.
func (s *server) awaitGone(pid int) {
	s.t.Helper()
	for end := time.Now().Add(readTimeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if exec.Command("kill", "-0", fmt.Sprint(pid)).Run() != nil {
			return
		}
	}
	s.t.Errorf("process %d lives on", pid)
}

// pointsTable is the folder of the table points.
func (s *server) pointsTable() string {
	s.t.Helper()
	found, _ := filepath.Glob(filepath.Join(s.dir, "clickhouse", "data", "store", "*", "*", "deduplication_logs"))
	if len(found) != 1 {
		s.t.Fatalf("%d tables have a record of tokens, want one", len(found))
	}
	return filepath.Dir(found[0])
}

// newParts gives the paths of the next parts of the table points; form makes the folder's name of the part's.
func newParts(form, file string) func(*server) []string {
	return func(s *server) (out []string) {
		s.t.Helper()
		first := s.engineNumber("SELECT toInt64(max(max_block_number)) + 1 FROM system.parts WHERE database = 'streamgauge' AND table = 'points'")
		month := time.Now().UTC().Format("200601")
		for n := first; n < first+partsAhead; n++ {
			part := fmt.Sprintf("%s_%d_%d_0", month, n, n)
			out = append(out, filepath.Join(s.pointsTable(), fmt.Sprintf(form, part))+file)
		}
		return out
	}
}

// tokenLogs are the files that the engine may write tokens to.
func tokenLogs(s *server) []string {
	s.t.Helper()
	found, _ := filepath.Glob(filepath.Join(s.pointsTable(), "deduplication_logs", "*.txt"))
	return found
}

// blocks gives the files that the bus may write a stream's messages to: the newest and those to come.
func blocks(stream string) func(*server) []string {
	return func(s *server) (out []string) {
		s.t.Helper()
		found, _ := filepath.Glob(filepath.Join(s.dir, "nats", "jetstream", "*", "streams", stream, "msgs", "*.blk"))
		if len(found) == 0 {
			s.t.Fatalf("stream %s has no file", stream)
		}
		dir, newest := filepath.Dir(found[0]), 0
		for _, f := range found {
			var n int
			if _, err := fmt.Sscanf(filepath.Base(f), "%d.blk", &n); err != nil {
				s.t.Fatal(err)
			}
			newest = max(newest, n)
		}
		for n := newest; n < newest+3; n++ {
			out = append(out, filepath.Join(dir, fmt.Sprintf("%d.blk", n)))
		}
		return out
	}
}
