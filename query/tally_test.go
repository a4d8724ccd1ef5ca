package query_test

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

type groupsJSON struct {
	Runs   int
	More   bool
	Groups []struct {
		Value   *string
		Runs    int
		Metrics []struct {
			Runs           int
			Mean, Std, Max *float64
		}
	}
}

// tallied has ten runs, those of even numbers with adam; some are in memory only.
func tallied(t *testing.T, r *rig) {
	t.Helper()
	for i := range 10 {
		params := map[string]string{"opt": []string{"adam", "sgd"}[i%2]}
		r.put(&sgpb.Run{Id: id(i + 1), ExperimentId: "0", Params: params, Status: sgpb.RunStatus_RUN_STATUS_FINISHED}, i < 6)
		r.log(section(id(i+1), 0, "loss", [3]float64{1, 10, float64(i)}))
	}
}

func TestRunsAreGroupedInMemoryAndInClickHouse(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*rig{"in memory": newRig(t, query.HotOptions{}), "in ClickHouse": newRig(t, query.HotOptions{}).narrow(1)} {
		tallied(t, r)
		got := get[groupsJSON](r, "/v1/runs/groups", `{"experiment_ids": ["0"], "by": "params.opt", "metrics": ["loss"], "filter": "metrics.loss < 9"}`)
		if got.Runs != 9 || got.More || len(got.Groups) != 2 {
			t.Fatalf("%s: %+v", name, got)
		}
		adam, sgd := got.Groups[0], got.Groups[1]
		if *adam.Value != "adam" || adam.Runs != 5 || adam.Metrics[0].Std == nil || math.Abs(*adam.Metrics[0].Mean-4) > 1e-9 || *adam.Metrics[0].Max != 8 {
			t.Errorf("%s: adam %+v, mean %v, deviation %v, max %v", name, adam, *adam.Metrics[0].Mean, *adam.Metrics[0].Std, *adam.Metrics[0].Max)
		}
		if *sgd.Value != "sgd" || sgd.Runs != 4 || math.Abs(*sgd.Metrics[0].Mean-4) > 1e-9 || sgd.Metrics[0].Std == nil {
			t.Errorf("%s: sgd %+v", name, sgd)
		}
		all := get[groupsJSON](r, "/v1/runs/groups", `{"experiment_ids": ["0"], "filter": "metrics.loss >= 2 and metrics.loss < 9"}`)
		if all.Runs != 7 || all.More || len(all.Groups) != 1 || all.Groups[0].Value != nil || all.Groups[0].Runs != 7 {
			t.Errorf("%s: counted %+v", name, all)
		}
		if none := get[groupsJSON](r, "/v1/runs/groups", `{"experiment_ids": ["0"], "filter": "metrics.loss > 9"}`); none.Runs != 0 || len(none.Groups) != 0 {
			t.Errorf("%s: counted %+v where there are none", name, none)
		}
		ids := get[struct {
			RunIDs []string `json:"run_ids"`
			More   bool
		}](r, "/v1/runs/ids", `{"experiment_ids": ["0"], "filter": "params.opt = 'sgd' OR metrics.loss = 0"}`)
		slices.Sort(ids.RunIDs)
		if want := []string{id(1), id(2), id(4), id(6), id(8), id(10)}; !slices.Equal(ids.RunIDs, want) || ids.More {
			t.Errorf("%s: ids %v, want %v", name, ids.RunIDs, want)
		}
	}
	r := newRig(t, query.HotOptions{})
	for body, says := range map[string]string{
		`{"experiment_ids": ["0"], "by": "metrics.loss"}`:                               "'by'",
		`{"experiment_ids": ["0"], "filter": "x"}`:                                      "Invalid clause",
		`{"experiment_ids": ["0"], "metrics": ["` + strings.Repeat(`a","`, 50) + `a"]}`: "at most 50",
	} {
		if status, text, _ := r.send("/v1/runs/groups", body); status != http.StatusBadRequest || !strings.Contains(text, says) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
}

func TestARunningRunThatGivesNoSignIsSilent(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{}).narrow(1)
	now := time.Now().UnixMilli()
	long := now - time.Hour.Milliseconds()
	running, finished := sgpb.RunStatus_RUN_STATUS_RUNNING, sgpb.RunStatus_RUN_STATUS_FINISHED
	for i, run := range []*sgpb.Run{{Status: running, UpdatedMs: now}, {Status: running, UpdatedMs: long}, {Status: finished, UpdatedMs: long}, {Status: running, UpdatedMs: long}, {Status: running, UpdatedMs: long}, {Status: running, UpdatedMs: long}} {
		run.Id, run.ExperimentId = id(i+1), "0"
		r.stored[run.Id] = hot.Document{Run: run, Revision: 1} // from before the start
	}
	r.putExperiment(&sgpb.Experiment{Id: "0", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE})
	r.log(section(id(4), 0, "loss", [3]float64{1, float64(now), 0.5}))
	r.log(section(id(5), 0, "loss", [3]float64{1, float64(long + 1), 0.5}))
	r.applied = len(r.lane)
	r.log(section(id(6), 0, "loss", [3]float64{1, float64(now + time.Hour.Milliseconds()), 0.5}))
	type run struct {
		RunID string `json:"run_id"`
		Seen  int64
	}
	const body = `{"experiment_ids": ["0"], "filter": "attributes.status != 'FAILED'"}`
	wholeReads := r.wholeReads
	got := get[struct{ Runs []run }](r, "/v1/runs/silent", body)
	slices.SortFunc(got.Runs, func(a, b run) int { return strings.Compare(a.RunID, b.RunID) })
	if want := []run{{id(2), long}, {id(5), long + 1}}; !slices.Equal(got.Runs, want) {
		t.Errorf("silent are %+v, want %+v", got.Runs, want)
	}
	if r.wholeReads != wholeReads {
		t.Error("all metrics of the runs were read")
	}
}
