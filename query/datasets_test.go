package query_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

func TestDatasetsAreListedOnce(t *testing.T) {
	t.Parallel()
	const path = "/ajax-api/2.0/mlflow/experiments/search-datasets"
	used := func(name, context string) []*sgpb.DatasetInput {
		in := &sgpb.DatasetInput{Dataset: &sgpb.Dataset{Name: name, Digest: "d"}}
		if context != "" {
			in.Tags = map[string]string{"mlflow.data.context": context}
		}
		return []*sgpb.DatasetInput{in}
	}
	for name, bytes := range map[string]int64{"in memory": 1 << 20, "too many for memory": 1} {
		r := newRig(t, query.HotOptions{RunsMax: 4}).narrow(bytes)
		for n := 1; n <= 8; n++ {
			r.put(&sgpb.Run{Id: id(n), ExperimentId: "0", Inputs: used("wine", "train")}, true)
		}
		r.put(&sgpb.Run{Id: id(9), ExperimentId: "0", Inputs: used("iris", "")}, true)
		r.put(&sgpb.Run{Id: id(10), ExperimentId: "1", Inputs: used("other", "")}, true)
		// An input that its run no longer has, and one that is not stored yet.
		r.put(&sgpb.Run{Id: id(9), ExperimentId: "0", Inputs: used("zoo", "eval")}, false)
		want := `{"dataset_summaries":[{"experiment_id":"0","name":"wine","digest":"d","context":"train"},{"experiment_id":"0","name":"zoo","digest":"d","context":"eval"}]}`
		if status, text, _ := r.send(path, `{"experiment_ids":["0"]}`); status != http.StatusOK || text != want {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	r := newRig(t, query.HotOptions{})
	if _, text, _ := r.send(path, `{"experiment_ids":["7"]}`); text != "{}" {
		t.Error(text)
	}
	for body, want := range map[string]string{
		`{}`: "SearchDatasets request must specify at least one experiment_id.",
		`{"experiment_ids":[` + strings.Repeat(`"1",`, 20) + `"1"]}`: "SearchDatasets request cannot specify more than 20 experiment_ids. Received 21 experiment_ids.",
	} {
		if status, text, _ := r.send(path, body); status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
}
