package app

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/embednats"
	"github.com/streamgauge/streamgauge/cmd/hosts"
	"github.com/streamgauge/streamgauge/cmd/openapi"
	"github.com/streamgauge/streamgauge/ingest"
	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// served is all routes of a server, over documents in memory; behind the gate most of them have nothing to answer
// from. Tokens are sg_<role>_x, and sg_wine_x, which may write in experiment 1.
type served struct {
	t   *testing.T
	web *web
	// own is a run in experiment 1, run one in experiment 2.
	own, run string
}

func serve(t *testing.T) *served {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWeb(listen, headTimeout, &health{}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	names, err := hosts.New("127.0.0.1:5000", nil)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := registry.Open(context.Background(), new(mem.Journal), registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(documents.Close)
	edge := ingest.New(documents, nil, ingest.Options{Experiments: documents})
	t.Cleanup(edge.Close)
	bus, err := embednats.Start(embednats.Options{Dir: t.TempDir(), Log: w.log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Stop)
	files, err := openArtifacts(context.Background(), "", t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &server{web: w, nats: bus, files: files, keys: access.NewKeyring(""), hosts: names, p: Process{Log: w.log}}
	s.parts = &parts{s: s, registry: documents, query: query.New(query.NewHot(query.HotOptions{}), nil, nil, nil, query.Options{}), edge: edge}
	if err := s.routes(); err != nil {
		t.Fatal(err)
	}
	out := &served{t: t, web: w}
	for _, name := range []string{"wine", "secret"} {
		run, err := documents.Do(context.Background(), track.CreateRun{ExperimentName: name})
		if err != nil {
			t.Fatal(err)
		}
		out.own, out.run = out.run, run.GetId()
	}
	for id, token := range map[string]access.Token{
		"read": {Role: access.Read}, "write": {Role: access.Write}, "admin": {Role: access.Admin},
		"wine": {Role: access.Write, Scope: access.Scope{IDs: []string{"1"}}},
	} {
		token.ID, token.Name, token.Hash = id, id, access.Hash("sg_"+id+"_x")
		s.keys.Put(token, 1)
	}
	w.open()
	return out
}

// ask makes a request to a route that names experiment 2 and its run in every place where one can be named.
func (s *served) ask(r fiber.Route, token string) (int, string) {
	s.t.Helper()
	path := strings.NewReplacer(":run_id", s.run, ":id", "m-"+s.run, ":key", "k", "*", "2/x").Replace(r.Path)
	path += "?run_id=" + s.run + "&experiment_id=2&experiment_name=secret&path=2/x"
	body := `{"run_id":"` + s.run + `","experiment_id":"2","name":"other","key":"k","value":1,"timestamp":1}`
	kind := "application/json"
	if r.Path == "/v1/frames" {
		body, kind = delimited(s.t, s.run), "application/x-protobuf"
	}
	if r.Path == "/v1/metrics" {
		body = `{"resourceMetrics":[{"resource":{"attributes":[{"key":"streamgauge.run_id","value":{"stringValue":"` + s.run + `"}}]},
			"scopeMetrics":[{"metrics":[{"name":"k","gauge":{"dataPoints":[{"asDouble":1}]}}]}]}]}`
	}
	return s.send(r.Method, path, body, kind, token)
}

func (s *served) send(method, path, body, kind, token string) (int, string) {
	s.t.Helper()
	q := httptest.NewRequest(method, path, strings.NewReader(body))
	q.Host = "127.0.0.1:5000"
	q.Header.Set("Content-Type", kind)
	if token != "" {
		q.Header.Set("Authorization", "Bearer sg_"+token+"_x")
	}
	a, err := s.web.app.Test(q, -1)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.StatusCode, string(b)
}

// delimited is a frame of a run behind its length.
func delimited(t *testing.T, run string) string {
	b, err := frame.Encode(&sgpb.Frame{Writer: 1, Number: 1, Sections: []*sgpb.Section{{RunId: run}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
}

func TestEveryRouteAsksForWhatItNeeds(t *testing.T) {
	s := serve(t)
	routes := s.web.app.GetRoutes(true)
	if len(routes) < 100 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, r := range routes {
		name := r.Method + " " + r.Path
		rule, known := access.RuleOf(r.Method, r.Path)
		if !known {
			t.Errorf("%s has no rule in cmd/access/rules.go", name)
		}
		if rule.Role < access.Write && writes(r) {
			t.Errorf("%s is open to readers", name)
		}
		if rule.Reach == access.Public {
			continue
		}
		if status, body := s.ask(r, ""); status != fiber.StatusUnauthorized {
			t.Errorf("%s without a token: %d %s", name, status, body)
		}
		for _, role := range []access.Role{access.Read, access.Write} {
			if role >= rule.Role {
				continue // what it answers is for other tests
			}
			if status, body := s.ask(r, role.String()); status != fiber.StatusForbidden {
				t.Errorf("%s as %s: %d %s", name, role, status, body)
			}
		}
		switch rule.Reach {
		case access.Nothing, access.Visible, access.SearchIn:
			continue
		}
		if status, body := s.ask(r, "wine"); status != fiber.StatusForbidden {
			t.Errorf("%s of another experiment: %d %s", name, status, body)
		}
	}
}

// TestEveryRouteIsDescribed compares what is registered under /v1 with what the OpenAPI document has.
func TestEveryRouteIsDescribed(t *testing.T) {
	described := make(map[string]bool)
	for _, r := range openapi.Routes() {
		if name := r.Method + " " + r.Path; described[name] {
			t.Errorf("%s is described twice", name)
		} else {
			described[name] = true
		}
	}
	registered := make(map[string]bool)
	for _, r := range serve(t).web.app.GetRoutes(true) {
		name := r.Method + " " + r.Path
		registered[name] = true
		if strings.HasPrefix(r.Path, "/v1/") && r.Method != fiber.MethodHead && !described[name] {
			t.Errorf("%s is not described: add it to its module's package contract", name)
		}
	}
	for name := range described {
		if !registered[name] {
			t.Errorf("%s is described, and there is no such route", name)
		}
	}
}

// TestNoOtherFieldStandsForTheOneThatIsRead walks all routes that are confined by names. A request that names its own
// experiment in every field but one must reach no other: the handler may read the one that is left out, and take the default
// experiment for it. Bodies of points are read by one parser, and there is no bus here to take them.
func TestNoOtherFieldStandsForTheOneThatIsRead(t *testing.T) {
	s := serve(t)
	fields := map[string]string{
		"experiment_id": `"1"`, "experiment_ids": `["1"]`, "experiment_name": `"wine"`, "run_id": `"` + s.own + `"`, "run_uuid": `"` + s.own + `"`,
		"run_ids": `["` + s.own + `"]`, "source_run_id": `"` + s.own + `"`,
	}
	walked := 0
	for _, r := range s.web.app.GetRoutes(true) {
		rule, _ := access.RuleOf(r.Method, r.Path)
		switch rule.Reach {
		case access.Named, access.NewRun, access.NewExperiment:
		default:
			continue
		}
		if rule.Role != access.Write {
			continue // readers have nothing to answer from here
		}
		walked++
		for left := range fields {
			var body []string
			for name, value := range fields {
				if name != left {
					body = append(body, fmt.Sprintf("%q:%s", name, value))
				}
			}
			more := `,"name":"n","key":"k","value":"1","timestamp":1,"path":"f"`
			all := "experiment_id=1&experiment_ids=1&run_id=" + s.own
			path := strings.NewReplacer(":run_id", s.own, ":id", "m-"+s.own, ":key", "k").Replace(r.Path)
			for where, sent := range map[string][2]string{"body": {path, "{" + strings.Join(body, ",") + more + "}"}, "query": {path + "?" + all, "{" + more[1:] + "}"}} {
				status, answer := s.send(r.Method, sent[0], sent[1], "application/json", "wine")
				if status == fiber.StatusOK && reachesAnother(answer) {
					t.Errorf("%s %s with all fields in the %s but %s: %s", r.Method, r.Path, where, left, answer)
				}
			}
		}
	}
	if walked < 20 {
		t.Errorf("only %d routes", walked)
	}
}

// reachesAnother says that an answer is of another experiment than 1.
func reachesAnother(answer string) bool {
	return strings.Contains(answer, `"experiment_id":"0"`) || strings.Contains(answer, `"experiment_id":"2"`)
}

// writes says that a route is not one of those that read by POST.
func writes(r fiber.Route) bool {
	switch r.Method {
	case fiber.MethodGet, fiber.MethodHead:
		return false
	case fiber.MethodPost:
		// The page's telemetry is thrown away, and there is no gateway to speak to.
		for _, reads := range []string{
			"/search", "/search-datasets", "/get-latest-versions", "/presigned-download-url", "/v1/sql", "/v1/series", "/v1/importance", "/v1/runs/groups", "/v1/runs/ids", "/v1/runs/silent", "/v1/export", "/v1/live/:id", "/graphql", "/ui-telemetry", "/gateway-proxy",
			"/traces/batchGetInfos", "/traces/metrics", "/traces/calculate-filter-correlation",
		} {
			if strings.HasSuffix(r.Path, reads) {
				return false
			}
		}
	}
	return true
}

// A page of another site can make a browser send a GET.
func TestGraphQLTakesNoGet(t *testing.T) {
	s := serve(t)
	if status, body := s.ask(fiber.Route{Method: fiber.MethodGet, Path: "/graphql"}, "admin"); status != fiber.StatusNotFound && status != fiber.StatusMethodNotAllowed {
		t.Errorf("GET /graphql: %d %s", status, body)
	}
}
