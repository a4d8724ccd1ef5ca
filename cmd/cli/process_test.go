package cli

import (
	"bytes"
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

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/engine"
)

const waitMax = 30 * time.Second

// TestMain lets the test binary be streamgauge itself, so that these tests run real processes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// process is one `streamgauge up`.
type process struct {
	dir   string
	cmd   *exec.Cmd
	out   *bytes.Buffer
	ports app.Ports
	ended chan struct{}
	// token goes with every get.
	token string
}

func upCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	lib, err := engine.FindLibrary(os.Getenv(app.EnvName("engine-lib")), []string{"../../deploy/engine"})
	if err != nil {
		t.Skipf("make engine: %v", err)
	}
	lib, err = filepath.Abs(lib)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"up", "--data", dir, "--engine-lib", lib}
	for _, f := range []string{"listen", "nats-listen", "clickhouse-listen", "clickhouse-http-listen"} {
		all = append(all, "--"+f, "127.0.0.1:0")
	}
	return exec.Command(os.Args[0], append(all, args...)...)
}

func up(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{dir: dir, cmd: upCommand(t, dir, args...), out: new(bytes.Buffer), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	// What a server before wrote is not this one's.
	_ = os.Remove(filepath.Join(dir, "ports.json"))
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its status is looked at where it matters
		close(p.ended)
	}()
	t.Cleanup(func() { p.stop(t) })
	eventually(t, "the server is healthy", func() bool {
		select {
		case <-p.ended:
			t.Fatalf("the server ended:\n%s", p.out)
		default:
		}
		var err error
		p.ports, err = app.ReadPorts(dir)
		if err != nil {
			return false
		}
		status, _ := p.get(t, "/health")
		return status == http.StatusOK
	})
	return p
}

func (p *process) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.ports.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	client := http.DefaultClient
	if p.ports.CertificateSHA256 != "" {
		client = &http.Client{Transport: &http.Transport{TLSClientConfig: pinned(p.ports.CertificateSHA256), DisableKeepAlives: true}}
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// stop ends the process as Ctrl-C does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGINT) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(waitMax):
		_ = p.cmd.Process.Kill()
		t.Errorf("the server did not end:\n%s", p.out)
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(waitMax); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("never came true: %s", what)
}

func TestUpServesAndEndsInOrder(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir)
	for path, want := range map[string]string{
		"/health":     "OK",
		"/version":    "3.17.2",
		"/v1/version": `"mlflow":"3.17.2"`,
		"/metrics":    "health_ok 1",
		"/nope":       `"error_code":"ENDPOINT_NOT_FOUND"`,
		"/api/2.0/mlflow/experiments/get?experiment_id=0": `"name":"Default"`,
	} {
		if _, body := p.get(t, path); !strings.Contains(body, want) {
			t.Errorf("GET %s: got %q, want %s in it", path, body, want)
		}
	}
	if status, out, errOut := command("connect", "--data", dir); status != 0 || !strings.Contains(out, p.ports.NATS) {
		t.Errorf("connect: %d %s%s", status, out, errOut)
	}
	p.stop(t)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("status %d after Ctrl-C, want 0:\n%s", code, p.out)
	}
	if _, err := os.Stat(filepath.Join(dir, "ports.json")); err == nil {
		t.Error("ports.json is still there")
	}
	if status, _, errOut := command("connect", "--data", dir); status == 0 || !strings.Contains(errOut, "streamgauge up") {
		t.Errorf("connect without a server: %d %s", status, errOut)
	}
}

func TestASecondUpIsRefused(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir)
	_, port, err := net.SplitHostPort(p.ports.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(p.cmd.Process.Pid)
	for _, tt := range []struct {
		name, dir string
		args      []string
		want      []string
	}{
		{"the same folder", dir, nil, []string{dir, "process id " + pid, "--data"}},
		{"the same port", t.TempDir(), []string{"--listen", "127.0.0.1:" + port}, []string{port, "process id " + pid, "--listen"}},
		{"an address that others can reach", t.TempDir(), []string{"--listen", "0.0.0.0:0"}, []string{"--listen", "loopback"}},
		{"a folder that cannot be made", filepath.Join(os.Args[0], "x"), nil, []string{"data folder", "--data"}},
		{"no engine", t.TempDir(), []string{"--engine-lib", "/nowhere/libchdb.so"}, []string{"/nowhere/libchdb.so", "--engine-lib"}},
	} {
		out, err := upCommand(t, tt.dir, tt.args...).CombinedOutput()
		if err == nil {
			t.Errorf("%s: status 0", tt.name)
		}
		if lines := strings.Count(strings.TrimSpace(string(out)), "\n") + 1; lines != 1 {
			t.Errorf("%s: %d lines, want one:\n%s", tt.name, lines, out)
		}
		for _, w := range tt.want {
			if !strings.Contains(string(out), w) {
				t.Errorf("%s: %q does not say %s", tt.name, out, w)
			}
		}
	}
	if status, _ := p.get(t, "/health"); status != http.StatusOK {
		t.Error("the first server suffered")
	}
}

func TestKilledServerStartsAgainWithoutHelp(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir)
	run := createRun(t, p)
	for range 2 {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.ended
		p = up(t, dir)
		status, body := p.get(t, "/api/2.0/mlflow/runs/get?run_id="+run)
		if status != http.StatusOK || !strings.Contains(body, `"loss"`) {
			t.Fatalf("the run is not whole after kill -9: %d %s", status, body)
		}
	}
	status, out, errOut := command("show", run[:10], "--url", "http://"+p.ports.HTTP)
	if status != 0 || !strings.Contains(out, "loss") || !strings.Contains(out, "0.5") {
		t.Errorf("show: %d %s%s", status, out, errOut)
	}
	status, out, errOut = command("sql", "SELECT count() AS n FROM points WHERE run > 0", "--url", "http://"+p.ports.HTTP)
	if status != 0 || out != "n\n1\n" {
		t.Errorf("sql: %d %q %s", status, out, errOut)
	}
}

func createRun(t *testing.T, p *process) string {
	t.Helper()
	var created struct{ Run run }
	post(t, p, "/api/2.0/mlflow/runs/create", `{"experiment_id": "0", "start_time": 1}`, &created)
	post(t, p, "/api/2.0/mlflow/runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "loss", "value": 0.5, "timestamp": 1}`, created.Run.Info.ID), nil)
	return created.Run.Info.ID
}

func post(t *testing.T, p *process, path, body string, out any) {
	t.Helper()
	resp, err := http.Post("http://"+p.ports.HTTP+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s %s %v", path, resp.Status, b, err)
	}
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			t.Fatal(err)
		}
	}
}
