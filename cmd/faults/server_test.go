package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 60 * time.Second
	readTimeout  = 20 * time.Second
)

// server is one `streamgauge up` in a process group of its own, on ports that stay the same over restarts.
type server struct {
	t    *testing.T
	dir  string
	args []string
	url  string
	nats string
	// clickhouse is the HTTP address of the engine.
	clickhouse string
	cmd        *exec.Cmd
	log        *os.File
}

func startServer(t *testing.T, dir string, extra ...string) *server {
	t.Helper()
	bin := binary(t)
	ports := freePorts(t, 4)
	s := &server{t: t, dir: dir, url: "http://127.0.0.1:" + ports[0], nats: "nats://127.0.0.1:" + ports[1], clickhouse: "http://127.0.0.1:" + ports[3]}
	s.args = append([]string{bin, "up", "--data", dir,
		"--listen", "127.0.0.1:" + ports[0], "--nats-listen", "127.0.0.1:" + ports[1],
		"--clickhouse-listen", "127.0.0.1:" + ports[2], "--clickhouse-http-listen", "127.0.0.1:" + ports[3]}, extra...)
	log, err := os.CreateTemp(t.TempDir(), "server-*.log")
	if err != nil {
		t.Fatal(err)
	}
	s.log = log
	t.Cleanup(func() {
		s.killGroup()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("last lines of the server:\n%s", tailOf(b, 6000))
		}
	})
	s.start()
	return s
}

func tailOf(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

func binary(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("STREAMGAUGE_BIN")
	if bin == "" {
		bin, _ = filepath.Abs("../../bin/streamgauge")
	}
	if _, err := os.Stat(bin); err != nil {
		t.Skipf("%s is missing: make build engine", bin)
	}
	return bin
}

func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out = append(out, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return out
}

// start launches the process and waits until it is healthy.
func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.waitHealthy(startTimeout)
}

func (s *server) waitHealthy(timeout time.Duration) {
	s.t.Helper()
	var last string
	for end := time.Now().Add(timeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(s.url + "/health")
		if err != nil {
			last = err.Error()
			continue
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
		last = string(b)
	}
	s.t.Fatalf("not healthy within %v: %s", timeout, last)
}

// killGroup ends the server, its engine and all at once.
func (s *server) killGroup() {
	if s.cmd.Process != nil && s.cmd.ProcessState == nil {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		_ = s.cmd.Wait()
	}
}

// killParent ends the server's own process alone.
func (s *server) killParent() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// engine finds the ClickHouse child: the newest child of the server.
func (s *server) engine() int {
	s.t.Helper()
	for end := time.Now().Add(readTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		dirs, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, f := range dirs {
			b, err := os.ReadFile(f)
			if err != nil {
				continue
			}
			// pid (comm) state ppid ...
			_, rest, ok := bytes.Cut(b, []byte(") "))
			fields := strings.Fields(string(rest))
			if !ok || len(fields) < 2 || fields[0] == "Z" || fields[1] != strconv.Itoa(s.cmd.Process.Pid) {
				continue
			}
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			if cmd, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && bytes.HasPrefix(cmd, []byte("streamgauge\x00engine")) {
				return pid
			}
		}
	}
	s.t.Fatal("no child of the server is called `streamgauge engine`")
	return 0
}

// sql runs a query through the server, which flushes its logs first, and scans the rows as texts.
func (s *server) sql(query string) [][]string {
	s.t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query, "format": "csv"})
	var last error
	for end := time.Now().Add(3 * readTimeout); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		resp, err := http.Post(s.url+"/v1/sql", "application/json", bytes.NewReader(body))
		if err != nil {
			last = err
			continue
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode >= 500 {
			last = fmt.Errorf("%s: %s %v", resp.Status, b, err)
			continue
		}
		if resp.StatusCode != http.StatusOK {
			s.t.Fatalf("%s: %s: %s", query, resp.Status, b)
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		var rows [][]string
		for _, l := range lines[1:] {
			rows = append(rows, strings.Split(strings.ReplaceAll(l, `"`, ""), ","))
		}
		return rows
	}
	s.t.Fatalf("%s: %v", query, last)
	return nil
}

// engineNumber asks the engine itself, as the user that may do anything, for settings that readers cannot
// change. Ask the server first: that flushes.
func (s *server) engineNumber(query string) int64 {
	s.t.Helper()
	body := s.engineExec(query)
	n, err := strconv.ParseInt(strings.TrimSpace(body), 10, 64)
	if err != nil {
		s.t.Fatalf("%s: %s %v", query, body, err)
	}
	return n
}

// engineExec gives what the engine itself answers to a statement.
func (s *server) engineExec(query string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "credentials.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var c struct{ App string }
	if err := json.Unmarshal(b, &c); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(readTimeout); ; time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequest(http.MethodPost, s.clickhouse+"/?database=streamgauge", strings.NewReader(query))
		if err != nil {
			s.t.Fatal(err)
		}
		req.SetBasicAuth("app", c.App)
		status, body, err := roundTrip(req)
		switch {
		case status == http.StatusOK && err == nil:
			return string(body)
		case err != nil && time.Now().Before(end): // an engine that was killed is on its way back
			continue
		}
		s.t.Fatalf("%s: %d %s %v", query, status, body, err)
	}
}

func (s *server) number(query string) int64 {
	s.t.Helper()
	rows := s.sql(query)
	if len(rows) != 1 {
		s.t.Fatalf("%s: %d rows", query, len(rows))
	}
	n, err := strconv.ParseInt(rows[0][0], 10, 64)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// post sends one request and gives status and body; the error is the transport's.
func post(ctx context.Context, url, path string, body any) (int, []byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+path, bytes.NewReader(b))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return roundTrip(req)
}

func get(ctx context.Context, url, path string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		return 0, nil, err
	}
	return roundTrip(req)
}

func roundTrip(req *http.Request) (int, []byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}
