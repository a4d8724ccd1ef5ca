package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/cmd/engine"
)

const waitMax = 30 * time.Second

// TestMain lets the test binary be the engine's child and the parent that is killed: both are this program.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "engine" && os.Args[2] == "run" {
		a := map[string]string{}
		for i := 3; i+1 < len(os.Args); i += 2 {
			a[os.Args[i]] = os.Args[i+1]
		}
		o := engine.Options{Dir: a["--dir"], Listen: a["--listen"], HTTPListen: a["--http-listen"], Library: a["--library"]}
		if err := engine.Run(o, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text := os.Getenv("ENGINE_TEST_PARENT"); text != "" {
		os.Exit(parent(text))
	}
	os.Exit(m.Run())
}

// parent supervises an engine until it is killed, and says its child's process id once it serves.
func parent(options string) int {
	var o engine.Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return 2
	}
	s, err := engine.Start(context.Background(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.PID())
	select {}
}

func options(t *testing.T) engine.Options {
	t.Helper()
	lib, err := engine.FindLibrary(os.Getenv("STREAMGAUGE_ENGINE_LIB"), []string{"../../deploy/engine"})
	if err != nil {
		t.Skipf("make engine: %v", err)
	}
	o := engine.Options{Dir: t.TempDir(), Library: lib}
	for _, p := range []*string{&o.Listen, &o.HTTPListen} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		*p = l.Addr().String()
	}
	return o
}

func start(t *testing.T, o engine.Options) *engine.Supervisor {
	t.Helper()
	return startLogged(t, o, slog.New(slog.DiscardHandler))
}

func startLogged(t *testing.T, o engine.Options, log *slog.Logger) *engine.Supervisor {
	t.Helper()
	s, err := engine.Start(context.Background(), o, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func query(t *testing.T, o engine.Options, user, password, q string) (string, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+o.HTTPListen+"/", strings.NewReader(q))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", user)
	req.Header.Set("X-ClickHouse-Key", password)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", b)
	}
	return strings.TrimSpace(string(b)), err
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

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) == nil
	}
	// A killed orphan may wait as a zombie for whoever inherited it.
	return !strings.Contains(string(b), ") Z ")
}

func TestDataOutlivesADeadEngine(t *testing.T) {
	o := options(t)
	var said spoken
	s := startLogged(t, o, slog.New(slog.NewTextHandler(&said, nil)))
	c := s.Credentials()
	for _, q := range []string{
		"CREATE DATABASE streamgauge",
		"CREATE TABLE streamgauge.t (x Int64) ENGINE = MergeTree ORDER BY x",
		"INSERT INTO streamgauge.t VALUES (7)",
	} {
		if _, err := query(t, o, engine.AppUser, c.App, q); err != nil {
			t.Fatal(err)
		}
	}
	pid := s.PID()
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && !strings.HasPrefix(string(b), "streamgauge\x00engine\x00") {
		t.Errorf("the child's name is %q; want streamgauge engine", b)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another engine serves", func() bool { return s.PID() != pid && s.Status() == nil })
	if got, err := query(t, o, engine.AppUser, c.App, "SELECT x FROM streamgauge.t"); err != nil || got != "7" {
		t.Errorf("got %q, %v; want the row that was inserted", got, err)
	}
	if s.Restarts() == 0 {
		t.Error("no restart was counted")
	}
	if got := said.String(); !strings.Contains(got, "signal: killed") || strings.Contains(got, "Logging") {
		t.Errorf("the log gives a reason that is none: %s", got)
	}
}

// spoken is a log that is read while it is written.
type spoken struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestAStoppedEngineIsLeftAlone(t *testing.T) {
	o := options(t)
	s := start(t, o)
	pid := s.PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "status says that it does not answer", func() bool { return s.Status() != nil })
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it serves again", func() bool { return s.Status() == nil })
	if s.PID() != pid {
		t.Error("the engine was replaced while it was only slow")
	}
}

func TestUsersMayDoWhatTheyMust(t *testing.T) {
	o := options(t)
	c := start(t, o).Credentials()
	for _, q := range []string{
		"CREATE DATABASE streamgauge",
		"CREATE TABLE streamgauge.t (x Int64) ENGINE = MergeTree ORDER BY x",
		"CREATE DATABASE sg",
		"CREATE VIEW sg.v DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT * FROM streamgauge.t",
		"CREATE DATABASE other",
		"CREATE TABLE other.t (x Int64) ENGINE = MergeTree ORDER BY x",
	} {
		if _, err := query(t, o, engine.AppUser, c.App, q); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, user, query string
		allowed           bool
	}{
		{"reader reads our tables", engine.ReaderUser, "SELECT count() FROM streamgauge.t", true},
		{"reader sees how large they are", engine.ReaderUser, "SELECT count() FROM system.parts WHERE database = 'streamgauge'", true},
		{"reader makes rows up", engine.ReaderUser, "SELECT * FROM numbers(1000) FORMAT Null", true},
		{"reader sets the time limit as Grafana does", engine.ReaderUser, "SELECT 1 SETTINGS max_execution_time = 30", true},
		{"reader does not lift the time limit", engine.ReaderUser, "SELECT 1 SETTINGS max_execution_time = 3600", false},
		{"reader does not lift the memory limit", engine.ReaderUser, "SELECT 1 SETTINGS max_memory_usage = 0", false},
		{"reader writes nothing", engine.ReaderUser, "INSERT INTO streamgauge.t VALUES (1)", false},
		{"reader sees no other database", engine.ReaderUser, "SELECT * FROM other.t", false},
		{"reader opens no address", engine.ReaderUser, "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'x String')", false},
		{"reader opens no file", engine.ReaderUser, "SELECT * FROM file('/etc/passwd', CSV, 'x String')", false},
		{"reader stays within its result rows", engine.ReaderUser, "SELECT * FROM numbers(20100000) FORMAT RowBinary", false},
		{"reader calls no function that opens files", engine.ReaderUser, "SELECT file('/etc/passwd')", false},
		{"reader calls none inside another", engine.ReaderUser, "SELECT arrayMap(file, ['/etc/passwd'])", false},
		{"reader calls none with a default", engine.ReaderUser, "SELECT file('/etc/passwd', '')", false},
		{"reader reads the views", engine.ReaderUser, "SELECT count() FROM sg.v", true},
		{"the confined read the views", engine.ConfinedUser, "SELECT count() FROM sg.v", true},
		{"the confined read none of our tables", engine.ConfinedUser, "SELECT count() FROM streamgauge.t", false},
		{"the confined do not move conditions", engine.ConfinedUser, "SELECT 1 SETTINGS query_plan_enable_optimizations = 1", false},
		{"default calls no function that opens files", "default", "SELECT file('/etc/passwd')", false},
		{"default calls none by the old analyzer", "default", "SELECT file('/etc/passwd') SETTINGS enable_analyzer = 0", false},
		{"default drops no function", "default", "DROP FUNCTION file", false},
		{"default reads no view", "default", "SELECT * FROM sg.v", false},
		{"default reads none of our tables", "default", "SELECT * FROM streamgauge.t", false},
		{"default opens no file", "default", "SELECT * FROM file('/etc/passwd', CSV, 'x String')", false},
	} {
		password := map[string]string{engine.ReaderUser: c.Reader, engine.ConfinedUser: c.Confined}[tt.user]
		if got, err := query(t, o, tt.user, password, tt.query); (err == nil) != tt.allowed {
			t.Errorf("%s: got %q, %v", tt.name, got, err)
		}
	}
	if _, err := query(t, o, engine.AppUser, "wrong", "SELECT 1"); err == nil {
		t.Error("app logged in with a wrong password")
	}
	for _, f := range []string{engine.CredentialsFile, "clickhouse/users.xml"} {
		if info, err := os.Stat(filepath.Join(o.Dir, f)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", f, info.Mode(), err)
		}
	}
}

func TestTheEngineEndsWhenItsParentIsKilled(t *testing.T) {
	o := options(t)
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start needs no help
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ENGINE_TEST_PARENT="+string(b))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		if _, err := fmt.Fscan(out, &pid); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		eventually(t, "the engine is gone", func() bool { return !alive(pid) })
		t.Logf("gone after %v", time.Since(killed).Round(time.Millisecond))
	}
}

func TestDataOfAnotherVersionIsRefused(t *testing.T) {
	o := options(t)
	if err := os.MkdirAll(o.Folder(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Folder(), "version"), []byte("27.1.1.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Start(context.Background(), o, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "27.1.1.1") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v; want one line that names the version of the data", err)
	}
}

func TestAnEngineThatCannotListenSaysSo(t *testing.T) {
	o := options(t)
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := engine.Start(context.Background(), o, slog.New(slog.DiscardHandler)); err == nil {
		t.Fatal("an engine whose port is taken was called ready")
	}
}

func TestPasswordsOfAnOlderFolderAreCompleted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, engine.CredentialsFile), []byte(`{"app": "A", "reader": "R"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := engine.LoadCredentials(dir)
	if err != nil || first.App != "A" || first.Reader != "R" || first.Confined == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := engine.LoadCredentials(dir); err != nil || again != first {
		t.Errorf("then %+v, %v", again, err)
	}
}
