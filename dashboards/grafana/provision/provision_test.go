package provision_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/streamgauge/streamgauge/dashboards/grafana/board"
	"github.com/streamgauge/streamgauge/dashboards/grafana/provision"
)

var options = provision.Options{ClickHouse: "127.0.0.1:9000", User: "reader", Password: "pa$$word", Database: "sg", Server: "http://127.0.0.1:5000"}

func TestFilesAreWhatGrafanaReads(t *testing.T) {
	dir := t.TempDir()
	files, err := provision.Files(options, "/etc/grafana/provisioning")
	if err != nil {
		t.Fatal(err)
	}
	if err := provision.Write(dir, files); err != nil {
		t.Fatal(err)
	}
	for name := range files {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			UID, Type, Access string
			JSONData          map[string]any    `yaml:"jsonData"`
			SecureJSONData    map[string]string `yaml:"secureJsonData"`
		}
	}
	read(t, files, "datasources/streamgauge.yaml", &sources)
	s := sources.Datasources[0]
	if sources.APIVersion != 1 || s.UID != "streamgauge" || s.Type != "grafana-clickhouse-datasource" || s.Access != "proxy" || s.JSONData["port"] != 9000 || s.JSONData["host"] != "127.0.0.1" {
		t.Errorf("%+v", s)
	}
	if _, ok := s.JSONData["password"]; ok || s.SecureJSONData["password"] != "pa$$$$word" {
		t.Errorf("the password %q would not be %q in Grafana, which expands dollars", s.SecureJSONData["password"], options.Password)
	}
	var providers struct {
		Providers []struct {
			Type, Folder string
			FolderUID    string `yaml:"folderUid"`
			Options      struct{ Path string }
		}
	}
	read(t, files, "dashboards/streamgauge.yaml", &providers)
	if p := providers.Providers[0]; p.Type != "file" || p.Options.Path != "/etc/grafana/provisioning/dashboards/streamgauge" {
		t.Errorf("%+v", p)
	}
	checkAlerts(t, files, providers.Providers[0].Folder)
	// Grafana makes the folder of alert rules by its name, before it reads dashboards: with an uid of its own it would be another.
	if uid := providers.Providers[0].FolderUID; uid != "" {
		t.Errorf("the folder has uid %q", uid)
	}
}

func checkAlerts(t *testing.T, files map[string][]byte, folder string) {
	var alerts struct {
		Groups []struct {
			Name, Folder, Interval string
			Rules                  []struct {
				UID, Title, Condition string
				Annotations           map[string]string
				Data                  []struct {
					RefID         string `yaml:"refId"`
					DatasourceUID string `yaml:"datasourceUid"`
				}
			}
		}
	}
	read(t, files, "alerting/streamgauge.yaml", &alerts)
	uids := make(map[string]bool)
	for _, g := range alerts.Groups {
		if g.Folder != folder {
			t.Errorf("alert rules in folder %q, dashboards in %q", g.Folder, folder)
		}
		for _, r := range g.Rules {
			// Grafana takes annotations as they stand, and $$ is no variable of its templates.
			if strings.Contains(r.Annotations["summary"], "$$") {
				t.Errorf("%s: %s", r.UID, r.Annotations["summary"])
			}
			if uids[r.UID] || r.Condition != r.Data[1].RefID || r.Data[0].DatasourceUID != "streamgauge" || r.Data[1].DatasourceUID != "__expr__" {
				t.Errorf("%+v", r)
			}
			uids[r.UID] = true
		}
	}
	for _, want := range []string{"sg-run-failed", "sg-loss-nan", "sg-no-heartbeat", "sg-lag", "sg-quarantine", "sg-disk"} {
		if !uids[want] {
			t.Errorf("no rule %s", want)
		}
	}
}

func read(t *testing.T, files map[string][]byte, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal(files[name], into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestAPasswordOfTheEnvironmentIsLeftToGrafana(t *testing.T) {
	o := options
	o.Password = "$READER_PASSWORD"
	files, err := provision.Files(o, "/x")
	if err != nil || !strings.Contains(string(files["datasources/streamgauge.yaml"]), "password: $READER_PASSWORD") {
		t.Errorf("%s %v", files["datasources/streamgauge.yaml"], err)
	}
}

func TestABadAddressIsNamed(t *testing.T) {
	for _, address := range []string{"", "host", ":9000", "host:port", "host:99999"} {
		o := options
		o.ClickHouse = address
		if _, err := provision.Files(o, "/x"); err == nil || !strings.Contains(err.Error(), "clickhouse-address") {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, address := range []string{"", "127.0.0.1:3000", "ftp://x"} {
		if _, err := provision.Connect(address, "token"); err == nil || !strings.Contains(err.Error(), "url") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := provision.Connect("http://127.0.0.1:3000", ""); err == nil || !strings.Contains(err.Error(), "token") {
		t.Error(err)
	}
}

// grafana is a server that keeps what Grafana's API would, and refuses what it would.
type grafana struct {
	t          *testing.T
	mu         sync.Mutex
	noPlugin   bool
	source     map[string]any
	folder     map[string]any
	boards     map[string]map[string]any
	rules      map[string]map[string]any
	intervals  map[string]float64
	duplicates int
}

func (g *grafana) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer secret" {
		http.Error(w, `{"message":"Invalid API key"}`, http.StatusUnauthorized)
		return
	}
	var body map[string]any
	if b, _ := io.ReadAll(r.Body); len(b) > 0 {
		if err := json.Unmarshal(b, &body); err != nil {
			g.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
	}
	answer, status := g.answer(r.Method, r.URL.Path, body)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (g *grafana) answer(method, path string, body map[string]any) (any, int) {
	missing := map[string]any{"message": "not found"}
	const rules = "/api/v1/provisioning/alert-rules"
	switch {
	case strings.HasPrefix(path, "/api/plugins/") && g.noPlugin:
		return missing, http.StatusNotFound
	case strings.HasPrefix(path, "/api/plugins/"):
		return map[string]any{"enabled": true}, http.StatusOK
	case path == "/api/datasources/uid/streamgauge" && method == http.MethodGet && g.source == nil:
		return missing, http.StatusNotFound
	case path == "/api/datasources/uid/streamgauge" && method == http.MethodGet:
		return g.source, http.StatusOK
	case path == "/api/datasources" && method == http.MethodPost, path == "/api/datasources/uid/streamgauge" && method == http.MethodPut:
		if method == http.MethodPost && g.source != nil {
			g.duplicates++
		}
		g.source = body
		return body, http.StatusOK
	case path == "/api/folders/streamgauge" && g.folder == nil:
		return missing, http.StatusNotFound
	case path == "/api/folders/streamgauge":
		return g.folder, http.StatusOK
	case path == "/api/folders":
		g.folder = map[string]any{"id": 5, "uid": body["uid"], "title": body["title"]}
		return g.folder, http.StatusOK
	case path == "/api/dashboards/db":
		b := body["dashboard"].(map[string]any)
		if body["folderUid"] != "streamgauge" || body["overwrite"] != true || b["id"] != nil {
			g.t.Errorf("dashboard %v in folder %v, overwrite %v, id %v", b["uid"], body["folderUid"], body["overwrite"], b["id"])
		}
		g.boards[b["uid"].(string)] = b
		return map[string]any{"status": "success", "message": ""}, http.StatusOK
	case path == rules && method == http.MethodPost:
		uid := body["uid"].(string)
		if g.rules[uid] != nil {
			g.duplicates++
		}
		g.rules[uid] = body
		return body, http.StatusCreated
	case strings.HasPrefix(path, rules+"/"):
		uid := strings.TrimPrefix(path, rules+"/")
		if g.rules[uid] == nil {
			return missing, http.StatusNotFound
		}
		if method == http.MethodPut {
			g.rules[uid] = body
		}
		return g.rules[uid], http.StatusOK
	case strings.Contains(path, "/rule-groups/"):
		if method == http.MethodPut {
			g.intervals[path] = body["interval"].(float64)
		}
		return map[string]any{"title": "x", "interval": 10}, http.StatusOK
	}
	g.t.Errorf("unexpected %s %s", method, path)
	return missing, http.StatusNotFound
}

func newGrafana(t *testing.T) (*grafana, string) {
	g := &grafana{t: t, boards: make(map[string]map[string]any), rules: make(map[string]map[string]any), intervals: make(map[string]float64)}
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	return g, s.URL
}

func TestUploadMayBeRepeated(t *testing.T) {
	g, address := newGrafana(t)
	c, err := provision.Connect(address, "secret")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var said []string
		if err := c.Upload(t.Context(), options, func(s string) { said = append(said, s) }); err != nil {
			t.Fatal(err)
		}
		if len(said) < len(board.All("")) {
			t.Errorf("said %v", said)
		}
	}
	if len(g.boards) != len(board.All("")) || len(g.rules) < 6 || len(g.intervals) != 2 || g.duplicates != 0 {
		t.Errorf("%d dashboards, %d rules, intervals %v, %d things made twice", len(g.boards), len(g.rules), g.intervals, g.duplicates)
	}
	if g.source["secureJsonData"].(map[string]any)["password"] != options.Password {
		t.Errorf("%v", g.source)
	}
	for uid, r := range g.rules {
		if r["folderUID"] != "streamgauge" || r["ruleGroup"] == "" {
			t.Errorf("rule %s: %v", uid, r)
		}
	}
}

func TestWhatIsWrongWithTheGrafanaIsSaid(t *testing.T) {
	g, address := newGrafana(t)
	c, err := provision.Connect(address, "wrong")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Upload(t.Context(), options, func(string) {}); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("a wrong token: %v", err)
	}
	g.noPlugin = true
	if c, err = provision.Connect(address, "secret"); err != nil {
		t.Fatal(err)
	}
	if err := c.Upload(t.Context(), options, func(string) {}); err == nil || !strings.Contains(err.Error(), "plugins install grafana-clickhouse-datasource") {
		t.Errorf("no plugin: %v", err)
	}
}
