package cli

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestApprovalsFromTheTerminal walks from a requirement to the stage with three tokens.
func TestApprovalsFromTheTerminal(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir)
	elsewhere := t.TempDir()
	ann := do(t, "token", "create", "--role", "write", "--name", "ann", "--data", dir)
	bob := do(t, "token", "create", "--role", "write", "--name", "bob", "--data", dir)
	as := func(token string, args ...string) (int, string) {
		t.Helper()
		t.Setenv(tokenEnv, token)
		status, out, errOut := command(append(args, "--url", p.ports.URL(), "--data", elsewhere)...)
		return status, out + errOut
	}
	boss := func(args ...string) string {
		t.Helper()
		t.Setenv(tokenEnv, "")
		return do(t, append(args, "--url", p.ports.URL(), "--data", dir)...)
	}
	p.token = ann
	p.send(t, "registered-models/create", `{"name":"it's"}`)
	p.send(t, "model-versions/create", `{"name":"it's","source":"s3://b/1"}`)
	for _, c := range []struct {
		token string
		args  []string
		ok    bool
		want  string
	}{
		{ann, []string{"require", "it's", "Production", "1"}, false, "needs admin"},
		{"", []string{"require", "it's", "Production", "one"}, false, "must be one"},
		{"", []string{"require", "it's", "Production", "1"}, true, "it's needs 1 approvals before Production"},
		{ann, []string{"request", "it's", "1", "Production", "--comment", "please"}, true, "it's version 1 to Production: pending, 0 of 1 approvals"},
		{ann, []string{"approve", "ID"}, false, "'ann' asked for this approval"},
		{bob, []string{"reject", "ID"}, true, "rejected"},
		{bob, []string{"approvals", "--status", "rejected"}, true, "0 of 1  ann"},
		{bob, []string{"approvals", "--status", "pending"}, true, "no requests for approval"},
		{bob, []string{"approve", "ID", "--comment", "now"}, true, "approved, 1 of 1 approvals"},
		{bob, []string{"models"}, true, "it's"},
		{bob, []string{"versions", "it's"}, true, "s3://b/1"},
		{bob, []string{"versions", "its"}, false, `"its" has no versions`},
		{bob, []string{"history", "it's"}, true, "approvals required Production  0       1"},
		{bob, []string{"history", "it's", "1"}, true, "approval of 1  approved           now"},
		{bob, []string{"history", "it's", "x"}, false, "must be a number"},
		{bob, []string{"history", "its"}, false, "nothing is known"},
	} {
		args := append([]string{"registry"}, c.args...)
		for i, a := range args {
			if a == "ID" {
				args[i] = requestID(t, boss("registry", "approvals", "--json"))
			}
		}
		status, out := 0, ""
		if c.token == "" && c.ok {
			out = boss(args...)
		} else {
			status, out = as(c.token, args...)
		}
		if (status == 0) != c.ok || !strings.Contains(spaces.ReplaceAllString(out, " "), spaces.ReplaceAllString(c.want, " ")) {
			t.Errorf("%v: %d %s, want %s", c.args, status, out, c.want)
		}
	}
	p.send(t, "model-versions/transition-stage", `{"name":"it's","version":"1","stage":"Production","archive_existing_versions":true}`)
}

var spaces = regexp.MustCompile(` +`)

func requestID(t *testing.T, out string) string {
	t.Helper()
	var all []struct{ ID string }
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
		t.Fatalf("%s: %v", out, err)
	}
	return all[0].ID
}

// send posts to MLflow's API, which must take it.
func (p *process) send(t *testing.T, path, body string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.ports.URL()+"/api/2.0/mlflow/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+p.token)
	q.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, a.Status)
	}
}
