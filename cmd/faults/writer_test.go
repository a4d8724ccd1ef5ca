package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const (
	writerEnv      = "STREAMGAUGE_FAULT_WRITER"
	pointsPerBatch = 50
	keysPerRun     = 5
	requestTimeout = 30 * time.Second
)

// ack is one line of a writer's journal: what the server has acknowledged.
type ack struct {
	Run    string `json:"run"`
	Steps  int64  `json:"steps,omitempty"` // all steps below this are acknowledged, for every key
	Param  string `json:"param,omitempty"`
	Tag    string `json:"tag,omitempty"`
	Value  string `json:"value,omitempty"`
	Missed string `json:"missed,omitempty"` // an acknowledged write that a read did not show
}

func TestMain(m *testing.M) {
	if target := os.Getenv(writerEnv); target != "" {
		if err := write(target, os.Getenv(writerEnv+"_JOURNAL")); err != nil {
			fmt.Fprintln(os.Stderr, "writer:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// discard is the journal of a writer that needs none.
var discard = json.NewEncoder(io.Discard)

// valueAt is what every writer logs, so that anyone can check it.
func valueAt(key int, step int64) float64 { return float64(step)*1.25 + float64(key)*1e6 }

// write logs to one run until it is told to stop, repeating every request until it is acknowledged, and
// reads its own writes back.
func write(target, journal string) error {
	f, err := os.Create(journal)
	if err != nil {
		return err
	}
	defer f.Close()
	w := &writer{url: target, out: json.NewEncoder(f)}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	if w.run, err = w.createRun(); err != nil {
		return err
	}
	for n := int64(0); stop.Err() == nil; n++ {
		if err := w.round(n); err != nil {
			return err
		}
	}
	return nil
}

type writer struct {
	url   string
	run   string
	steps int64
	out   *json.Encoder
}

// insist repeats a request until the server acknowledges it; a refusal is an error of this test.
func (w *writer) insist(path string, body any) ([]byte, error) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		status, b, err := post(ctx, w.url, path, body)
		cancel()
		switch {
		case err != nil || status >= 500 || status == http.StatusTooManyRequests:
			time.Sleep(20 * time.Millisecond)
		case status != http.StatusOK:
			return nil, fmt.Errorf("%s: %d %s", path, status, b)
		default:
			return b, nil
		}
	}
}

func (w *writer) createRun() (string, error) {
	b, err := w.insist("/api/2.0/mlflow/runs/create", map[string]any{"experiment_id": "0", "start_time": time.Now().UnixMilli()})
	if err != nil {
		return "", err
	}
	var answer struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return "", err
	}
	return answer.Run.Info.RunID, w.out.Encode(ack{Run: answer.Run.Info.RunID})
}

// round logs one batch of points, now and then a param and a tag, and reads back what it wrote.
func (w *writer) round(n int64) error {
	type metric struct {
		Key       string  `json:"key"`
		Value     float64 `json:"value"`
		Timestamp int64   `json:"timestamp"`
		Step      int64   `json:"step"`
	}
	var metrics []metric
	for i := range int64(pointsPerBatch / keysPerRun) {
		for k := range keysPerRun {
			step := w.steps + i
			metrics = append(metrics, metric{Key: fmt.Sprintf("k%d", k), Value: valueAt(k, step), Timestamp: 1_700_000_000_000 + step, Step: step})
		}
	}
	if _, err := w.insist("/api/2.0/mlflow/runs/log-batch", map[string]any{"run_id": w.run, "metrics": metrics}); err != nil {
		return err
	}
	w.steps += pointsPerBatch / keysPerRun
	if err := w.out.Encode(ack{Run: w.run, Steps: w.steps}); err != nil {
		return err
	}
	if n%7 == 0 {
		if err := w.describe(n); err != nil {
			return err
		}
	}
	return w.readBack(n)
}

func (w *writer) describe(n int64) error {
	name, value := fmt.Sprintf("p%d", n), fmt.Sprint(n*n)
	if _, err := w.insist("/api/2.0/mlflow/runs/log-parameter", map[string]any{"run_id": w.run, "key": name, "value": value}); err != nil {
		return err
	}
	if err := w.out.Encode(ack{Run: w.run, Param: name, Value: value}); err != nil {
		return err
	}
	if _, err := w.insist("/api/2.0/mlflow/runs/set-tag", map[string]any{"run_id": w.run, "key": "last", "value": value}); err != nil {
		return err
	}
	return w.out.Encode(ack{Run: w.run, Tag: "last", Value: value})
}

// readBack asks for the run, and now and then for the end of a history; an answer that misses an acknowledged
// write is journaled. No answer is no miss.
func (w *writer) readBack(n int64) error {
	path := "/api/2.0/mlflow/runs/get?run_id=" + w.run
	if n%5 == 0 {
		path = fmt.Sprintf("/api/2.0/mlflow/metrics/get-history?run_id=%s&metric_key=%s", w.run, url.QueryEscape("k0"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	status, b, err := get(ctx, w.url, path)
	if err != nil || status >= 500 {
		return nil
	}
	var answer struct {
		Metrics []struct{ Step int64 }
		Run     struct {
			Data struct {
				Metrics []struct{ Step int64 }
			}
		}
	}
	if status != http.StatusOK || json.Unmarshal(b, &answer) != nil {
		return fmt.Errorf("%s: %d %s", path, status, b)
	}
	greatest, seen := int64(-1), append(answer.Metrics, answer.Run.Data.Metrics...)
	for _, m := range seen {
		greatest = max(greatest, m.Step)
	}
	if complete := n%5 != 0 || int64(len(answer.Metrics)) == w.steps; greatest != w.steps-1 || !complete {
		return w.out.Encode(ack{Run: w.run, Missed: fmt.Sprintf("%s showed %d points up to step %d of %d", path, len(seen), greatest, w.steps)})
	}
	return nil
}

// writers are processes that write to a server.
type writers struct {
	t        *testing.T
	cmds     []*exec.Cmd
	journals []string
}

func startWriters(t *testing.T, target string, n int) *writers {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ws := &writers{t: t}
	for i := range n {
		journal := filepath.Join(t.TempDir(), fmt.Sprintf("journal-%d", i))
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), writerEnv+"="+target, writerEnv+"_JOURNAL="+journal)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ws.cmds, ws.journals = append(ws.cmds, cmd), append(ws.journals, journal)
	}
	t.Cleanup(func() {
		for _, c := range ws.cmds {
			_ = c.Process.Kill()
		}
	})
	return ws
}

// stop ends the writers in order and gives what they were acknowledged.
func (ws *writers) stop() map[string]*truth {
	ws.t.Helper()
	out := map[string]*truth{}
	for i, c := range ws.cmds {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			ws.t.Fatalf("writer %d: %v", i, err)
		}
		readJournal(ws.t, ws.journals[i], out)
	}
	return out
}

// truth is what one run was acknowledged.
type truth struct {
	steps  int64
	params map[string]string
	tags   map[string]string
}

func readJournal(t *testing.T, journal string, out map[string]*truth) {
	t.Helper()
	f, err := os.Open(journal)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var a ack
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		if out[a.Run] == nil {
			out[a.Run] = &truth{params: map[string]string{}, tags: map[string]string{}}
		}
		tr := out[a.Run]
		tr.steps = max(tr.steps, a.Steps)
		switch {
		case a.Missed != "":
			t.Errorf("run %s did not read its own write: %s", a.Run, a.Missed)
		case a.Param != "":
			tr.params[a.Param] = a.Value
		case a.Tag != "":
			tr.tags[a.Tag] = a.Value
		}
	}
}
