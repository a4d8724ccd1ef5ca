package query_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/runtable"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

type tableJSON struct {
	Runs []struct {
		Info struct {
			RunID string `json:"run_id"`
		}
		Data struct {
			Metrics []struct {
				Key   string
				Value float64
			}
			Params []struct{ Key, Value string }
		}
	}
	More []string `json:"more_metrics"`
	Next string   `json:"next_page_token"`
}

func (j tableJSON) keys(run int) (keys []string) {
	for _, m := range j.Runs[run].Data.Metrics {
		keys = append(keys, m.Key)
	}
	return keys
}

func TestATableOfRunsHasTheMetricsThatItShows(t *testing.T) {
	t.Parallel()
	const many = 5000
	for name, r := range map[string]*rig{"in memory": newRig(t, query.HotOptions{}), "in ClickHouse": newRig(t, query.HotOptions{}).narrow(1)} {
		for i := range 3 {
			r.put(&sgpb.Run{Id: id(i + 1), ExperimentId: "0", Params: map[string]string{"n": fmt.Sprint(i)}, StartMs: int64(i)}, true)
		}
		// The first has very many metrics, those that matter at the end.
		large := &feed.Section{RunID: id(1)}
		for i := range many {
			large.Points.Keys = append(large.Points.Keys, fmt.Sprintf("layer/%05d", i))
		}
		large.Points.Keys = append(large.Points.Keys, "loss", "zeta")
		for i := range large.Points.Keys {
			large.Points.Key, large.Points.Step = append(large.Points.Key, uint32(i)), append(large.Points.Step, 1)
			large.Points.TimeMS, large.Points.Value = append(large.Points.TimeMS, 1), append(large.Points.Value, float64(i))
		}
		r.log(large)
		r.log(section(id(2), 0, "loss", [3]float64{1, 10, 0.5}, [3]float64{2, 20, 0.25}))
		const body = `{"experiment_ids": ["0"], "order_by": ["attributes.start_time"], `
		first := get[tableJSON](r, "/v1/runs/search", body+`"metrics": ["zeta", "layer/04999", "nobody's"], "other_metrics": 2, "max_results": 2}`)
		if len(first.Runs) != 2 || first.Runs[0].Info.RunID != id(1) || first.Next == "" || !slices.Equal(first.More, []string{id(1)}) {
			t.Fatalf("%s: %d runs, more of %v, next %q", name, len(first.Runs), first.More, first.Next)
		}
		if keys := first.keys(0); len(keys) != 4 || !slices.Contains(keys, "zeta") || !slices.Contains(keys, "layer/04999") {
			t.Errorf("%s: the run of many shows %v", name, keys)
		}
		if keys := first.keys(1); !slices.Equal(keys, []string{"loss"}) || first.Runs[1].Data.Metrics[0].Value != 0.25 || first.Runs[1].Data.Params[0].Value != "1" {
			t.Errorf("%s: the second run shows %+v", name, first.Runs[1])
		}
		second := get[tableJSON](r, "/v1/runs/search", body+`"max_results": 2, "page_token": "`+first.Next+`"}`)
		if len(second.Runs) != 1 || second.Runs[0].Info.RunID != id(3) || second.Next != "" || len(second.More) != 0 {
			t.Errorf("%s: second page %+v", name, second)
		}
		none := get[tableJSON](r, "/v1/runs/search", body+`"other_metrics": 0, "filter": "metrics.loss < 1"}`)
		if len(none.Runs) != 1 || none.Runs[0].Info.RunID != id(2) || len(none.Runs[0].Data.Metrics) != 0 || !slices.Equal(none.More, []string{id(2)}) {
			t.Errorf("%s: without metrics %+v", name, none)
		}
		// MLflow's own answer has them all.
		if all := get[tableJSON](r, api+"/runs/search", body+`"max_results": 1}`); len(all.Runs[0].Data.Metrics) != many+2 {
			t.Errorf("%s: MLflow's search has %d metrics", name, len(all.Runs[0].Data.Metrics))
		}
		for wrong, part := range map[string]string{
			`{"experiment_ids": ["0"], "metrics": [` + strings.Repeat(`"a", `, runtable.MetricsMax) + `"b"]}`: "at most 200",
			`{"experiment_ids": ["0"], "other_metrics": 201}`:                                                 "at most 200",
			`{"experiment_ids": ["0"], "other_metrics": -1}`:                                                  "at most 200",
			`{"experiment_ids": ["0"], "max_results": 2001}`:                                                  "at most 2000",
			`{"experiment_ids": ["0"], "max_results": 0}`:                                                     "positive",
			`{"experiment_ids": ["0"], "filter": "("}`:                                                        "not closed",
		} {
			if status, text, _ := r.send("/v1/runs/search", wrong); status != http.StatusBadRequest || !strings.Contains(text, part) {
				t.Errorf("%s: %s: %d %s", name, wrong, status, text)
			}
		}
	}
}

func TestATableOfRunsSeesWhatIsNewerThanClickHouse(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{}).narrow(1)
	r.put(&sgpb.Run{Id: id(1), ExperimentId: "0"}, true)
	r.log(section(id(1), 0, "loss", [3]float64{1, 1, 5}))
	r.log(&feed.Section{RunID: id(1), Rank: 3, Points: track.Points{Keys: []string{"loss"}, Key: []uint32{0}, Step: []int64{9}, TimeMS: []int64{9}, Value: []float64{9}}})
	r.log(section(id(1), 0, "loss", [3]float64{2, 2, 6}))
	got := get[tableJSON](r, "/v1/runs/search", `{"experiment_ids": ["0"], "metrics": ["loss"]}`)
	// The lowest rank counts, as in MLflow.
	if len(got.Runs) != 1 || len(got.Runs[0].Data.Metrics) != 1 || got.Runs[0].Data.Metrics[0].Value != 6 {
		t.Errorf("%+v", got)
	}
}

// TestOthersOfATableAreAsNewAsThoseThatAreNamed: what is not flushed yet counts for all metrics that are shown, and what is of another
// rank alone does not stand for one whose applied value was not read.
func TestOthersOfATableAreAsNewAsThoseThatAreNamed(t *testing.T) {
	t.Parallel()
	const many = runtable.OthersMax + 50
	for name, r := range map[string]*rig{"in memory": newRig(t, query.HotOptions{}), "in ClickHouse": newRig(t, query.HotOptions{}).narrow(1)} {
		r.put(&sgpb.Run{Id: id(1), ExperimentId: "0"}, true)
		all := func(rank uint32, step int64, value float64) {
			s := &feed.Section{RunID: id(1), Rank: rank}
			for i := range many { // those that are shown come last
				s.Points.Keys = append(s.Points.Keys, fmt.Sprintf("m%04d", many-i))
				s.Points.Key, s.Points.Step = append(s.Points.Key, uint32(i)), append(s.Points.Step, step)
				s.Points.TimeMS, s.Points.Value = append(s.Points.TimeMS, step), append(s.Points.Value, value)
			}
			r.log(s)
		}
		all(0, 1, 1)
		r.applied = len(r.lane)
		if none := get[tableJSON](r, "/v1/runs/search", `{"experiment_ids": ["0"], "other_metrics": 0}`); len(none.keys(0)) != 0 || !slices.Equal(none.More, []string{id(1)}) {
			t.Errorf("%s: without metrics %v, more of %v", name, none.keys(0), none.More)
		}
		all(7, 9, 9)
		for _, others := range []int{3, runtable.OthersMax} {
			got := get[tableJSON](r, "/v1/runs/search", fmt.Sprintf(`{"experiment_ids": ["0"], "other_metrics": %d}`, others))
			for _, m := range got.Runs[0].Data.Metrics {
				if m.Value != 1 {
					t.Errorf("%s, %d others: %s is %v, which another rank logged", name, others, m.Key, m.Value)
				}
			}
		}
		all(0, 2, 2)
		for _, others := range []int{3, runtable.OthersMax} {
			got := get[tableJSON](r, "/v1/runs/search", fmt.Sprintf(`{"experiment_ids": ["0"], "other_metrics": %d}`, others))
			metrics := got.Runs[0].Data.Metrics
			if len(metrics) != others || !slices.Equal(got.More, []string{id(1)}) {
				t.Errorf("%s: %d of %d others, more of %v", name, len(metrics), others, got.More)
			}
			for _, m := range metrics {
				if m.Value != 2 {
					t.Errorf("%s, %d others: %s is %v, which is not the newest", name, others, m.Key, m.Value)
				}
			}
		}
	}
}

func TestASearchWithoutMetricsLoadsNoExperiment(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	for i := range 4 {
		r.put(&sgpb.Run{Id: id(i + 1), ExperimentId: "0", Tags: map[string]string{"n": fmt.Sprint(i)}, StartMs: int64(i)}, i < 2)
		r.log(section(id(i+1), 0, "loss", [3]float64{1, 10, float64(i)}))
	}
	const body = `{"experiment_ids": ["0"], "order_by": ["attributes.start_time DESC"], "metrics": [], `
	for _, c := range []struct {
		rest         string
		want, loaded int
	}{
		{`"other_metrics": 0, "max_results": 1}`, 4, 0},
		{`"other_metrics": 0, "filter": "tags.n = '1'"}`, 2, 0},
		{`"other_metrics": 0, "filter": "metrics.loss < 1"}`, 1, 1},
		{`"other_metrics": 0, "max_results": 1}`, 4, 1},
	} {
		page := get[tableJSON](r, "/v1/runs/search", body+c.rest)
		if len(page.Runs) != 1 || page.Runs[0].Info.RunID != id(c.want) || len(page.keys(0)) != 0 || r.sheets.Stats().Experiments != c.loaded {
			t.Errorf("%s: %+v, and %d experiments are loaded", c.rest, page, r.sheets.Stats().Experiments)
		}
	}
}
