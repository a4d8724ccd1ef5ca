package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/streamgauge/streamgauge/cmd/bench/analysts"
)

const (
	startTimeout = 90 * time.Second
	stopTimeout  = 15 * time.Second
	// settleTime: MLflow's server answers before its job workers have started, and they take both cores.
	settleTime = 12 * time.Second
	// idleMax is less than the 5 s after which MLflow's server closes a kept connection: a POST on one that it has
	// closed fails.
	idleMax      = 2 * time.Second
	ticksASecond = 100 // USER_HZ of every Linux that Go supports
)

// target is a server under measurement.
type target struct {
	url    string
	cmd    *exec.Cmd
	dir    string
	client *fasthttp.Client
	// temporary is a folder that goes with the server, if there is one.
	temporary string
}

// bench holds the servers, started when first needed, and the figures so far.
type bench struct {
	options
	figures  []figure
	ours     *target
	theirs   *target
	oursDirs string
	// historian is the server that has a history for analysts.
	historian     *target
	historianData string
	history       *analysts.Place
}

func (b *bench) close() {
	b.ours.stop()
	b.theirs.stop()
	b.history.Close()
	b.historian.stop()
	if b.theirs != nil {
		_ = os.RemoveAll(b.theirs.dir)
	}
	if b.oursDirs != "" {
		_ = os.RemoveAll(b.oursDirs)
	}
}

func (b *bench) add(work, want, ours, reference string) {
	b.figures = append(b.figures, figure{work, want, ours, reference})
	fmt.Fprintf(os.Stderr, "  %s: wanted %s, is %s (MLflow %s)\n", work, want, ours, reference)
}

// streamgauge gives our server, started on a fresh folder if it does not run.
func (b *bench) streamgauge() (*target, error) {
	if b.ours != nil {
		return b.ours, nil
	}
	if b.oursDirs == "" {
		dir, err := os.MkdirTemp("", "streamgauge-bench-")
		if err != nil {
			return nil, err
		}
		b.oursDirs = dir
	}
	var err error
	b.ours, err = b.up(b.oursDirs)
	return b.ours, err
}

// another gives a server of its own on a fresh data folder, which goes with it.
func (b *bench) another(extra ...string) (t *target, data string, err error) {
	dir, err := os.MkdirTemp("", "streamgauge-bench-")
	if err != nil {
		return nil, "", err
	}
	t, err = b.up(dir, extra...)
	if err != nil {
		return nil, "", errors.Join(err, os.RemoveAll(dir))
	}
	t.temporary = dir
	return t, filepath.Join(dir, "data"), nil
}

func (b *bench) up(dir string, extra ...string) (*target, error) {
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	return start(ports[0], dir, b.bin, append([]string{"up", "--data", filepath.Join(dir, "data"),
		"--listen", "127.0.0.1:" + ports[0], "--nats-listen", "127.0.0.1:" + ports[1],
		"--clickhouse-listen", "127.0.0.1:" + ports[2], "--clickhouse-http-listen", "127.0.0.1:" + ports[3]}, extra...)...)
}

// reference gives MLflow's own server, or nil if there is none.
func (b *bench) reference() (*target, error) {
	if b.theirs != nil || b.mlflow == "" {
		return b.theirs, nil
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mlflow-bench-")
	if err != nil {
		return nil, err
	}
	b.theirs, err = start(ports[0], dir, b.mlflow, "server", "--host", "127.0.0.1", "--port", ports[0], "--workers", "1",
		"--backend-store-uri", "sqlite:///"+filepath.Join(dir, "mlflow.db"), "--default-artifact-root", filepath.Join(dir, "artifacts"),
		"--artifacts-destination", filepath.Join(dir, "proxied"))
	if err == nil {
		time.Sleep(settleTime)
	}
	return b.theirs, err
}

func freePorts(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		out = append(out, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return out, nil
}

func start(port, dir, bin string, args ...string) (*target, error) {
	t := &target{url: "http://127.0.0.1:" + port, dir: dir, client: &fasthttp.Client{MaxConnsPerHost: 64, ReadBufferSize: 64 << 10, ReadTimeout: time.Minute, MaxIdleConnDuration: idleMax}}
	t.cmd = exec.Command(bin, args...)
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.Create(filepath.Join(dir, filepath.Base(bin)+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	t.cmd.Stdout, t.cmd.Stderr = log, log
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", bin, err)
	}
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if status, _, err := t.get("/health"); err == nil && status == fasthttp.StatusOK {
			return t, nil
		}
	}
	t.stop()
	b, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s is not healthy after %v: %s", bin, startTimeout, b[max(0, len(b)-2000):])
}

// stop ends the server in order, then its group.
func (t *target) stop() {
	if t == nil || t.cmd.Process == nil {
		return
	}
	done := make(chan struct{})
	go func() { _ = t.cmd.Wait(); close(done) }()
	_ = t.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(stopTimeout):
	}
	_ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL)
	if t.temporary != "" {
		_ = os.RemoveAll(t.temporary)
	}
}

func (t *target) get(path string) (int, []byte, error) { return t.do(fasthttp.MethodGet, path, nil) }

func (t *target) post(path string, body []byte) (int, []byte, error) {
	return t.do(fasthttp.MethodPost, path, body)
}

func (t *target) do(method, path string, body []byte) (int, []byte, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(t.url + path)
	req.Header.SetMethod(method)
	if body != nil {
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(body)
	}
	err := t.client.Do(req, resp)
	if errors.Is(err, fasthttp.ErrConnectionClosed) { // a kept connection that the server has closed meanwhile
		err = t.client.Do(req, resp)
	}
	if err != nil {
		return 0, nil, err
	}
	return resp.StatusCode(), bytes.Clone(resp.Body()), nil
}

// must posts and wants 200.
func (t *target) must(path string, body []byte) ([]byte, error) {
	status, b, err := t.post(path, body)
	return b, wantOK(path, status, b, err)
}

func (t *target) mustGet(path string) ([]byte, error) {
	status, b, err := t.get(path)
	return b, wantOK(path, status, b, err)
}

func wantOK(path string, status int, body []byte, err error) error {
	if err == nil && status != fasthttp.StatusOK {
		err = fmt.Errorf("%s: %d %.300s", path, status, body)
	}
	return err
}

// group lists the processes of the server's process group.
func (t *target) group() []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var pids []int
	for _, f := range stats {
		fields := statFields(f)
		if len(fields) > 2 && fields[2] == strconv.Itoa(t.cmd.Process.Pid) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// statFields are the fields of /proc/<pid>/stat from the state on (proc(5)).
func statFields(name string) []string {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.Fields(rest)
}

// rss is the resident memory of the whole group in bytes.
func (t *target) rss() int64 {
	sum := int64(0)
	for _, pid := range t.group() {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if f := strings.Fields(string(b)); len(f) > 1 {
			pages, _ := strconv.ParseInt(f[1], 10, 64)
			sum += pages * int64(os.Getpagesize())
		}
	}
	return sum
}

// cpu is the processor time of the whole group so far.
func (t *target) cpu() time.Duration { return cpuOf(t.group()) }

// engineCPU is the processor time of the server's children so far.
func (t *target) engineCPU() time.Duration {
	return cpuOf(slices.DeleteFunc(t.group(), func(pid int) bool { return pid == t.cmd.Process.Pid }))
}

func cpuOf(pids []int) time.Duration {
	ticks := int64(0)
	for _, pid := range pids {
		if f := statFields(fmt.Sprintf("/proc/%d/stat", pid)); len(f) > 12 {
			user, _ := strconv.ParseInt(f[11], 10, 64)
			system, _ := strconv.ParseInt(f[12], 10, 64)
			ticks += user + system
		}
	}
	return time.Duration(ticks) * time.Second / ticksASecond
}
