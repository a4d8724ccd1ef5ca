package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/kafkatest"
)

// wholeRun is a training from start to end.
const wholeRun = `
import streamgauge
run = streamgauge.init(project="far", name="away", config={"lr": 0.5, "model": {"depth": 3}}, tags={"team": "x"})
for step in range(1000):
    run.log({"loss": 1 / (step + 1), "acc": float(step)}, step=step)
run.log({"note": "a text"}, step=3)
run._append_artifact("a.txt", b"content", "text/plain")
run.summary["best"] = 0.25
run.finish()
assert run.stats()["acknowledged"] == run.stats()["accepted"] >= 2000, run.stats()
print(run.id)
`

// train runs a program that has the Python library and reaches nothing but address. It gives the run's id, "" after an error.
func train(t *testing.T, folder, address, token, program string) string {
	t.Helper()
	cmd := exec.Command("python3", "-c", program)
	cmd.Env = jobEnv(t, folder, address, token)
	out, err := cmd.CombinedOutput()
	if err != nil {
		log, _ := filepath.Glob(filepath.Join(folder, "*.log"))
		said := ""
		for _, path := range log {
			b, _ := os.ReadFile(path)
			said += string(b)
		}
		t.Errorf("the training: %v\n%s\nagent:\n%s", err, out, said)
		return ""
	}
	lines := strings.Fields(string(out))
	return lines[len(lines)-1]
}

func jobEnv(t *testing.T, folder, address, token string) []string {
	t.Helper()
	src, err := filepath.Abs("../../clients/python/src")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "PYTHONPATH=" + src, "STREAMGAUGE_DIR=" + folder,
		"STREAMGAUGE_URL=" + address, "STREAMGAUGE_AGENT=" + testBinary(t), "STREAMGAUGE_QUIET=1", "STREAMGAUGE_FINISH_SECONDS=60",
		"STREAMGAUGE_SYSTEM=0", "STREAMGAUGE_CONSOLE=0", "STREAMGAUGE_SOURCE=0",
	}
	if token != "" {
		env = append(env, "STREAMGAUGE_TOKEN="+token)
	}
	return env
}

func testBinary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// wantWholeRun looks for the run of wholeRun at the server.
func wantWholeRun(t *testing.T, p *process, run string) {
	t.Helper()
	var a struct {
		Run struct {
			Info struct{ Status string }
			Data struct {
				Params, Tags []struct{ Key, Value string }
				Metrics      []struct {
					Key   string
					Value float64
					Step  json.Number
				}
			}
		}
	}
	eventually(t, "the run is finished", func() bool {
		status, body := p.get(t, "/api/2.0/mlflow/runs/get?run_id="+run)
		return status == http.StatusOK && json.Unmarshal([]byte(body), &a) == nil && a.Run.Info.Status == "FINISHED"
	})
	got := make(map[string]string)
	for _, e := range append(a.Run.Data.Params, a.Run.Data.Tags...) {
		got[e.Key] = e.Value
	}
	for _, m := range a.Run.Data.Metrics {
		got[m.Key] = fmt.Sprint(m.Value)
	}
	for key, want := range map[string]string{"lr": "0.5", "model.depth": "3", "team": "x", "acc": "999", "loss": "0.001", "best": "0.25"} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	status, body := p.get(t, "/api/2.0/mlflow/metrics/get-history?"+url.Values{"run_id": {run}, "metric_key": {"acc"}, "max_results": {"25000"}}.Encode())
	if n := strings.Count(body, `"step"`); status != http.StatusOK || n != 1000 {
		t.Errorf("history: status %d, %d points", status, n)
	}
}

// agents ends the agents that trainings have started in a folder.
func agents(t *testing.T, folder string) {
	t.Cleanup(func() {
		for _, pid := range holders(t, folder) {
			_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended
		}
	})
}

// holders are the processes whose command line names a folder.
func holders(t *testing.T, folder string) []int {
	t.Helper()
	var pids []int
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well
	for _, path := range found {
		b, _ := os.ReadFile(path)
		if args := strings.Split(string(b), "\x00"); len(args) > 3 && args[1] == "agent" && strings.Contains(string(b), folder) {
			var pid int
			if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func TestAJobThatReachesOnlyNATSCompletesARun(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	reader, job := runToken(t, data, "--role", "read"), runToken(t, data, "--role", "write")
	p := up(t, data)
	p.token = reader
	folder := t.TempDir()
	agents(t, folder)
	checkStranger(t, p.ports.NATSURL())
	run := train(t, folder, p.ports.NATSURL(), job, wholeRun)
	if run == "" {
		t.FailNow()
	}
	wantWholeRun(t, p, run)
	// The file waits for HTTP, and nothing else does.
	eventually(t, "the segments are gone", func() bool {
		left, _ := filepath.Glob(filepath.Join(folder, "*", "*.seg")) // the pattern is well
		return len(left) == 0
	})
	writer := runToken(t, data, "--role", "write")
	checkSync(t, folder, writer, "--nats="+strings.TrimPrefix(p.ports.NATSURL(), "nats://"), false)
	checkSync(t, folder, writer, "--url="+p.ports.URL(), true)
	if left, _ := filepath.Glob(filepath.Join(folder, "*", "spool.json")); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	status, body := p.get(t, "/get-artifact?"+url.Values{"path": {"a.txt"}, "run_id": {run}}.Encode())
	if status != http.StatusOK || body != "content" {
		t.Errorf("the file: status %d, %q", status, body)
	}
}

// checkStranger wants sync with a token of nobody to say what is wrong.
func checkStranger(t *testing.T, address string) {
	t.Helper()
	folder := t.TempDir()
	if train(t, folder, address, "", `import streamgauge as s; r = s.init(mode="offline"); r.log({"a": 1.0}); r.finish(); print(r.id)`) == "" {
		t.FailNow()
	}
	cmd := exec.Command(os.Args[0], "sync", folder, "--nats="+address, "--wait=2s")
	cmd.Env = append(os.Environ(), "STREAMGAUGE_TOKEN=sg_of_nobody")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "Authorization") {
		t.Errorf("a wrong token: %v\n%s", err, out)
	}
}

// checkSync wants sync to send everything, or to name what stays.
func checkSync(t *testing.T, folder, token, to string, well bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "sync", folder, to)
	cmd.Env = append(os.Environ(), "STREAMGAUGE_TOKEN="+token)
	out, err := cmd.CombinedOutput()
	if (err == nil) != well || well == strings.Contains(string(out), "1 files for the run's artifacts stay") {
		t.Errorf("sync %s: %v\n%s", to, err, out)
	}
}

// runToken makes a token in a data folder.
func runToken(t *testing.T, data string, flags ...string) string {
	t.Helper()
	out, err := exec.Command(os.Args[0], append([]string{"token", "create", "--data", data}, flags...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestAJobThatReachesOnlyKafkaCompletesARun(t *testing.T) {
	broker := kafkatest.Fresh(t)
	p := up(t, filepath.Join(t.TempDir(), "data"), "--kafka", broker.Addr, "--lanes", "2")
	folder := t.TempDir()
	agents(t, folder)
	run := train(t, folder, "kafka://"+broker.Addr, "", wholeRun)
	if run == "" {
		t.FailNow()
	}
	wantWholeRun(t, p, run)
}

// waitingRun logs half of a run, and the rest when a file is there.
const waitingRun = `
import os, time, streamgauge
run = streamgauge.init(project="far", config={"lr": 0.5, "model": {"depth": 3}}, tags={"team": "x"})
for step in range(1000):
    run.log({"loss": 1 / (step + 1), "acc": float(step)}, step=step)
    while step == 500 and not os.path.exists(os.environ["STREAMGAUGE_DIR"] + "/go"):
        time.sleep(0.01)
run.summary["best"] = 0.25
run.finish()
print(run.id)
`

func TestAnAgentThatIsKilledOverNATSLosesAndDoublesNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are found in /proc")
	}
	p := up(t, filepath.Join(t.TempDir(), "data"), "--lanes", "4")
	folder := t.TempDir()
	agents(t, folder)
	done := make(chan string, 1)
	go func() { done <- train(t, folder, p.ports.NATSURL(), "", waitingRun) }()
	killed := make(map[int]bool)
	eventually(t, "three agents were killed", func() bool {
		for _, pid := range holders(t, folder) {
			if !killed[pid] {
				killed[pid] = syscall.Kill(pid, syscall.SIGKILL) == nil
			}
		}
		return len(killed) >= 3
	})
	if err := os.WriteFile(filepath.Join(folder, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run := <-done
	if run == "" {
		t.FailNow()
	}
	wantWholeRun(t, p, run)
}
