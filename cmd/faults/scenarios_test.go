package faults

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

// TestFault10EngineStopped: the engine stands still, for ten times the safety window, while writers go on. Nothing
// that waits for it may be purged.
func TestFault10EngineStopped(t *testing.T) {
	const window = time.Second
	s := startServer(t, t.TempDir(), "--safety-window", window.String())
	ws := startWriters(t, s.url, writerCount)
	time.Sleep(2 * window)
	pid := s.engine()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * window)
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * window)
	s.waitHealthy(startTimeout)
	s.verify(ws.stop())
	if got := s.engine(); got != pid {
		t.Errorf("the engine that stood still was replaced (pid %d, now %d)", pid, got)
	}
}

// TestFault10LaneLimit writes five times the lane's size with a healthy engine: applied frames make room in time.
func TestFault10LaneLimit(t *testing.T) {
	const laneBytes = 8 << 20
	s := startServer(t, t.TempDir(), "--lane-bytes", fmt.Sprint(laneBytes))
	w := &writer{url: s.url, out: discard}
	var err error
	if w.run, err = w.createRun(); err != nil {
		t.Fatal(err)
	}
	sent, points := 0, int64(0)
	for sent < 5*laneBytes {
		type metric struct {
			Key       string  `json:"key"`
			Value     float64 `json:"value"`
			Timestamp int64   `json:"timestamp"`
			Step      int64   `json:"step"`
		}
		var metrics []metric
		for i := range int64(1000) {
			metrics = append(metrics, metric{Key: "k", Value: 1 / float64(points+i+1), Timestamp: points + i, Step: points + i})
		}
		status, b, err := post(context.Background(), s.url, "/api/2.0/mlflow/runs/log-batch", map[string]any{"run_id": w.run, "metrics": metrics})
		if err != nil || status != http.StatusOK {
			t.Fatalf("after %d bytes: %d %s %v", sent, status, b, err)
		}
		points += 1000
		sent += 1000 * 9 // the least that a point takes in a frame: a double and a delta
	}
	faulttest.Of(points, s.number("SELECT count() FROM points WHERE run != 0"), s.number("SELECT uniqExact(step) FROM points WHERE run != 0")).Check(t)
}

// TestFault07DiskFull fills the data folder's disk under load and frees it again: clear errors meanwhile, nothing
// acknowledged lost, no restart.
func TestFault07DiskFull(t *testing.T) {
	const diskBytes = 1536 << 20
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", diskBytes), "streamgauge-test", dir).CombinedOutput(); err != nil {
		t.Skipf("a file system of its own is needed, and only root can mount one: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	s := startServer(t, filepath.Join(dir, "data"))
	ws := startWriters(t, s.url, writerCount)
	time.Sleep(2 * time.Second)
	full := filepath.Join(dir, "full")
	fill(t, full)
	refused := s.awaitRefusal()
	time.Sleep(3 * time.Second)
	fill(t, full)
	t.Logf("while full: %s", refused)
	if !strings.Contains(strings.ToLower(refused), "space") {
		t.Errorf("the refusal does not say that space is short: %s", refused)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	s.waitHealthy(startTimeout)
	time.Sleep(3 * time.Second)
	s.verify(ws.stop())
}

// fill takes what space is left.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
}

// awaitRefusal logs until the server refuses with a 5xx, and gives the message.
func (s *server) awaitRefusal() string {
	s.t.Helper()
	for end := time.Now().Add(readTimeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		status, b, err := post(context.Background(), s.url, "/api/2.0/mlflow/runs/create", map[string]any{"experiment_id": "0"})
		if err == nil && status >= 500 {
			return fmt.Sprintf("%d %s", status, b)
		}
	}
	s.t.Fatal("writes are accepted on a full disk")
	return ""
}
