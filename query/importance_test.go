package query_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

type importanceJSON struct {
	Runs        int
	RunsWithout int `json:"runs_without"`
	More        bool
	Explained   float64
	Params      []struct {
		Key                     string
		Importance, Correlation *float64
		Numeric                 bool
		Runs, Values            int
	}
}

func TestImportanceNamesWhatAMetricDependsOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	for i := range 40 {
		params := map[string]string{"depth": fmt.Sprint(i % 8), "opt": []string{"adam", "sgd"}[i%2], "seed": fmt.Sprint((i * 7919) % 40), "same": "x"}
		r.put(&sgpb.Run{Id: id(i + 1), ExperimentId: "0", Params: params}, true)
		if i < 38 {
			r.log(section(id(i+1), 0, "loss", [3]float64{1, 10, float64(i % 8)}))
		}
	}
	got := get[importanceJSON](r, "/v1/importance", `{"experiment_ids": ["0"], "metric": "loss"}`)
	if got.Runs != 38 || got.RunsWithout != 2 || got.More || got.Explained < 0.8 || len(got.Params) != 3 {
		t.Fatalf("got %+v", got)
	}
	if p := got.Params[0]; p.Key != "depth" || *p.Importance < 0.5 || *p.Correlation < 0.99 || !p.Numeric || p.Runs != 38 || p.Values != 8 {
		t.Errorf("first is %+v", p)
	}
	for _, p := range got.Params {
		if p.Key == "opt" && p.Correlation != nil {
			t.Errorf("a text has no correlation: %v", *p.Correlation)
		}
	}
	some := get[importanceJSON](r, "/v1/importance", `{"experiment_ids": ["0"], "metric": "loss", "filter": "params.opt = 'adam'"}`)
	if some.Runs+some.RunsWithout != 20 {
		t.Errorf("of a filter: %+v", some)
	}
	if none := get[importanceJSON](r, "/v1/importance", `{"experiment_ids": ["0"], "metric": "gone"}`); none.Runs != 0 || none.Explained != 0 || len(none.Params) != 0 {
		t.Errorf("of a metric that no run has: %+v", none)
	}
	if status, text, _ := r.send("/v1/importance", `{"experiment_ids": ["0"]}`); status != http.StatusBadRequest || !strings.Contains(text, "metric") {
		t.Errorf("without a metric: %d %s", status, text)
	}
}
