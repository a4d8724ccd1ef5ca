package ingest_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/ingest"
)

// answer is one line of testdata/answers.json: what MLflow's own server answered.
type answer struct {
	Name        string `json:"name"`
	Route       string `json:"route"`
	Body        string `json:"body"`
	ContentType string `json:"content_type"`
	Status      int    `json:"status"`
	ErrorCode   string `json:"error_code"`
	Message     string `json:"message"`
}

// ours lists where our answer is another than MLflow's, on purpose.
var ours = map[string]answer{
	// Its server needs the model to exist.
	"field names in camel case": {Status: 200},
	// It says that a field is missing, or breaks.
	"invalid JSON":             {Status: 400, ErrorCode: "BAD_REQUEST", Message: "The request body is not a JSON object"},
	"JSON list":                {Status: 400, ErrorCode: "BAD_REQUEST", Message: "The request body is not a JSON object"},
	"JSON number":              {Status: 400, ErrorCode: "BAD_REQUEST", Message: "The request body is not a JSON object"},
	"text that holds no JSON":  {Status: 400, ErrorCode: "BAD_REQUEST", Message: "The request body is not a JSON object"},
	"batch empty body":         {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Missing value for required parameter 'run_id'"},
	"batch lists null":         {Status: 200},
	"value list":               {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value [1,2] for parameter 'value'"},
	"value object":             {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: `Invalid value {"a":1} for parameter 'value'`},
	"timestamp list":           {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value [1] for parameter 'timestamp'"},
	"batch metrics of numbers": {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value 1 for parameter 'metrics[0]'"},
	// It stores something else than was sent, and says nothing.
	"value beyond a double":       {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value 1e999 for parameter 'value'"},
	"timestamp fraction":          {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value 1.5 for parameter 'timestamp'"},
	"timestamp true":              {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value true for parameter 'timestamp'"},
	"timestamp beyond 64 bits":    {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value 9223372036854775808 for parameter 'timestamp'"},
	"step fraction":               {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value 0.5 for parameter 'step'"},
	"batch metric value text":     {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: `Invalid value "abc" for parameter 'metrics[1].value'`},
	"batch metric timestamp text": {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: `Invalid value "x" for parameter 'metrics[0].timestamp'`},
	"batch metric step fraction":  {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value 0.5 for parameter 'metrics[0].step'"},
	"batch metric key number":     {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value 1 for parameter 'metrics[0].key'"},
	"batch param value number":    {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "Invalid value 5 for parameter 'params[0].value'"},
	// More is taken.
	"batch by run_uuid":                  {Status: 200},
	"run with experiment_id as a number": {Status: 200},
	// An impossible id is the id of no run.
	"batch run id impossible": {Status: 404, ErrorCode: "RESOURCE_DOES_NOT_EXIST", Message: "Run with id=a b not found"},
	// Decided by whoever keeps the documents, which is not here.
	"batch param twice": {Status: 200},
	// The field is named whole.
	"dataset digest of 37": {Status: 400, ErrorCode: "INVALID_PARAMETER_VALUE", Message: "exceeds the maximum length of 36 characters"},
}

// expand writes out repetitions as testdata/record.py does.
func expand(body string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(body, "{{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		inner, rest, _ := strings.Cut(rest, "}}")
		at := strings.LastIndex(inner, "*")
		n, _ := strconv.Atoi(inner[at+1:])
		for i := range n {
			out.WriteString(strings.ReplaceAll(inner[:at], "#", strconv.Itoa(i)))
		}
		body = rest
	}
}

// plain evens out what MLflow's messages and package mlflow write differently: spaces and quotes.
func plain(message string) string {
	return strings.ReplaceAll(strings.ReplaceAll(message, "  ", " "), `"`, "'")
}

func TestAnswersAreThoseOfMLflowsServer(t *testing.T) {
	b, err := os.ReadFile("testdata/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers []answer
	if err := json.Unmarshal(b, &answers); err != nil {
		t.Fatal(err)
	}
	s := serve(t, ingest.Options{})
	for _, want := range answers {
		t.Run(want.Name, func(t *testing.T) {
			body := strings.NewReplacer("RUN", activeRun, "GONE", deletedRun).Replace(expand(want.Body))
			if want.ContentType == "" {
				want.ContentType = "application/json"
			}
			status, text, _ := s.sendAs(t, "/api/2.0/mlflow/"+want.Route, body, want.ContentType)
			var got answer
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatalf("%d %s: not JSON", status, text)
			}
			message := plain(strings.NewReplacer(activeRun, "RUN", deletedRun, "GONE").Replace(got.Message))
			well := message == plain(want.Message)
			if o, ok := ours[want.Name]; ok {
				want.Status, want.ErrorCode, want.Message = o.Status, o.ErrorCode, o.Message
				well = strings.Contains(message, plain(o.Message))
			}
			if !well || status != want.Status || got.ErrorCode != want.ErrorCode {
				t.Errorf("%d %s %s\nwant %d %s %s", status, got.ErrorCode, got.Message, want.Status, want.ErrorCode, want.Message)
			}
		})
	}
}
