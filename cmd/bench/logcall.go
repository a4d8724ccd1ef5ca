package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// logCall is a line of bench_log.py and bench_peers.py, in microseconds.
type logCall struct {
	Version string  `json:"version"`
	What    string  `json:"what"`
	Metrics int     `json:"metrics"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
}

func (c logCall) String() string {
	return fmt.Sprintf("p50 %.2f us, p99 %.2f us (%.1f x)", c.P50, c.P99, c.P99/c.P50)
}

// peers are other trackers, and how they are named.
var peers = []struct{ module, name string }{{"trackio", "Trackio"}, {"wandb", "W&B offline"}}

// measureLogCall measures what the library's log costs the training, beside the least that could be done, and other
// trackers'.
func (b *bench) measureLogCall() error {
	if b.python == "" {
		return nil
	}
	ours, err := logCalls(b.python, filepath.Join(b.library, "bench_log.py"), "--json")
	if err != nil {
		return err
	}
	theirs := make(map[int][]string)
	for _, p := range peers {
		calls, err := b.peer(p.module)
		for metrics := range ours {
			said := p.name + ": not installed"
			if call, ok := calls[metrics][p.module]; ok {
				said = fmt.Sprintf("%s %s: %v", p.name, call.Version, call)
			} else if err != nil {
				said = p.name + " failed: " + err.Error()
			}
			theirs[metrics] = append(theirs[metrics], said)
		}
	}
	for _, metrics := range []int{1, 100} {
		want := map[int]string{1: "p50 < 1.5 us, p99 < 10 x p50", 100: "p50 < 10 us, p99 < 10 x p50"}[metrics]
		for _, pace := range []string{"as fast as it goes", "20,000 calls a second"} {
			other := "only packing floats: " + ours[metrics]["reference, "+pace].String()
			if pace == "as fast as it goes" {
				other = strings.Join(append(theirs[metrics], other), "; ")
			}
			b.add(fmt.Sprintf("the library's log of %d metric(s), %s", metrics, pace), want, ours[metrics]["log, "+pace].String(), other)
		}
	}
	return nil
}

// peer measures another tracker, if it is installed.
func (b *bench) peer(module string) (map[int]map[string]logCall, error) {
	if b.peers == "" || exec.Command(b.peers, "-c", "import "+module).Run() != nil {
		return nil, nil
	}
	return logCalls(b.peers, filepath.Join(b.library, "bench_peers.py"), module)
}

// logCalls runs a script and gives its lines by number of metrics and what they are of.
func logCalls(python string, args ...string) (map[int]map[string]logCall, error) {
	cmd := exec.Command(python, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", args[0], err, errs.Bytes()[max(0, errs.Len()-1000):])
	}
	out := make(map[int]map[string]logCall)
	for _, line := range bytes.Split(text, []byte("\n")) {
		var c logCall
		if json.Unmarshal(line, &c) != nil || c.Metrics == 0 {
			continue // trackers greet on the same output
		}
		if out[c.Metrics] == nil {
			out[c.Metrics] = make(map[string]logCall)
		}
		out[c.Metrics][c.What] = c
	}
	if len(out) == 0 {
		return nil, errors.New(args[0] + " printed no figure")
	}
	return out, nil
}
