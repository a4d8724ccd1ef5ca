package alert

import (
	"encoding/json"
	"strings"
	"testing"
)

const good = `{"name": "loss", "enabled": true, "experiment_ids": ["1"], "kind": "threshold", "metric": "loss",
	"threshold": {"op": ">", "value": 10, "for_points": 3}, "channels": [{"type": "webhook", "url": "https://a.example/x"}]}`

// TestCheck changes one field of a good rule each, and wants that field named.
func TestCheck(t *testing.T) {
	cases := []struct{ field, change string }{
		{"", `{}`},
		{"", `{"ranks": "zero"}`},
		{"", `{"kind": "nan", "metric": "", "threshold": null}`},
		{"", `{"channels": [{"type": "email", "to": ["a@b.example"]}]}`},
		{"name", `{"name": " "}`},
		{"experiment_ids", `{"run_id": "0123456789abcdef0123456789abcdef"}`},
		{"experiment_ids", `{"experiment_ids": []}`},
		{"experiment_ids", `{"experiment_ids": ["01"]}`},
		{"run_id", `{"experiment_ids": null, "run_id": "x"}`},
		{"ranks", `{"ranks": "one"}`},
		{"kind", `{"kind": "odd", "threshold": null}`},
		{"threshold", `{"threshold": null}`},
		{"threshold", `{"kind": "nan"}`},
		{"threshold.op", `{"threshold": {"op": "=="}}`},
		{"threshold.for_points", `{"threshold": {"op": ">", "for_points": -1}}`},
		{"plateau.points", `{"kind": "plateau", "threshold": null, "plateau": {"points": 0, "direction": "min"}}`},
		{"plateau.min_delta", `{"kind": "plateau", "threshold": null, "plateau": {"points": 1, "min_delta": -1, "direction": "min"}}`},
		{"plateau.direction", `{"kind": "plateau", "threshold": null, "plateau": {"points": 1}}`},
		{"no_heartbeat.after_ms", `{"kind": "no_heartbeat", "threshold": null, "no_heartbeat": {"after_ms": 1}}`},
		{"state.states", `{"kind": "state", "threshold": null, "state": {"states": ["RUNNING"]}}`},
		{"metric", `{"kind": "state", "threshold": null, "state": {"states": ["FAILED"]}}`},
		{"metric", `{"metric": ""}`},
		{"channels", `{"channels": []}`},
		{"channels.type", `{"channels": [{"type": "pager"}]}`},
		{"channels.url", `{"channels": [{"type": "slack"}]}`},
		{"channels.to", `{"channels": [{"type": "email", "to": ["A <a@b.example>"]}]}`},
		{"channels.to", `{"channels": [{"type": "email", "to": ["a@b.example\r\nBcc: c@d.example"]}]}`},
		{"channels.secret", `{"channels": [{"type": "slack", "url": "https://a.example/x", "secret": "s"}]}`},
	}
	for _, c := range cases {
		var r Rule
		for _, text := range []string{good, c.change} {
			// A field that is a list or an object is replaced, not merged.
			var fields map[string]json.RawMessage
			if err := json.Unmarshal([]byte(text), &fields); err != nil {
				t.Fatal(err)
			}
			if _, ok := fields["threshold"]; ok {
				r.Threshold = nil
			}
			if _, ok := fields["channels"]; ok {
				r.Channels = nil
			}
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				t.Fatal(err)
			}
		}
		err := r.Check()
		if c.field == "" && err != nil || c.field != "" && (err == nil || !strings.Contains(err.Error(), c.field+": ")) {
			t.Errorf("%s: got %v, want a refusal of %q", c.change, err, c.field)
		}
	}
}

// TestPortable wants nothing secret in a rule that is carried, the same when it is done again, and that it is not enabled so.
func TestPortable(t *testing.T) {
	for before, want := range map[string]string{
		"https://a.example": "https://a.example", "https://a.example/": "https://a.example/", "https://a.example:8/x": "https://a.example:8" + LeftOut,
		"https://u:p@a.example": "https://a.example" + LeftOut, "https://a.example?t=1": "https://a.example" + LeftOut, ":": LeftOut, "https://secret.example": "https://secret.example" + LeftOut,
	} {
		text, err := json.Marshal(Rule{Name: "n", ExperimentIDs: []string{"1"}, Kind: NaN, Channels: []Channel{{Type: Webhook, URL: before, Secret: "s"}, {Type: Email, To: []string{"a@b.example"}}}})
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), `"secret":"s",`, "", 1)) // rules are stored without
		text = []byte(strings.Replace(string(text), `,"secret":"s"`, "", 1))
		for range 2 {
			if text, err = Portable(text, func(i int) bool { return strings.Contains(before, "secret") && i == 0 }); err != nil {
				t.Fatal(err)
			}
			var r Rule
			if err := json.Unmarshal(text, &r); err != nil || r.Channels[0].URL != want || r.Channels[1].To[0] != "a@b.example" {
				t.Errorf("%s: %s, want %s", before, text, want)
			}
			if err := r.Check(); err != nil {
				t.Errorf("%s, disabled: %v", before, err)
			}
			if r.Enabled = true; (r.Check() == nil) != (before == want) {
				t.Errorf("%s, enabled: %v", before, r.Check())
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "any", true}, {"loss", "loss", true}, {"loss", "loss2", false}, {"*", "", true}, {"val/*", "val/loss", true},
		{"val/*", "train/loss", false}, {"*/loss", "val/loss", true}, {"*/loss", "val/loss2", false}, {"a*b*c", "axbyc", true},
		{"a*b*c", "axbybc", true}, {"a*b*c", "ac", false}, {"a*a", "a", false}, {"a*a", "aa", true}, {"**", "x", true},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}
