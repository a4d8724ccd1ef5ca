package query_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	api  = "/api/2.0/mlflow"
	ajax = "/ajax-api/2.0/mlflow"
)

type runJSON struct {
	Info struct {
		RunID          string `json:"run_id"`
		RunName        string `json:"run_name"`
		LifecycleStage string `json:"lifecycle_stage"`
	}
	Data struct {
		Metrics []metricJSON
		Params  []struct{ Key, Value string }
	}
}

type metricJSON struct {
	Key       string
	Value     any
	Timestamp int64
	Step      int64
	RunID     string `json:"run_id"`
	ModelID   string `json:"model_id"`
}

type runsJSON struct {
	Runs []runJSON
	Next string `json:"next_page_token"`
}

func TestGetRunShowsWhatWasWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.put(&sgpb.Run{Id: id(1), ExperimentId: "0", Name: "calm-lake-7", Params: map[string]string{"lr": "0.1"}}, true)
	r.log(section(id(1), 0, "loss", [3]float64{1, 10, 0.5}, [3]float64{0, 20, 9}))
	for _, path := range []string{api + "/runs/get?run_id=" + id(1), ajax + "/runs/get?run_uuid=" + id(1)} {
		got := get[struct{ Run runJSON }](r, path, "").Run
		want := []metricJSON{{Key: "loss", Value: 0.5, Timestamp: 10, Step: 1}}
		if got.Info.RunID != id(1) || got.Info.RunName != "calm-lake-7" || !slices.Equal(got.Data.Metrics, want) || got.Data.Params[0].Value != "0.1" {
			t.Errorf("got %+v", got)
		}
	}
	reads := r.reads
	r.down = track.Unavailable(track.TemporarilyUnavailable, 1, "down")
	if status, text, _ := r.send(api+"/runs/get?run_id="+id(1), ""); status != http.StatusOK || r.reads != reads {
		t.Errorf("a hot run needs ClickHouse: %d %s", status, text)
	}
	if status, _, header := r.send(api+"/runs/get?run_id="+id(2), ""); status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" {
		t.Errorf("a cold run without ClickHouse: %d", status)
	}
	r.behind = fmt.Errorf("lane 0 has no owner")
	if status, text, header := r.send(api+"/runs/get?run_id="+id(1), ""); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("a reader that cannot await: %d %s", status, text)
	}
}

func TestABriefRunIsTheRunWithoutItsMetrics(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.put(&sgpb.Run{Id: id(1), ExperimentId: "0", Name: "calm-lake-7", Params: map[string]string{"lr": "0.1"}, Tags: map[string]string{"a": "b"}}, true)
	r.log(section(id(1), 0, "loss", [3]float64{1, 10, 0.5}))
	whole := get[struct{ Run map[string]any }](r, api+"/runs/get?run_id="+id(1), "").Run
	brief := get[struct{ Run map[string]any }](r, "/v1/runs/"+id(1), "").Run
	data := whole["data"].(map[string]any)
	if len(data["metrics"].([]any)) != 1 {
		t.Fatalf("the run itself: %v", whole)
	}
	delete(data, "metrics")
	delete(brief["data"].(map[string]any), "metrics")
	if !reflect.DeepEqual(brief, whole) {
		t.Errorf("got %v, want %v", brief, whole)
	}
	for path, want := range map[string]int{"/v1/runs/" + id(9): http.StatusNotFound, "/v1/runs/xx": http.StatusNotFound} {
		if status, text, _ := r.send(path, ""); status != want || !strings.Contains(text, "not found") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	r.behind = fmt.Errorf("lane 0 has no owner")
	if status, text, _ := r.send("/v1/runs/"+id(1), ""); status != http.StatusServiceUnavailable {
		t.Errorf("a reader that cannot await: %d %s", status, text)
	}
}

func TestWhatFramesSayOfARunIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	for path, body := range map[string]string{
		api + "/runs/get?run_id=" + id(1): "",
		api + "/runs/search":              `{"experiment_ids": ["0"], "max_results": 10}`,
	} {
		r := newRig(t, query.HotOptions{})
		r.put(&sgpb.Run{Id: id(1), ExperimentId: "0", Name: "before"}, false)
		r.event = []*sgpb.Run{{Id: id(1), ExperimentId: "0", Name: "after"}}
		if status, text, _ := r.send(path, body); status != http.StatusOK || !strings.Contains(text, `"after"`) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestRefusalsAreMLflows(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	required := "Missing value for required parameter '%s'. See the API docs for more information about request parameters."
	for _, c := range []struct{ path, body, code, message string }{
		{api + "/runs/get", "", "INVALID_PARAMETER_VALUE", fmt.Sprintf(required, "run_id")},
		{api + "/runs/get?run_id=xx", "", "RESOURCE_DOES_NOT_EXIST", "Run with id=xx not found"},
		{api + "/runs/get?run_id=" + id(9), "", "RESOURCE_DOES_NOT_EXIST", "Run with id=" + id(9) + " not found"},
		{api + "/runs/search", `{"max_results": 0}`, "INVALID_PARAMETER_VALUE", "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"},
		{api + "/runs/search", `{"max_results": 50001}`, "INVALID_PARAMETER_VALUE", "Invalid value 50001 for parameter 'max_results' supplied: "},
		{api + "/runs/search", `{"max_results": "x"}`, "INVALID_PARAMETER_VALUE", `Invalid value "x" for parameter 'max_results' supplied: `},
		{api + "/runs/search", `{"experiment_ids": ["x"]}`, "INVALID_PARAMETER_VALUE", "Invalid experiment ID 'x'. Experiment ID must be a valid integer."},
		{api + "/runs/search", `{"experiment_ids": ["0"], "filter": "foo"}`, "INVALID_PARAMETER_VALUE", "Invalid clause(s) in filter string: "},
		{api + "/runs/search", `{"page_token": "zz"}`, "INVALID_PARAMETER_VALUE", "Invalid page token, could not base64-decode"},
		{api + "/runs/search", `{"order_by": [1.5]}`, "INVALID_PARAMETER_VALUE", "'order_by"},
		{api + "/runs/search", `[`, "BAD_REQUEST", "not a JSON object"},
		{api + "/experiments/search", `{}`, "INVALID_PARAMETER_VALUE", "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"},
		{api + "/experiments/search?max_results=50001", "", "INVALID_PARAMETER_VALUE", "Invalid value 50001 for parameter 'max_results' supplied. It must be at most 50000"},
		{api + "/metrics/get-history?metric_key=a", "", "INVALID_PARAMETER_VALUE", fmt.Sprintf(required, "run_id")},
		{api + "/metrics/get-history?run_id=a", "", "INVALID_PARAMETER_VALUE", fmt.Sprintf(required, "metric_key")},
		{api + "/metrics/get-history?run_id=a&metric_key=k&max_results=0", "", "INVALID_PARAMETER_VALUE", "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer."},
		{api + "/metrics/get-history?run_id=a&metric_key=k&page_token=zz", "", "INVALID_PARAMETER_VALUE", "Invalid page token, could not base64-decode"},
		{api + "/metrics/get-history-bulk-interval?metric_key=a", "", "INVALID_PARAMETER_VALUE", fmt.Sprintf(required, "run_ids")},
		{api + "/metrics/get-history-bulk-interval?run_ids=x&metric_key=a&max_results=3000", "", "INVALID_PARAMETER_VALUE", "max_results must be between 1 and 2500."},
		{api + "/metrics/get-history-bulk-interval?run_ids=x&metric_key=a&start_step=3", "", "INVALID_PARAMETER_VALUE", "If either start step or end step are specified, both must be specified."},
		{api + "/metrics/get-history-bulk-interval?run_ids=x&metric_key=a&start_step=3&end_step=1", "", "INVALID_PARAMETER_VALUE", "end_step must be greater than start_step. Found start_step=3 and end_step=1."},
		{ajax + "/metrics/get-history-bulk?metric_key=a", "", "INVALID_PARAMETER_VALUE", "GetMetricHistoryBulk request must specify at least one run_id."},
		{ajax + "/metrics/get-history-bulk?run_id=a", "", "INVALID_PARAMETER_VALUE", "GetMetricHistoryBulk request must specify a metric_key."},
		{"/v1/sql", `{"format": "csv"}`, "INVALID_PARAMETER_VALUE", fmt.Sprintf(required, "query")},
		{"/v1/sql", `{"query": "SELECT 1", "format": "xml"}`, "INVALID_PARAMETER_VALUE", "'format'"},
	} {
		status, text, _ := r.send(c.path, c.body)
		var e struct {
			Code    string `json:"error_code"`
			Message string
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatalf("%s %s: %q", c.path, c.body, text)
		}
		if want := map[bool]int{true: 404, false: 400}[c.code == "RESOURCE_DOES_NOT_EXIST"]; status != want || e.Code != c.code || !strings.Contains(e.Message, c.message) {
			t.Errorf("%s %s: %d %s %q", c.path, c.body, status, e.Code, e.Message)
		}
	}
	if status, _, _ := r.send(api+"/runs/search", `{"filter": "`+strings.Repeat("x", 5<<20)+`"}`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 5 MiB: %d", status)
	}
}

// TestSearchesAgreeWithTheTruth pages through random runs in every state: hot and not, applied and not, with
// points in the tail and in the tables.
func TestSearchesAgreeWithTheTruth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		// No room for sheets, for a few runs of one, for one, for all; loaded at the end or observed from the middle on.
		r := newRig(t, query.HotOptions{RunsMax: []int{4, 12, 1000}[rnd.IntN(3)]}).narrow([]int64{1, 8_000, 16_000, 1 << 20}[rnd.IntN(4)])
		for range rnd.IntN(40) {
			r.randomStep(rnd)
		}
		r.checkSearch(rnd, seed)
		for range 40 {
			r.randomStep(rnd)
		}
		r.checkSearch(rnd, seed)
	}
}

func (r *rig) randomStep(rnd *rand.Rand) {
	run := &sgpb.Run{Id: id(1 + rnd.IntN(20)), ExperimentId: "1", StartMs: int64(rnd.IntN(5)), Params: map[string]string{"lr": []string{"0.1", "0.01"}[rnd.IntN(2)]}}
	if n, _ := track.ParseRunID(run.Id); n%3 == 0 {
		run.ExperimentId = "2"
	}
	switch rnd.IntN(4) {
	case 0:
		run.Lifecycle = sgpb.Lifecycle(1 + rnd.IntN(2))
		r.put(run, false)
		r.truth()[run.Id] = run
	case 1:
		r.put(run, true)
		r.truth()[run.Id] = run
	case 2:
		if r.truth()[run.Id] != nil {
			value := []float64{0.5, 1, 2, math.NaN(), math.Inf(1)}[rnd.IntN(5)]
			s := section(run.Id, 0, "loss", [3]float64{float64(rnd.IntN(9)), 1, value})
			r.log(s)
		}
	case 3:
		r.applied = len(r.lane)
	}
}

func (r *rig) checkSearch(rnd *rand.Rand, seed uint64) {
	r.t.Helper()
	where := []string{"", "params.lr = '0.1'", "metrics.loss > 0.5", "metrics.loss != 1", "attributes.start_time >= 2"}[rnd.IntN(5)]
	order := [][]string{nil, {"metrics.loss DESC"}, {"metrics.loss ASC", "params.lr"}, {"start_time ASC"}}[rnd.IntN(4)]
	var got []string
	token := ""
	for range 30 {
		body, _ := json.Marshal(map[string]any{"experiment_ids": []string{"1", "2", "7"}, "filter": where, "order_by": order, "max_results": 1 + rnd.IntN(6), "page_token": token})
		page := get[runsJSON](r, api+"/runs/search", string(body))
		for _, run := range page.Runs {
			got = append(got, run.Info.RunID)
		}
		if token = page.Next; token == "" {
			break
		}
	}
	if want := r.expect(where, order); !slices.Equal(got, want) {
		r.t.Fatalf("seed %d: %s %v: got %v, want %v", seed, where, order, got, want)
	}
}

func (r *rig) expect(where string, order []string) (ids []string) {
	expr, _ := filter.ParseRuns(where)
	by, _ := filter.ParseRunOrder(order)
	applied := r.applied
	r.applied = len(r.lane)
	latest := r.latest()
	r.applied = applied
	var rows []filter.RunRow
	for _, run := range r.truth() {
		number, _ := track.ParseRunID(run.Id)
		row := filter.RunRow{Run: run, Latest: func(key string) (float64, bool) { l, ok := latest[number][key]; return l.Value, ok }}
		if run.Lifecycle != sgpb.Lifecycle_LIFECYCLE_DELETED && expr.Match(row) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b filter.RunRow) int { return by.Compare(a, b) })
	for _, row := range rows {
		ids = append(ids, row.Run.Id)
	}
	return ids
}

// A run that gets a point between the search and the reading of its values stays where it was found, else the
// token would skip the runs between.
func TestAPageKeepsTheOrderItWasFoundIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{RunsMax: 1}).narrow(1)
	for i := range 6 {
		run := &sgpb.Run{Id: id(i + 1), ExperimentId: "0", StartMs: int64(i)}
		r.put(run, true)
		r.log(section(run.Id, 0, "loss", [3]float64{1, 1, float64(i)}))
	}
	r.applied = len(r.lane)
	r.searched = func() {
		r.searched = nil
		r.log(section(id(2), 0, "loss", [3]float64{2, 2, 100}))
		r.applied = len(r.lane)
	}
	var got []string
	for token := ""; ; {
		page := get[runsJSON](r, api+"/runs/search", `{"experiment_ids": ["0"], "order_by": ["metrics.loss ASC"], "max_results": 2, "page_token": "`+token+`"}`)
		for _, run := range page.Runs {
			got = append(got, run.Info.RunID)
		}
		if token = page.Next; token == "" {
			break
		}
	}
	// The second run has moved to the end meanwhile, so it comes there once more.
	if want := []string{id(1), id(2), id(3), id(4), id(5), id(6), id(2)}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSearchesWithMLflowsTokenSkipRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	for i := range 5 {
		r.put(&sgpb.Run{Id: id(i + 1), ExperimentId: "0", StartMs: int64(i)}, i%2 == 0)
	}
	// {"offset": 3}
	page := get[runsJSON](r, ajax+"/runs/search", `{"experiment_ids": ["0"], "order_by": ["start_time"], "page_token": "eyJvZmZzZXQiOiAzfQ=="}`)
	if len(page.Runs) != 2 || page.Runs[0].Info.RunID != id(4) || page.Next != "" {
		t.Errorf("got %+v", page)
	}
	if _, text, _ := r.send(api+"/runs/search", `{"experiment_ids": []}`); text != "{}" {
		t.Errorf("nothing found is %s", text)
	}
}

func TestRunsOfADeletedExperimentAreDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.putExperiment(&sgpb.Experiment{Id: "5", Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED, LifecycleEpoch: 1})
	r.put(&sgpb.Run{Id: id(1), ExperimentId: "5", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}, true)
	if page := get[runsJSON](r, api+"/runs/search", `{"experiment_ids": ["5"]}`); len(page.Runs) != 0 {
		t.Errorf("active: %+v", page)
	}
	page := get[runsJSON](r, api+"/runs/search", `{"experiment_ids": ["5"], "run_view_type": "DELETED_ONLY"}`)
	if len(page.Runs) != 1 || page.Runs[0].Info.LifecycleStage != "deleted" {
		t.Errorf("deleted: %+v", page)
	}
}

func TestExperimentsAreSearchedInMemory(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	if err := r.q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"wine", "digits", "gone"} {
		e := &sgpb.Experiment{Id: fmt.Sprint(i + 1), Name: name, CreatedMs: int64(10 + i)}
		if name == "gone" {
			e.Lifecycle = sgpb.Lifecycle_LIFECYCLE_DELETED
		}
		r.putExperiment(e)
	}
	type answer struct {
		Experiments []struct{ Name string }
		Next        string `json:"next_page_token"`
	}
	var names func(path, body string) string
	names = func(path, body string) (out string) {
		t.Helper()
		a := get[answer](r, path, body)
		for _, e := range a.Experiments {
			out += e.Name + " "
		}
		if a.Next != "" {
			out += "... " + names(api+"/experiments/search?max_results=2&page_token="+url.QueryEscape(a.Next), "")
		}
		return out
	}
	for _, c := range []struct{ path, body, want string }{
		{api + "/experiments/search?max_results=9", "", "digits wine Default "},
		{api + "/experiments/search?max_results=2", "", "digits wine ... Default "},
		{ajax + "/experiments/search", `{"max_results": 9, "view_type": "ALL", "order_by": ["name ASC"]}`, "Default digits gone wine "},
		{ajax + "/experiments/search", `{"max_results": "9", "filter": "name LIKE 'w%'"}`, "wine "},
	} {
		if got := names(c.path, c.body); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.path, c.body, got, c.want)
		}
	}
	if _, text, _ := r.send(api+"/experiments/search?max_results=1&filter="+url.QueryEscape("name = 'x'"), ""); text != "{}" {
		t.Errorf("nothing found is %s", text)
	}
}

func TestExperimentsShowWhatTheCallerMaySee(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	for i, name := range []string{"wine", "secret"} {
		r.putExperiment(&sgpb.Experiment{Id: fmt.Sprint(i + 1), Name: name})
	}
	type answer struct{ Experiments []struct{ Name string } }
	r.caller = &track.Caller{Sees: func(_, name string) bool { return name == "wine" }}
	if got := get[answer](r, api+"/experiments/search?max_results=9", ""); len(got.Experiments) != 1 || got.Experiments[0].Name != "wine" {
		t.Errorf("confined: %+v", got)
	}
	r.caller = nil
	if got := get[answer](r, api+"/experiments/search?max_results=9", ""); len(got.Experiments) != 2 {
		t.Errorf("unconfined: %+v", got)
	}
}
