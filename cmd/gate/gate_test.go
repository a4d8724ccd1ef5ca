package gate_test

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/gate"
	"github.com/streamgauge/streamgauge/cmd/hosts"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// docs has experiments 0 (Default), 1 (wine) and 2 (secret), each with run r<n> and model m<n>.
type docs struct{ down bool }

var names = []string{"Default", "wine", "secret"}

func (d docs) Experiment(_ context.Context, id string) (*sgpb.Experiment, error) {
	if id == "" {
		id = "0"
	}
	n, err := strconv.Atoi(id)
	switch {
	case d.down:
		return nil, track.Unavailable(track.TemporarilyUnavailable, 1, "away")
	case err != nil || n >= len(names):
		return nil, track.Errorf(track.ResourceDoesNotExist, "no experiment")
	}
	return &sgpb.Experiment{Id: strconv.Itoa(n), Name: names[n]}, nil
}

func (d docs) ExperimentByName(ctx context.Context, name string) (*sgpb.Experiment, error) {
	for i, n := range names {
		if n == name {
			return d.Experiment(ctx, strconv.Itoa(i))
		}
	}
	return nil, track.Errorf(track.ResourceDoesNotExist, "no experiment")
}

func (d docs) Lookup(ctx context.Context, run string) (track.RunFacts, error) {
	e, err := d.Experiment(ctx, strings.TrimPrefix(run, "r"))
	n, _ := strconv.ParseUint(e.GetId(), 10, 32)
	return track.RunFacts{Experiment: uint32(n)}, err
}

func (d docs) Model(ctx context.Context, id string) (*sgpb.LoggedModel, error) {
	e, err := d.Experiment(ctx, strings.TrimPrefix(id, "m"))
	return &sgpb.LoggedModel{ExperimentId: e.GetId()}, err
}

type rig struct {
	t    testing.TB
	app  *fiber.App
	keys *access.Keyring
	gate *gate.Gate
}

func newRig(t testing.TB, open bool, d docs) *rig {
	t.Helper()
	called, err := hosts.New("127.0.0.1:5000", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, keys: access.NewKeyring("sg_owner_1")}
	r.app = fiber.New(fiber.Config{CaseSensitive: true, StreamRequestBody: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, body, retry := mlflow.ErrorBody(err)
		if retry > 0 {
			c.Set("Retry-After", strconv.Itoa(retry))
		}
		return c.Status(status).Send(body)
	}})
	r.gate = gate.New(gate.Options{Keys: r.keys, Hosts: called, Docs: d, Open: open, Log: slog.New(slog.DiscardHandler)})
	r.app.Use(r.gate.Enter)
	routes := r.gate.Router(r.app)
	// Every handler answers who asks, and with what body it was left.
	echo := func(c *fiber.Ctx) error {
		return c.SendString("by " + track.CallerOf(c.UserContext()).Name + " with " + string(c.Body()))
	}
	for _, route := range []string{
		"GET /health", "GET /", "GET /metrics", "POST /v1/sql", "POST /v1/tokens", "POST /api/2.0/mlflow/webhooks", "GET /v1/runs/:run_id/series",
		"GET /api/2.0/mlflow/runs/get", "POST /api/2.0/mlflow/runs/create", "POST /api/2.0/mlflow/runs/search", "POST /api/2.0/mlflow/runs/log-metric",
		"POST /api/2.0/mlflow/runs/set-tag", "POST /api/2.0/mlflow/runs/log-inputs", "POST /api/2.0/mlflow/experiments/create",
		"GET /api/2.0/mlflow/experiments/get-by-name", "GET /api/2.0/mlflow/experiments/get", "GET /api/2.0/mlflow/logged-models/:id", "GET /api/2.0/mlflow-artifacts/artifacts",
	} {
		method, path, _ := strings.Cut(route, " ")
		routes.Add(method, path, echo)
	}
	routes.Get("/api/2.0/mlflow-artifacts/artifacts/*", echo)
	routes.Put("/api/2.0/mlflow-artifacts/artifacts/*", echo)
	return r
}

// token puts a token on the ring whose secret is sg_<id>_x.
func (r *rig) token(id string, role access.Role, s access.Scope) {
	r.keys.Put(access.Token{ID: id, Name: id + "-name", Role: role, Scope: s, Hash: access.Hash("sg_" + id + "_x")}, 1)
}

func (r *rig) send(method, path, body string, headers ...string) (int, string, map[string][]string) {
	r.t.Helper()
	q := httptest.NewRequest(method, path, strings.NewReader(body))
	q.Host = "127.0.0.1:5000"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			q.Host = headers[i+1]
		}
		q.Header.Set(headers[i], headers[i+1])
	}
	a, err := r.app.Test(q, -1)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return a.StatusCode, string(b), a.Header
}

const api = "/api/2.0/mlflow"

func TestWithoutTokensEverybodyHereIsServed(t *testing.T) {
	r := newRig(t, true, docs{})
	for _, tt := range []struct {
		method, path string
		headers      []string
		status       int
		want         string
	}{
		{"GET", "/", nil, 200, "by "},
		{"POST", api + "/runs/create", nil, 200, "by "},
		{"POST", api + "/runs/create", []string{"Authorization", "Bearer of another server"}, 200, "by "},
		{"POST", "/v1/tokens", nil, 403, "role admin"},
		{"POST", "/v1/tokens", []string{"Authorization", "Bearer sg_owner_1"}, 200, "by owner"},
		{"POST", "/v1/tokens", []string{"Authorization", "Bearer sg_owner_2"}, 403, "role admin"},
		{"POST", api + "/webhooks", nil, 200, "by "},
		{"GET", "/", []string{"Host", "evil.example"}, 403, "Invalid Host header"},
		{"GET", "/nothing", []string{"Host", "evil.example"}, 403, "Invalid Host header"},
		{"GET", "/health", []string{"Host", "evil.example"}, 200, ""},
		{"POST", api + "/runs/create", []string{"Origin", "http://127.0.0.1:5000"}, 200, ""},
		{"POST", api + "/runs/create", []string{"Origin", "http://evil.example"}, 403, "Cross-origin request blocked"},
		{"POST", api + "/runs/create", []string{"Origin", "null"}, 403, "Cross-origin request blocked"},
		{"GET", api + "/runs/get", []string{"Origin", "http://evil.example"}, 200, ""},
	} {
		status, body, header := r.send(tt.method, tt.path, "{}", tt.headers...)
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s %v: %d %s", tt.method, tt.path, tt.headers, status, body)
		}
		if header["X-Content-Type-Options"] == nil || header["Access-Control-Allow-Origin"] != nil {
			t.Errorf("%s %s: headers %v", tt.method, tt.path, header)
		}
	}
}

func TestATokenIsAskedFor(t *testing.T) {
	closed := newRig(t, false, docs{})
	if status, _, _ := closed.send("GET", "/", ""); status != 401 {
		t.Errorf("a server that others reach, without tokens: %d", status)
	}
	r := newRig(t, true, docs{})
	r.token("reader", access.Read, access.Scope{})
	r.token("writer", access.Write, access.Scope{})
	r.token("boss", access.Admin, access.Scope{})
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:sg_writer_x"))
	for _, tt := range []struct {
		method, path, proof string
		status              int
		code, want          string
	}{
		{"GET", "/", "", 401, "UNAUTHENTICATED", "MLFLOW_TRACKING_TOKEN"},
		{"GET", "/nothing", "", 401, "UNAUTHENTICATED", "token create"},
		{"GET", "/health", "", 200, "", ""},
		{"GET", "/", "Bearer sg_reader_y", 401, "UNAUTHENTICATED", "not known"},
		{"GET", "/", "Bearer sg_reader_x", 200, "", "by reader-name"},
		{"POST", api + "/runs/search", "Bearer sg_reader_x", 200, "", ""},
		{"POST", api + "/runs/create", "Bearer sg_reader_x", 403, "PERMISSION_DENIED", "'reader-name' has the role read; this needs write"},
		{"POST", "/v1/sql", "Bearer sg_reader_x", 200, "", ""},
		{"POST", api + "/runs/create", "Bearer sg_writer_x", 200, "", "by writer-name"},
		{"POST", api + "/runs/create", basic, 200, "", "by writer-name"},
		{"POST", "/v1/tokens", "Bearer sg_writer_x", 403, "PERMISSION_DENIED", "needs admin"},
		{"POST", api + "/webhooks", "Bearer sg_writer_x", 403, "PERMISSION_DENIED", "needs admin"},
		{"POST", api + "/webhooks", "Bearer sg_boss_x", 200, "", "by boss-name"},
		{"POST", "/v1/tokens", "Bearer sg_boss_x", 200, "", "by boss-name"},
		{"POST", api + "/runs/create", "Bearer sg_owner_1", 200, "", "by owner"},
	} {
		status, body, header := r.send(tt.method, tt.path, "{}", "Authorization", tt.proof)
		if tt.proof == "" {
			status, body, header = r.send(tt.method, tt.path, "{}")
		}
		if status != tt.status || !strings.Contains(body, tt.want) || tt.code != "" && !strings.Contains(body, `{"error_code":"`+tt.code+`","message":`) {
			t.Errorf("%s %s as %q: %d %s", tt.method, tt.path, tt.proof, status, body)
		}
		if challenge := header["Www-Authenticate"]; (status == 401) != (len(challenge) == 2) {
			t.Errorf("%s %s as %q: %d, challenge %v", tt.method, tt.path, tt.proof, status, challenge)
		}
	}
}

func TestWrongTokensAreThrottled(t *testing.T) {
	r := newRig(t, true, docs{})
	r.token("a", access.Read, access.Scope{})
	for range 10 {
		if status, _, _ := r.send("GET", "/", "", "Authorization", "Bearer x"); status != 401 {
			t.Fatalf("status %d", status)
		}
	}
	status, body, header := r.send("GET", "/", "", "Authorization", "Bearer x")
	if status != 429 || header["Retry-After"] == nil || !strings.Contains(body, "RESOURCE_EXHAUSTED") {
		t.Errorf("the eleventh: %d %s %v", status, body, header)
	}
	if status, _, _ := r.send("GET", "/", "", "Authorization", "Bearer sg_a_x"); status != 200 {
		t.Errorf("a right token from the same address: %d", status)
	}
}

func TestTheOwnersTokenDoesNotTravel(t *testing.T) {
	r := newRig(t, true, docs{})
	r.token("a", access.Read, access.Scope{})
	handler := r.app.Handler()
	for from, want := range map[string]int{"127.0.0.1": 200, "::1": 200, "10.0.0.9": 401} {
		var q fasthttp.Request
		q.Header.SetMethod("GET")
		q.SetRequestURI("/metrics")
		q.Header.SetHost("127.0.0.1:5000")
		q.Header.Set("Authorization", "Bearer sg_owner_1")
		var c fasthttp.RequestCtx
		c.Init(&q, &net.TCPAddr{IP: net.ParseIP(from)}, nil)
		handler(&c)
		if got := c.Response.StatusCode(); got != want {
			t.Errorf("from %s: %d %s", from, got, c.Response.Body())
		}
	}
}

func TestAConfinedTokenReachesItsExperimentsOnly(t *testing.T) {
	r := newRig(t, true, docs{})
	r.token("w", access.Write, access.Scope{IDs: []string{"1"}, Names: []string{"later"}})
	long := `{"run_id":"r1","key":"` + strings.Repeat("k", 100_000) + `"}`
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/", "", 200},
		{"GET", "/metrics", "", 403},
		{"POST", "/v1/sql", `{"query":"SELECT 1"}`, 200}, // its views keep back what is outside
		{"GET", "/v1/runs/r1/series", "", 200},
		{"GET", "/v1/runs/r2/series", "", 403},
		{"GET", "/v1/runs/%72%32/series", "", 403},
		{"GET", api + "/runs/get?run_id=r1", "", 200},
		{"GET", api + "/runs/get?run_id=r2", "", 403},
		{"GET", api + "/runs/get?run_id=r1&run_uuid=r2", "", 403},
		{"GET", api + "/runs/get?run_id=r99", "", 200}, // not there: the handler says so
		{"POST", api + "/runs/create", `{"experiment_id":"1"}`, 200},
		{"POST", api + "/runs/create", `{"experiment_id":"2"}`, 403},
		{"POST", api + "/runs/create", `{}`, 403}, // the default experiment
		{"POST", api + "/runs/search", `{"experiment_ids":["1"]}`, 200},
		{"POST", api + "/runs/log-metric", `{"run_id":"r1","key":"k","value":1,"timestamp":1}`, 200},
		{"POST", api + "/runs/log-metric", `{"run_id":"r2","key":"k","value":1,"timestamp":1}`, 403},
		{"POST", api + "/runs/set-tag", long, 200},
		{"POST", api + "/runs/set-tag", `{"run_id":"r2","key":"k"}`, 403},
		{"POST", api + "/runs/set-tag", `no json`, 400},
		{"POST", api + "/runs/log-inputs", `{"run_id":"r1","models":[{"model_id":"m1"}]}`, 200},
		{"POST", api + "/runs/log-inputs", `{"run_id":"r1","models":[{"model_id":"m2"}]}`, 403},
		{"POST", api + "/experiments/create", `{"name":"later"}`, 200},
		{"POST", api + "/experiments/create", `{"name":"other"}`, 403},
		{"POST", api + "/experiments/create", `{"name":"later","artifact_location":"mlflow-artifacts:/2"}`, 403},
		{"GET", api + "/experiments/get-by-name?experiment_name=wine", "", 200},
		{"GET", api + "/experiments/get-by-name?experiment_name=secret", "", 403},
		{"GET", api + "/experiments/get-by-name?experiment_name=later", "", 200},
		{"GET", api + "/experiments/get-by-name?experiment_name=nobodys", "", 403},
		{"GET", api + "/experiments/get?experiment_id=2", "", 403},
		{"GET", api + "/experiments/get?experiment_id=02", "", 403},
		{"GET", api + "/logged-models/m1", "", 200},
		{"GET", api + "/logged-models/m2", "", 403},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts?path=1/r1", "", 200},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts?path=2/r2", "", 403},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts?path=01/r2", "", 403},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts", "", 403},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts/1/r1/artifacts/a", "", 200},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts/2/r2/artifacts/a", "", 403},
		{"PUT", "/api/2.0/mlflow-artifacts/artifacts/2/r2/artifacts/a", "x", 403},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts/%32/r2/artifacts/a", "", 403},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts/1/..%2f2/r2", "", 400},
		{"GET", "/api/2.0/mlflow-artifacts/artifacts/nowhere/a", "", 403},
	} {
		status, body, _ := r.send(tt.method, tt.path, tt.body, "Authorization", "Bearer sg_w_x")
		if status != tt.status {
			t.Errorf("%s %s %.60s: %d %s", tt.method, tt.path, tt.body, status, body)
		}
		if status == 403 && (!strings.Contains(body, "PERMISSION_DENIED") || !strings.Contains(body, "--experiment") && !strings.Contains(body, "artifact_location")) {
			t.Errorf("%s %s: no remedy in %s", tt.method, tt.path, body)
		}
		if status == 200 && tt.body != "" && !strings.HasSuffix(body, "with "+tt.body) {
			t.Errorf("%s %s: the handler found %.80s", tt.method, tt.path, body)
		}
	}
	if _, body, _ := r.send("POST", api+"/runs/search", `{"experiment_ids":["2","1","9"]}`, "Authorization", "Bearer sg_w_x"); !strings.HasSuffix(body, `with {"experiment_ids":["1"]}`) {
		t.Errorf("a search finds %s", body)
	}
	if status, _, _ := r.send("POST", api+"/runs/set-tag", `{"run_id":"r1"}`, "Authorization", "Bearer sg_w_x", "Content-Encoding", "br"); status != 400 {
		t.Errorf("an encoded body: %d", status)
	}
}

func TestAScopeThatCannotBeCheckedIsClosed(t *testing.T) {
	r := newRig(t, true, docs{down: true})
	r.token("w", access.Write, access.Scope{IDs: []string{"1"}})
	for _, path := range []string{api + "/runs/get?run_id=r1", api + "/experiments/get?experiment_id=1", api + "/logged-models/m1", api + "/experiments/get-by-name?experiment_name=wine", "/api/2.0/mlflow-artifacts/artifacts/1/a"} {
		if status, body, _ := r.send("GET", path, "", "Authorization", "Bearer sg_w_x"); status != 503 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body, _ := r.send("POST", api+"/runs/search", `{"experiment_ids":["1"]}`, "Authorization", "Bearer sg_w_x"); status != 503 {
		t.Errorf("a search: %d %s", status, body)
	}
}

func TestRoutesBesideTheGateAreFound(t *testing.T) {
	r := newRig(t, true, docs{})
	r.gate.Router(r.app).Get("/unruled", func(*fiber.Ctx) error { return nil })
	if err := r.gate.Check(r.app); err != nil {
		t.Errorf("a closed route: %v", err)
	}
	r.token("w", access.Write, access.Scope{})
	if status, _, _ := r.send("GET", "/unruled", "", "Authorization", "Bearer sg_w_x"); status != 403 {
		t.Errorf("a route without a rule: %d", status)
	}
	r.app.Get("/theme.js", func(*fiber.Ctx) error { return nil })
	if err := r.gate.Check(r.app); err == nil || !strings.HasSuffix(err.Error(), ": GET /theme.js") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkAnonymous(b *testing.B) { benchmark(b, "", access.Scope{}) }
func BenchmarkToken(b *testing.B)     { benchmark(b, "Bearer sg_w_x", access.Scope{}) }
func BenchmarkNoGate(b *testing.B) {
	app := fiber.New()
	app.Post(api+"/runs/log-metric", func(*fiber.Ctx) error { return nil })
	serve(b, app.Handler(), "")
}

func benchmark(b *testing.B, proof string, s access.Scope) {
	r := newRig(b, true, docs{})
	if proof != "" {
		r.token("w", access.Write, s)
	}
	app := fiber.New()
	app.Use(r.gate.Enter)
	r.gate.Router(app).Post(api+"/runs/log-metric", func(*fiber.Ctx) error { return nil })
	serve(b, app.Handler(), proof)
}

func serve(b *testing.B, handler fasthttp.RequestHandler, proof string) {
	c := new(fasthttp.RequestCtx)
	c.Request.Header.SetMethod("POST")
	c.Request.SetRequestURI(api + "/runs/log-metric")
	c.Request.Header.SetHost("127.0.0.1:5000")
	if proof != "" {
		c.Request.Header.Set("Authorization", proof)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.ResetUserValues()
		c.Response.Reset()
		handler(c)
		if c.Response.StatusCode() != 200 {
			b.Fatal(c.Response.String())
		}
	}
}
