package graphql_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/cmd/graphql"
)

// server answers REST requests from a table and notes them.
type server struct {
	answers map[string]string
	// other is the answer to what is not in the table, if there is one.
	other string
	asked []string
}

func (s *server) call(_ *fiber.Ctx, method, uri string, body []byte) (int, []byte) {
	asked := method + " " + uri + string(body)
	s.asked = append(s.asked, asked)
	if a, ok := s.answers[asked]; ok {
		return http.StatusOK, []byte(a)
	}
	if s.other != "" {
		return http.StatusOK, []byte(s.other)
	}
	return http.StatusNotFound, []byte(`{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"nothing at ` + strings.Split(uri, "?")[0] + `"}`)
}

func (s *server) send(t *testing.T, query string, variables map[string]any) string {
	t.Helper()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Post("/graphql", graphql.Handler(s.call))
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := app.Test(httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(string(body))), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if _, err := fmt.Fprint(&text, resp.StatusCode, " "); err != nil {
		t.Fatal(err)
	}
	var raw json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&raw); err != nil {
		t.Fatal(err)
	}
	return text.String() + string(raw)
}

const run = `{"run":{"info":{"run_id":"r1","run_uuid":"r1","experiment_id":"7","start_time":1700000000000000001,"status":"FINISHED"},` +
	`"data":{"metrics":[{"key":"a","value":0.1,"step":3},{"key":"b","value":"NaN"},{"key":"c","value":"-Infinity"}]}}}`

func TestARunIsShapedAsItsQueryWants(t *testing.T) {
	t.Parallel()
	s := &server{answers: map[string]string{
		"GET /api/2.0/mlflow/runs/get?run_id=r1":                             run,
		"GET /api/2.0/mlflow/experiments/get?experiment_id=7":                `{"experiment":{"experiment_id":"7","name":"wine"}}`,
		"GET /api/2.0/mlflow/model-versions/search?filter=run_id%3D%27r1%27": `{"model_versions":[{"name":"m","version":"2","status":"READY"}]}`,
	}}
	got := s.send(t, `query GetRun($data: MlflowGetRunInput!) @component(name: "x") {
		mlflowGetRun(input: $data) {
			__typename
			apiError { code }
			again: run { info { runName } }
			run {
				...parts
				info { endTime status lifecycleStage }
				data { metrics { key value step timestamp } params { key } }
				experiment { name again: name creationTime tags { key } }
				modelVersions { name version status }
				outputs { modelOutputs { step } }
			}
		}
	}
	fragment parts on MlflowRunExtension { info { runUuid startTime } ... on MlflowRunExtension { inputs { modelInputs { modelId } } } }`,
		map[string]any{"data": map[string]any{"runId": "r1"}})
	want := `200 {"data":{"mlflowGetRun":{"__typename":"MlflowGetRunResponse","apiError":null,"again":{"info":{"runName":""}},"run":{` +
		`"info":{"runUuid":"r1","startTime":"1700000000000000001","endTime":"0","status":"FINISHED","lifecycleStage":""},"inputs":{"modelInputs":[]},` +
		`"data":{"metrics":[{"key":"a","value":0.1,"step":"3","timestamp":"0"},{"key":"b","value":null,"step":"0","timestamp":"0"},{"key":"c","value":-1.7976931348623157e+308,"step":"0","timestamp":"0"}],"params":[]},` +
		`"experiment":{"name":"wine","again":"wine","creationTime":"0","tags":[]},"modelVersions":[{"name":"m","version":"2","status":"READY"}],"outputs":{"modelOutputs":[]}}}},"errors":null}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestInputsReachTheRoutes(t *testing.T) {
	t.Parallel()
	s := &server{answers: map[string]string{
		`POST /api/2.0/mlflow/runs/search{"experiment_ids":["1","2"],"max_results":5,"run_view_type":"ALL"}`: `{"runs":[` + strings.TrimSuffix(strings.TrimPrefix(run, `{"run":`), "}") + `],"next_page_token":"t"}`,
		"GET /api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key=loss&run_ids=a&run_ids=b":          `{"metrics":[{"key":"loss","value":1,"step":2,"run_id":"a"}]}`,
		`POST /ajax-api/2.0/mlflow/experiments/search-datasets{"experiment_ids":["1"]}`:                      `{}`,
	}}
	for query, want := range map[string]string{
		`{ mlflowSearchRuns(input: {experimentIds: ["1", "2"], maxResults: 5, runViewType: ALL}) { nextPageToken runs { info { runId } } } }`: `{"mlflowSearchRuns":{"nextPageToken":"t","runs":[{"info":{"runId":"r1"}}]}}`,
		`{ mlflowGetMetricHistoryBulkInterval(input: {runIds: ["a", "b"], metricKey: "loss"}) { metrics { runId step } } }`:                   `{"mlflowGetMetricHistoryBulkInterval":{"metrics":[{"runId":"a","step":"2"}]}}`,
		`mutation { mlflowSearchDatasets(input: {experimentIds: ["1"]}) { datasetSummaries { name } } }`:                                      `{"mlflowSearchDatasets":{"datasetSummaries":[]}}`,
		`query { test(inputString: "x") { output } }`:                                                                    `{"test":{"output":"x"}}`,
		`query q($no: Boolean = false) { test(inputString: "x") { output @include(if: $no) o: output @skip(if: $no) } }`: `{"test":{"o":"x"}}`,
	} {
		if got := s.send(t, query, nil); got != `200 {"data":`+want+`,"errors":null}` {
			t.Errorf("%s:\n got %s\nwant %s", query, got, want)
		}
	}
}

func TestWhatIsWrongStandsAmongTheErrors(t *testing.T) {
	t.Parallel()
	var s server
	aliases := ""
	for n := range 11 {
		aliases += fmt.Sprintf("a%d: output ", n)
	}
	for query, want := range map[string]string{
		`{`:           `{"data":null,"errors":["Expected Name, found <EOF>"]}`,
		`{ nothing }`: `{"data":null,"errors":["Cannot query field \"nothing\" on type \"Query\"."]}`,
		`{ mlflowGetRun { run { info { runId } } } }`:                                            `{"data":{"mlflowGetRun":null},"errors":["Field 'mlflowGetRun' needs the argument 'input'."]}`,
		`{ mlflowGetRun(input: {runId: "x"}) { run { info { runId } } } }`:                       `{"data":{"mlflowGetRun":null},"errors":["nothing at /api/2.0/mlflow/runs/get"]}`,
		`{ test(inputString: "x") { ` + aliases + ` } }`:                                         `{"data":null,"errors":["GraphQL queries should have at most 10 aliases, got 11 aliases."]}`,
		`{ ` + strings.ReplaceAll(aliases, "output", `test(inputString: "x") { output }`) + ` }`: `{"data":null,"errors":["GraphQL queries should have at most 10 root fields, got 11 root fields."]}`,
		`{ test(inputString: "x") { ` + strings.Repeat("output ", 1000) + ` } }`:                 `{"data":null,"errors":["Query exceeds maximum total selections of 1000"]}`,
		`{ test { output } } fragment unused on Query { ` + strings.Repeat("test ", 1000) + ` }`: `{"data":null,"errors":["Query exceeds maximum total selections of 1000"]}`,
		`{ ...loop } fragment loop on Query { ...loop }`:                                         `{"data":null,"errors":["Query exceeds maximum total selections of 1000"]}`,
		`{ ` + strings.Repeat("a { ", 10) + `b` + strings.Repeat(" }", 11):                       `{"data":null,"errors":["Query exceeds maximum depth of 10"]}`,
		`{ test(inputString: "x") { ` + strings.Repeat("output ", 5000) + ` } }`:                 `{"data":null,"errors":["exceeded token limit of 5000"]}`,
		`query a { test { output } } query b { test { output } }`:                                `{"data":null,"errors":["Must provide operation name if query contains multiple operations."]}`,
		`{ __schema { types { name } } }`:                                                        `{"data":{"__schema":null},"errors":["'__schema' is not served here"]}`,
	} {
		if got := s.send(t, query, nil); got != "200 "+want {
			t.Errorf("%.100s:\n got %s\nwant 200 %s", query, got, want)
		}
	}
	if !slices.Equal(s.asked, []string{"GET /api/2.0/mlflow/runs/get?run_id=x"}) {
		t.Errorf("asked %q", s.asked)
	}
}

func TestFragmentsThatMultiplyAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	const levels = 40 // each doubles the work of who expands them: this would take days
	query := "{ ...A0 }"
	for n := range levels {
		query += fmt.Sprintf(" fragment A%d on Query { ...A%d ...A%d }", n, n+1, n+1)
	}
	query += fmt.Sprintf(" fragment A%d on Query { test { output } }", levels)
	var s server
	if got, want := s.send(t, query, nil), `200 {"data":null,"errors":["Query exceeds maximum total selections of 1000"]}`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestOneQueryMakesNotMoreCallsThanItMay(t *testing.T) {
	t.Parallel()
	const most = 2000
	runs := make([]string, 2*most)
	for n := range runs {
		runs[n] = fmt.Sprintf(`{"info":{"run_id":"r%d"}}`, n)
	}
	s := &server{
		answers: map[string]string{`POST /api/2.0/mlflow/runs/search{"max_results":50000}`: `{"runs":[` + strings.Join(runs, ",") + `]}`},
		other:   `{"model_versions":[{"name":"m"}]}`,
	}
	got := s.send(t, `{ mlflowSearchRuns(input: {maxResults: 50000}) { runs { modelVersions { name } } } }`, nil)
	if len(s.asked) != most {
		t.Errorf("%d calls, want %d", len(s.asked), most)
	}
	if n := strings.Count(got, `{"modelVersions":[{"name":"m"}]}`); n != most-1 {
		t.Errorf("%d runs with model versions, want %d", n, most-1)
	}
	want := `"errors":["The query needs more than 2000 requests for its runs' experiments and model versions; ask for fewer runs with maxResults"]}`
	if !strings.HasSuffix(got, want) {
		t.Errorf("it ends with %s, want %s", got[max(0, len(got)-300):], want)
	}
}
