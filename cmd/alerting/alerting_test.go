package alerting_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/alerting"
)

// experiments are those of the server, by the filter that finds each.
var experiments = map[string]string{
	`name = 'wine'`:    `{"experiment_id": "7", "name": "wine"}`,
	`name = "it's 1"`:  `{"experiment_id": "8", "name": "it's 1"}`,
	`name = 'another'`: `{"experiment_id": "9", "name": "ANOTHER"}`,
}

// run runs the command against answers by method and the beginning of the path.
func run(t *testing.T, answers map[string]string, args ...string) (out string, sent map[string]any, err error) {
	t.Helper()
	cmd := alerting.Command(func(*cobra.Command) alerting.Ask {
		return func(_ context.Context, method, path string, in, to any) error {
			if strings.HasSuffix(path, "/experiments/search") {
				filter, _ := in.(map[string]any)["filter"].(string)
				return json.Unmarshal([]byte(`{"experiments": [`+experiments[filter]+`]}`), to)
			}
			if in != nil {
				b, err := json.Marshal(in)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(b, &sent); err != nil {
					t.Fatal(err)
				}
			}
			for at, answer := range answers {
				if strings.HasPrefix(method+" "+path, at) {
					return json.Unmarshal([]byte(answer), to)
				}
			}
			t.Errorf("asks %s %s", method, path)
			return nil
		}
	})
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	cmd.SetArgs(args)
	err = cmd.Execute()
	return b.String(), sent, err
}

func TestCreate(t *testing.T) {
	t.Setenv("STREAMGAUGE_ALERT_SECRET", "s")
	out, sent, err := run(t, map[string]string{"POST /v1/alerts": `{"alert": {"id": "a1"}}`}, "create", "--name", "n", "-e", "1", "--metric", "loss",
		"--value", "10", "--points", "3", "--webhook", "https://a.example", "--email", "a@b.example", "--email", "c@d.example")
	if err != nil || !strings.HasPrefix(out, "a1\n") {
		t.Fatalf("%s %v", out, err)
	}
	channels, _ := json.Marshal(sent["channels"])
	if want := `[{"secret":"s","type":"webhook","url":"https://a.example"},{"to":["a@b.example","c@d.example"],"type":"email"}]`; string(channels) != want {
		t.Errorf("sends %s, want %s", channels, want)
	}
	if threshold, _ := json.Marshal(sent["threshold"]); string(threshold) != `{"for_points":3,"op":"\u003e","value":10}` {
		t.Errorf("sends %s", threshold)
	}
	if _, _, err := run(t, nil, "create", "--name", "n", "-e", "1", "--kind", "odd"); err == nil || !strings.Contains(err.Error(), "kind") {
		t.Errorf("an odd kind: %v", err)
	}
	for want, args := range map[string][]string{"--value": {"--metric", "loss", "--webhook", "https://a.example"}, "--slack": {"--kind", "nan"}} {
		if _, sent, err := run(t, nil, append([]string{"create", "--name", "n", "-e", "1"}, args...)...); err == nil || sent != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", want, err)
		}
	}
}

func TestCreateTakesNamesOfExperiments(t *testing.T) {
	answers := map[string]string{"POST /v1/alerts": `{"alert": {"id": "a1"}}`}
	args := []string{"create", "--name", "n", "--kind", "nan", "--slack", "https://a.example"}
	_, sent, err := run(t, answers, append(args, "-e", "wine", "-e", "it's 1", "-e", "3")...)
	if ids, _ := json.Marshal(sent["experiment_ids"]); err != nil || string(ids) != `["7","8","3"]` {
		t.Errorf("sends %s, %v", ids, err)
	}
	for _, none := range []string{"another", "nobody", `both ' and "`} {
		if _, sent, err := run(t, answers, append(args, "-e", none)...); err == nil || sent != nil || !strings.Contains(err.Error(), "--experiment") {
			t.Errorf("%s: %v", none, err)
		}
	}
}

func TestListAndHistory(t *testing.T) {
	out, _, err := run(t, map[string]string{"GET /v1/alerts?": `{"alerts": [{"id": "a1", "name": "bad\u001b[31m", "enabled": true, "experiment_ids": ["1"],
		"kind": "threshold", "metric": "loss", "threshold": {"op": ">", "value": 10}, "channels": [{"type": "slack", "url": "https://s"}]}]}`}, "list")
	if err != nil || !strings.Contains(out, "loss > 10") || strings.Contains(out, "\x1b") {
		t.Errorf("%q %v", out, err)
	}
	out, _, err = run(t, map[string]string{"GET /v1/alerts/history?": `{"events": [{"type": "fired", "rule_name": "r", "metric": "loss", "value": "NaN", "step": 7,
		"deliveries": [{"channel": "email", "state": "GIVEN_UP"}]}]}`}, "history")
	if err != nil || !strings.Contains(out, "loss = NaN at step 7") || !strings.Contains(out, "email given up") {
		t.Errorf("%q %v", out, err)
	}
}
