package graphql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// route is the REST route behind a root field.
type route struct{ method, path string }

const (
	api  = "/api/2.0/mlflow/"
	ajax = "/ajax-api/2.0/mlflow/"
)

// callsMax bounds the calls of one query: a search answers up to 50,000 runs, and each may ask for its model versions.
// A page of 1,000 runs, which is MLflow's default, has room for its runs' model versions and their experiments.
const callsMax = 2000

var errCalls = track.Errorf(track.InvalidParameterValue, "The query needs more than %d requests for its runs' experiments and model versions; ask for fewer runs with maxResults", callsMax)

var routes = map[string]route{
	"mlflowGetExperiment":                {http.MethodGet, api + "experiments/get"},
	"mlflowGetMetricHistoryBulkInterval": {http.MethodGet, api + "metrics/get-history-bulk-interval"},
	"mlflowGetRun":                       {http.MethodGet, api + "runs/get"},
	"mlflowListArtifacts":                {http.MethodGet, api + "artifacts/list"},
	"mlflowSearchModelVersions":          {http.MethodGet, api + "model-versions/search"},
	"mlflowSearchRuns":                   {http.MethodPost, api + "runs/search"},
	"mlflowSearchDatasets":               {http.MethodPost, ajax + "experiments/search-datasets"},
}

// snake is the name that a field has in the REST API.
func snake(camel string) string {
	var b strings.Builder
	for _, r := range camel {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// ask calls a route with a field's input.
func (x *execution) ask(r route, input map[string]any) (map[string]any, error) {
	uri, body := r.path, []byte(nil)
	if r.method == http.MethodGet {
		args := make(url.Values)
		for k, v := range input {
			addArgument(args, snake(k), v)
		}
		uri += "?" + args.Encode()
		// The runs of one page ask for the same experiment.
		if known := x.asked[uri]; known != nil {
			return known, nil
		}
	} else {
		plain := make(map[string]any, len(input))
		for k, v := range input {
			plain[snake(k)] = v
		}
		var err error
		if body, err = json.Marshal(plain); err != nil {
			return nil, fmt.Errorf("encode input: %w", err)
		}
	}
	if x.calls++; x.calls > callsMax {
		return nil, errCalls
	}
	status, answer := x.call(r.method, uri, body)
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber() // int64 do not fit into a float
	var out map[string]any
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("%s answered %d and no JSON", r.path, status)
	}
	if status != http.StatusOK {
		message, _ := out["message"].(string)
		return nil, track.Errorf(track.InvalidParameterValue, "%s", message)
	}
	if r.method == http.MethodGet {
		x.asked[uri] = out
	}
	return out, nil
}

// addArgument adds a value to a query; a list is a repeated argument, and null is none.
func addArgument(args url.Values, name string, v any) {
	switch v := v.(type) {
	case nil:
	case []any:
		for _, item := range v {
			addArgument(args, name, item)
		}
	case []string:
		args[name] = append(args[name], v...)
	default:
		args.Add(name, fmt.Sprint(v))
	}
}
