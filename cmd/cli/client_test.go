package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// The runs of the fake server: two whose ids and names are alike, and a deleted one.
var (
	swiftID = "aaaa" + strings.Repeat("0", 28)
	slowID  = "aaab" + strings.Repeat("0", 28)
	goneID  = "dd" + strings.Repeat("0", 30)
)

// runJSON is a run as MLflow's API gives it; tags is the inside of a list.
func runJSON(id, name, lifecycle, tags string) string {
	return fmt.Sprintf(`{"info":{"run_id":%q,"run_name":%q,"lifecycle_stage":%q,"experiment_id":"1","status":"FINISHED","start_time":1,"end_time":2},
		"data":{"metrics":[{"key":"loss","value":"NaN","timestamp":1,"step":3}],"params":[{"key":"p","value":"v"}],"tags":[%s]}}`, id, name, lifecycle, tags)
}

// server answers as ours does.
func server(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	for route, answer := range map[string]string{
		"POST /api/2.0/mlflow/experiments/search": `{"experiments":[{"experiment_id":"1","name":"wine"}]}`,
		"GET /api/2.0/mlflow/experiments/get":     `{"experiment":{"experiment_id":"1","name":"wine"}}`,
		"GET /api/2.0/mlflow/logged-models/m-1":   `{"model":{"info":{"model_id":"m-1","name":"forest","status":"LOGGED_MODEL_READY"}}}`,
	} {
		mux.HandleFunc(route, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
	}
	mux.HandleFunc("POST /api/2.0/mlflow/runs/search", func(w http.ResponseWriter, r *http.Request) {
		var s search
		if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
			t.Error(err)
		}
		if slices.Contains(s.OrderBy, "accuracy DESC") {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error_code":"INVALID_PARAMETER_VALUE","message":"Invalid order_by"}`)
			return
		}
		fmt.Fprintf(w, `{"runs":[%s]}`, strings.Join(searchRuns(s), ","))
	})
	mux.HandleFunc("GET /api/2.0/mlflow/runs/get", getRun)
	mux.HandleFunc("GET /v1/runs/{id}/series", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("key") != "loss" || r.FormValue("rank") == "3" {
			fmt.Fprint(w, `{"series":[]}`)
			return
		}
		fmt.Fprint(w, `{"series":[{"key":"loss","rank":0,"attempt":0,"points_total":3,"raw":true,"step":[1,2,3],"step_last":[1,2,3],"time":[1,2,3],
			"min":[4,2,"-Infinity"],"max":[4,2,"-Infinity"],"mean":[4,2,"-Infinity"],"first":[4,2,"-Infinity"],"last":[4,2,"-Infinity"],"count":[1,1,1],"non_finite":[0,0,1]}]}`)
	})
	mux.HandleFunc("POST /v1/sql", answerSQL)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func searchRuns(s search) []string {
	swift, slow, gone := runJSON(swiftID, "swift", "active", ""), runJSON(slowID, "slow", "active", ""), runJSON(goneID, "gone", "deleted", "")
	switch s.Filter {
	case "attributes.run_name = 'swift'", "attributes.run_id LIKE 'aaaa%'", "attributes.run_name = 'aa'":
		return []string{swift}
	case "tags.`mlflow.parentRunId` = '" + swiftID + "'":
		return []string{slow}
	case "attributes.run_id LIKE 'aa%'", "attributes.run_id LIKE 'aaa%'", "":
		return []string{swift, slow}
	case "attributes.run_name = 'gone'", "attributes.run_id LIKE 'dd%'":
		if s.View == viewAll {
			return []string{gone}
		}
	}
	return nil
}

func getRun(w http.ResponseWriter, r *http.Request) {
	switch id := r.FormValue("run_id"); id {
	case swiftID:
		fmt.Fprintf(w, `{"run":%s,"outputs":{"model_outputs":[{"model_id":"m-1"},{"model_id":"m-2"}]},
			"inputs":{"dataset_inputs":[{"tags":[{"key":"mlflow.data.context","value":"training"}],"dataset":{"name":"grapes","digest":"abc","source_type":"local","source":"x"}}]}}}`,
			strings.TrimSuffix(runJSON(id, "swift", "active", `{"key":"mlflow.note.content","value":"first\nsecond"}`), "}"))
	case slowID:
		fmt.Fprintf(w, `{"run":%s}`, runJSON(id, "slow", "active", `{"key":"mlflow.parentRunId","value":"`+swiftID+`"}`))
	case goneID:
		fmt.Fprintf(w, `{"run":%s}`, runJSON(id, "gone", "deleted", ""))
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Run with id=x not found"}`)
	}
}

func answerSQL(w http.ResponseWriter, r *http.Request) {
	var q struct{ Query, Format string }
	err := json.NewDecoder(r.Body).Decode(&q)
	switch {
	case err != nil || !strings.HasPrefix(q.Query, "SELECT"):
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error_code":"INVALID_PARAMETER_VALUE","message":"Syntax error"}`)
	case q.Query == "SELECT 2":
		fmt.Fprint(w, "1\n2\n\r\n__exception__\r\nabc\r\nCode: 396. DB::Exception: Limit for result exceeded. (TOO_MANY)\n49 abc\r\n__exception__\r\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler) // as ours breaks the connection
	default:
		fmt.Fprint(w, map[string]string{"csv": "\"x\"\n1\n", "tsv": "x\n1\n", "json": `{"data":[[1]]}`}[q.Format])
	}
}

func command(args ...string) (status int, out, errOut string) {
	var o, e bytes.Buffer
	status = Main(args, &o, &e)
	return status, o.String(), e.String()
}

func TestCommands(t *testing.T) {
	url := server(t)
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		// want are parts of the output, or of the error if the status is not 0.
		want []string
	}{
		{"runs", []string{"runs"}, 0, []string{"RUN", "aaaa0000", "swift", "wine", "FINISHED", "NaN"}},
		{"runs of an experiment", []string{"runs", "-e", "wine"}, 0, []string{"aaab0000"}},
		{"runs of an unknown experiment", []string{"runs", "-e", "beer"}, 1, []string{`no experiment "beer"`, "wine"}},
		{"runs for programs", []string{"runs", "--json"}, 0, []string{`"run_name": "swift"`, `"value": "NaN"`}},
		{"no runs for programs", []string{"runs", "--json", "-f", "attributes.name = 'none'"}, 0, []string{"[]\n"}},
		{"runs with a metric", []string{"runs", "-m", "loss", "-m", "gain"}, 0, []string{"TOOK  loss  gain\n"}},
		{"more runs than a page", []string{"runs", "-n", "100000"}, 1, []string{"--limit 100000", "1 to 50000"}},
		{"runs ordered by a bare key", []string{"runs", "-o", "accuracy DESC"}, 1, []string{"Invalid order_by", "--order-by 'metrics.accuracy DESC'", "params.accuracy"}},
		{"show by name", []string{"show", "swift"}, 0, []string{"swift", "FINISHED", "wine (1)", "loss", "█▁", "p", "v"}},
		{"show by the beginning of an id", []string{"show", "aaaa"}, 0, []string{"swift"}},
		{"show of datasets, models, nested runs and the note", []string{"show", "swift"}, 0, []string{
			"note\nfirst\nsecond\n", "grapes   abc     training  local", "forest  m-1  made  READY", "m-2  made  not found", "nested runs\n", "aaab0000  slow",
		}},
		{"show for programs has them too", []string{"show", "swift", "--json"}, 0, []string{`"name": "grapes"`, `"model_id": "m-1"`}},
		{"show of a nested run", []string{"show", slowID}, 0, []string{"nested in   swift (aaaa0000"}},
		{"an exact name wins over ids that begin so", []string{"show", "aa"}, 0, []string{"swift"}},
		{"show of a deleted run", []string{"show", goneID}, 0, []string{"gone  FINISHED  DELETED"}},
		{"show of a deleted run by its name", []string{"show", "gone"}, 0, []string{"DELETED"}},
		{"show of a deleted run by the beginning of its id", []string{"show", "dd"}, 0, []string{"DELETED"}},
		{"show without a run", []string{"show"}, 1, []string{"RUN is missing", "streamgauge show RUN"}},
		{"show of two", []string{"show", "swift", "slow"}, 1, []string{`"slow" is one argument too many`}},
		{"show of an ambiguous id", []string{"show", "aaa"}, 1, []string{"swift", "slow", "more of the id"}},
		{"show of nothing", []string{"show", "nobody"}, 1, []string{`no run is called "nobody"`, "streamgauge runs"}},
		{"show of an unknown id", []string{"show", strings.Repeat("f", 32)}, 1, []string{"not found"}},
		{"metrics", []string{"metrics", "swift", "loss"}, 0, []string{"3 points, least 2, greatest 4", "1 not finite", "█▁↓", "STEP", "-Inf  -Inf"}},
		{"metrics for programs", []string{"metrics", "swift", "loss", "--json"}, 0, []string{`"-Infinity"`}},
		{"metrics of a rank that logged none", []string{"metrics", "swift", "loss", "--rank", "3"}, 1, []string{"rank 3", `"loss"`, "--rank all"}},
		{"metrics in no buckets", []string{"metrics", "swift", "loss", "-n", "0"}, 1, []string{"--points 0", "1 to 10000"}},
		{"metrics of an unknown key", []string{"metrics", "swift", "gain"}, 1, []string{`no metric "gain"`}},
		{"sql", []string{"sql", "SELECT 1 AS x"}, 0, []string{"x\n1\n"}},
		{"sql for programs", []string{"sql", "SELECT 1 AS x", "--json"}, 0, []string{`{"data":[[1]]}`}},
		{"sql in another format", []string{"sql", "SELECT 1 AS x", "--format", "tsv"}, 0, []string{"x\n1\n"}},
		{"sql in an unknown format", []string{"sql", "SELECT 1 AS x", "--format", "xls"}, 1, []string{"--format xls", "parquet"}},
		{"sql without a query", []string{"sql", " "}, 1, []string{"query is empty", "sql -"}},
		{"sql with a format of its own", []string{"sql", "SELECT 1 FORMAT JSON"}, 1, []string{"FORMAT of its own", "--format"}},
		{"sql that reaches a limit on its way", []string{"sql", "SELECT 2"}, 1, []string{"streamgauge: Code: 396. DB::Exception: Limit for result exceeded. (TOO_MANY); ", "20,000,000 rows", "LIMIT"}},
		{"sql in a format that reaches a limit on its way", []string{"sql", "SELECT 2", "--format", "csv"}, 1, []string{"streamgauge: Code: 396. DB::Exception: Limit for result exceeded. (TOO_MANY); ", "20,000,000 rows"}},
		{"sql that is wrong", []string{"sql", "SELEC"}, 1, []string{"Syntax error"}},
	} {
		status, out, errOut := command(append(tt.args, "--url", url)...)
		text := out
		if tt.status != 0 {
			text = errOut
		}
		if status != tt.status {
			t.Errorf("%s: status %d, want %d\n%s%s", tt.name, status, tt.status, out, errOut)
		}
		for _, w := range tt.want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is not in\n%s", tt.name, w, text)
			}
		}
	}
}

func TestRunsSayThatThereAreMore(t *testing.T) {
	url := server(t)
	if _, out, errOut := command("runs", "-n", "1", "--url", url); strings.Count(out, "\n") != 2 || !strings.Contains(errOut, "there are more") {
		t.Errorf("one of several: %s%s", out, errOut)
	}
	if _, _, errOut := command("runs", "--url", url); errOut != "" {
		t.Errorf("all of them: %s", errOut)
	}
}

func TestWordsThatAreNoCommands(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"engine", "foo"}, 1, `no command "foo"`},
		{[]string{"engine"}, 0, "install"},
		{[]string{"--version"}, 0, "streamgauge dev (speaks MLflow"},
		{[]string{"sql"}, 1, "the query is missing"},
	} {
		if status, out, errOut := command(tt.args...); status != tt.status || !strings.Contains(out+errOut, tt.want) {
			t.Errorf("%v: %d %s%s", tt.args, status, out, errOut)
		}
	}
}

func TestNoServerNamesTheRemedy(t *testing.T) {
	status, _, errOut := command("runs", "--url", "http://127.0.0.1:1")
	if status == 0 || !strings.Contains(errOut, "streamgauge up") || !strings.Contains(errOut, "--url") {
		t.Errorf("got %d, %q", status, errOut)
	}
}
