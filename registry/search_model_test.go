package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/mem"
)

func TestLoggedModelsAreSearched(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{})
	for i, body := range []string{`{"experiment_id":"0","name":"a","source_run_id":"r1"}`, `{"experiment_id":"0","name":"a","source_run_id":"r2"}`, `{"experiment_id":"0","name":"b"}`} {
		if status, text := call(t, r, "POST", "logged-models", body); status != 200 {
			t.Fatalf("model %d: %d %s", i, status, text)
		}
	}
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"experiment_ids":["0"]}`, 200, "3 models"},
		{`{"experiment_ids":["0"],"order_by":[],"filter":"name = 'a'"}`, 200, "2 models"},
		{`{"experiment_ids":["0"],"filter":"attributes.name = 'a' AND source_run_id = \"r2\""}`, 200, "1 models"},
		{`{"experiment_ids":["0"],"filter":"name != 'a'"}`, 200, "1 models"},
		{`{"experiment_ids":["7"]}`, 200, "0 models"},
		{`{"experiment_ids":["0"],"max_results":2}`, 200, "2 models, more"},
		{`{"experiment_ids":["0"],"max_results":2,"page_token":"eyJvZmZzZXQiOjJ9"}`, 200, "1 models"},
		{`{"experiment_ids":["0"],"max_results":0}`, 400, "max_results"},
		{`{"experiment_ids":["0"],"page_token":"x"}`, 400, "page token"},
		{`{"experiment_ids":["0"],"filter":"metrics.x > 1"}`, 400, "name, model_id"},
		{`{"experiment_ids":["0"],"filter":"name = 'a' AND"}`, 400, "joined by AND"},
		{`{"experiment_ids":["0"],"filter":"name = 'a' OR name = 'b'"}`, 400, "joined by AND"},
	} {
		status, text := call(t, r, "POST", "logged-models/search", c.body)
		if status == 200 {
			var a struct {
				Models []any  `json:"models"`
				Next   string `json:"next_page_token"`
			}
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				t.Fatal(err)
			}
			text = fmt.Sprintf("%d models", len(a.Models))
			if a.Next != "" {
				text += ", more"
			}
		}
		if status != c.status || !strings.Contains(text, c.want) || (status == 200 && text != c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.body, status, text, c.status, c.want)
		}
	}
}
