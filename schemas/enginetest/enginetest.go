// Package enginetest gives tests a real ClickHouse engine.
//
// One engine serves all tests of a process; it listens on free ports of loopback, keeps its tables in a
// temporary folder, and ends with the process, whatever way that ends: the engine watches a pipe that only
// the test process holds open. Tests that need tables of their own take an engine of their own with Fresh.
package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// startTimeout is generous: a library of 500 MB may have to be read from a busy disk first.
	startTimeout = 60 * time.Second
	// startTries: a free port may be taken by another process before the engine opens it.
	startTries = 3
	stopWait   = 10 * time.Second
	// lastWords are the bytes of the engine's messages that a failed test shows.
	lastWords = 2000
)

// Engine is a running ClickHouse. It implements the client that migrations need.
type Engine struct {
	// Addr is host:port of the native protocol, HTTPAddr of HTTP.
	Addr, HTTPAddr string
	// User has all rights; the user "reader" only reads the database streamgauge.
	User, Password string
	ReaderPassword string
	// ConfinedPassword is that of the user "confined", which has the views alone.
	ConfinedPassword string

	stdin  io.Closer
	ended  chan struct{}
	errOut *strings.Builder
}

var shared struct {
	sync.Once
	engine *Engine
	err    error
}

// Start gives the engine that all tests of the process share, started at the first call. The test is
// skipped if the binary or the engine's library is not there.
func Start(t testing.TB) *Engine {
	t.Helper()
	bin, lib := locate(t)
	shared.Do(func() { shared.engine, shared.err = start(bin, lib) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.engine
}

// Fresh starts an engine of the test's own, with nothing in it, and ends it with the test.
func Fresh(t testing.TB) *Engine { return fresh(t) }

// WithUsers is Fresh with further users, in the XML of ClickHouse's users.xml.
func WithUsers(t testing.TB, users string) *Engine {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users.xml")
	if err := os.WriteFile(file, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	return fresh(t, "--more-users", file)
}

func fresh(t testing.TB, flags ...string) *Engine {
	t.Helper()
	bin, lib := locate(t)
	e, err := start(bin, lib, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		died := e.hasEnded()
		e.stop()
		if t.Failed() && e.hasEnded() {
			t.Logf("the engine had ended by itself: %v; its last words: %s", died, lastOf(e.errOut.String(), lastWords))
		}
	})
	return e
}

func (e *Engine) hasEnded() bool {
	select {
	case <-e.ended:
		return true
	default:
		return false
	}
}

func lastOf(text string, n int) string { return text[max(0, len(text)-n):] }

func (e *Engine) stop() {
	_ = e.stdin.Close() // its end is the engine's sign to go
	select {
	case <-e.ended:
	case <-time.After(stopWait):
	}
}

// Exec runs a statement as the user with all rights.
func (e *Engine) Exec(ctx context.Context, query string) error {
	_, err := e.Query(ctx, query)
	return err
}

// Scalar reads one number.
func (e *Engine) Scalar(ctx context.Context, query string) (uint64, error) {
	text, err := e.Query(ctx, query)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(text), 10, 64)
}

// Query runs a statement and gives what it answers, as tab-separated text unless it names a format.
func (e *Engine) Query(ctx context.Context, query string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.HTTPAddr+"/", strings.NewReader(query))
	if err != nil {
		return "", fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("X-ClickHouse-User", e.User)
	req.Header.Set("X-ClickHouse-Key", e.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask the engine: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("read the engine's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", query, b)
	}
	return string(b), nil
}

func locate(t testing.TB) (bin, lib string) {
	t.Helper()
	bin = os.Getenv("STREAMGAUGE_BIN")
	if bin == "" {
		bin = upwards("bin/streamgauge")
	}
	lib = os.Getenv("STREAMGAUGE_ENGINE_LIB")
	if lib == "" {
		lib = upwards(filepath.Join("deploy/engine/node_modules", library()))
	}
	for _, f := range []string{bin, lib} {
		if _, err := os.Stat(f); err != nil {
			t.Skip("the binary or the engine's library is missing: make build engine")
		}
	}
	return bin, lib
}

func library() string {
	platform := map[string]string{
		"linux/amd64": "lib-linux-x64-gnu", "linux/arm64": "lib-linux-arm64-gnu",
		"darwin/arm64": "lib-darwin-arm64", "darwin/amd64": "lib-darwin-x64",
	}[runtime.GOOS+"/"+runtime.GOARCH]
	return filepath.Join("@chdb", platform, "libchdb.so")
}

// upwards looks for a path in the working folder, which for a test is its package, and in all above.
func upwards(path string) string {
	dir, err := os.Getwd()
	for err == nil {
		name := filepath.Join(dir, path)
		if _, err := os.Stat(name); err == nil {
			return name
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return path
}

func start(bin, lib string, flags ...string) (*Engine, error) {
	var err error
	for range startTries {
		var e *Engine
		if e, err = startOnce(bin, lib, flags); err == nil {
			return e, nil
		}
	}
	return nil, err
}

func startOnce(bin, lib string, flags []string) (*Engine, error) {
	dir, err := os.MkdirTemp("", "streamgauge-engine-")
	if err != nil {
		return nil, fmt.Errorf("make the engine's folder: %w", err)
	}
	ports, err := freePorts()
	if err != nil {
		return nil, err
	}
	e := &Engine{Addr: ports[0], HTTPAddr: ports[1], User: "app", ended: make(chan struct{}), errOut: new(strings.Builder)}
	args := append([]string{"engine", "run", "--temporary", "--dir", dir, "--listen", e.Addr, "--http-listen", e.HTTPAddr, "--library", lib}, flags...)
	cmd := exec.Command(bin, args...)
	cmd.Args[0] = "streamgauge"
	cmd.Stderr = e.errOut
	if e.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("make the engine's pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	go func() {
		_ = cmd.Wait() // what it said stands in errOut
		close(e.ended)
	}()
	if err := e.ready(dir); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// ready waits until the engine answers its user.
func (e *Engine) ready(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := e.readPasswords(filepath.Join(dir, "credentials.json")); err == nil && e.Exec(ctx, "SELECT 1") == nil {
			return nil
		}
		select {
		case <-e.ended:
			return fmt.Errorf("the engine ended at its start: %s", e.errOut)
		case <-ctx.Done():
			return errors.New("the engine did not answer in time")
		case <-tick.C:
		}
	}
}

func (e *Engine) readPasswords(name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var c struct{ App, Reader, Confined string }
	if err := json.Unmarshal(b, &c); err != nil {
		return err
	}
	e.Password, e.ReaderPassword, e.ConfinedPassword = c.App, c.Reader, c.Confined
	return nil
}

func freePorts() ([2]string, error) {
	var out [2]string
	for i := range out {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return out, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		out[i] = l.Addr().String()
	}
	return out, nil
}
