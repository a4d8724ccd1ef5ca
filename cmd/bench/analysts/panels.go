package analysts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// repeats of each statement.
	repeats = 10
	// slowest are named.
	slowest = 10
)

// wanted is the 95th percentile that is asked of a dashboard's statements, in milliseconds; of those without a name the last.
var wanted = map[string]float64{"sg-overview": 150, "sg-compare": 150, "": 500}

// panel is a line of panel_times.py.
type panel struct {
	Board string    `json:"board"`
	Panel string    `json:"panel"`
	MS    []float64 `json:"ms"`
	Rows  int       `json:"rows"`
}

// Panels asks every statement of every dashboard as Grafana would, with python and the folder of our Python library.
func (p *Place) Panels(ctx context.Context, binary, python, library string) ([]Figure, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python, filepath.Join(library, "tests", "panel_times.py"), binary, p.Data, fmt.Sprint(repeats))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ask the dashboards' statements: %w", err)
	}
	var all []panel
	for d := json.NewDecoder(&out); d.More(); {
		var one panel
		if err := d.Decode(&one); err != nil {
			return nil, fmt.Errorf("read what the dashboards' statements took: %w", err)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no statement of a dashboard was asked")
	}
	return figures(all), nil
}

func figures(all []panel) (out []Figure) {
	boards := make(map[string][]float64)
	var names []string
	for _, one := range all {
		if boards[one.Board] == nil {
			names = append(names, one.Board)
		}
		boards[one.Board] = append(boards[one.Board], one.MS...)
		boards[""] = append(boards[""], one.MS...)
	}
	for _, name := range append(names, "") {
		most, ok := wanted[name]
		if !ok {
			most = wanted[""]
		}
		work := "statements of dashboard " + name
		if name == "" {
			work = fmt.Sprintf("statements of all dashboards, %d of panels, annotations and variables, each %d times", len(all), repeats)
		}
		times := boards[name]
		out = append(out, Figure{work, fmt.Sprintf("p95 < %.0f ms", most), fmt.Sprintf("p50 %.0f ms, p95 %.0f ms", percentile(times, 50), percentile(times, 95)), "-"})
	}
	slices.SortFunc(all, func(a, b panel) int { return int(percentile(b.MS, 50)*100) - int(percentile(a.MS, 50)*100) })
	for _, one := range all[:min(slowest, len(all))] {
		_, title, _ := strings.Cut(one.Panel, " ")
		if one.Panel == "variables" {
			title = "variables"
		}
		out = append(out, Figure{fmt.Sprintf("among the slowest: %s, %s", one.Board, title), "-", fmt.Sprintf("p50 %.0f ms, p95 %.0f ms", percentile(one.MS, 50), percentile(one.MS, 95)), "-"})
	}
	return out
}

// percentile of some times; p in 0..100.
func percentile(times []float64, p int) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
