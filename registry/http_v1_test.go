package registry_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// as sends a request with a token of that name; "" is nobody.
func as(t testing.TB, r *registry.Registry, name, method, path, body string) (int, string) {
	t.Helper()
	a := fiber.New(fiber.Config{CaseSensitive: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, body, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(body)
	}})
	a.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(track.WithCaller(context.Background(), &track.Caller{Name: name}))
		return c.Next()
	})
	r.Routes(a)
	q := httptest.NewRequest(method, path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	w, err := a.Test(q, -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.StatusCode, string(b)
}

func TestApprovalsAndEndpointsOverHTTP(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{})
	var id string
	for _, c := range []struct {
		by, method, path, body string
		status                 int
		part                   string
	}{
		{"ann", "POST", "/api/2.0/mlflow/registered-models/create", `{"name":"a b"}`, 200, ""},
		{"ann", "POST", "/api/2.0/mlflow/model-versions/create", `{"name":"a b","source":"s3://b/1"}`, 200, ""},
		{"ann", "PUT", "/v1/registered-models/a%20b/approvals-required", `{"stage":"Production"}`, 400, "Missing value for required parameter 'count'"},
		{"ann", "PUT", "/v1/registered-models/a%20b/approvals-required", `{"stage":"Production","count":1}`, 200, `{"approvals_required":{"Production":1}}`},
		{"ann", "POST", "/api/2.0/mlflow/model-versions/transition-stage", `{"name":"a b","version":"1","stage":"Production","archive_existing_versions":true}`, 403, `"error_code": "PERMISSION_DENIED"`},
		{"ann", "POST", "/v1/approvals", `{"model":"a b","stage":"Production"}`, 400, "'version'"},
		{"ann", "POST", "/v1/approvals", `{"model":"a b","version":1,"stage":"Production","comment":"please","by":"bob"}`, 200, `"requested_by":"ann"`},
		{"ann", "GET", "/v1/approvals?status=pending&model=a+b", "", 200, `"status":"PENDING"`},
		{"ann", "GET", "/v1/approvals?status=maybe", "", 400, "PENDING, APPROVED, REJECTED, CLOSED"},
		{"ann", "POST", "/v1/approvals/ID/approve", ``, 403, "somebody else must"},
		{"bob", "POST", "/v1/approvals/ID/reject", `{"comment":"no"}`, 200, `"status":"REJECTED"`},
		{"bob", "POST", "/v1/approvals/ID/approve", `{"comment":"yes"}`, 200, `"verdicts":[{"by":"bob","time_ms":`},
		{"ann", "POST", "/v1/approvals/x/approve", ``, 404, "Approval request 'x' not found"},
		{"ann", "POST", "/api/2.0/mlflow/model-versions/transition-stage", `{"name":"a b","version":"1","stage":"Production"}`, 200, `"current_stage":"Production"`},
		{"ann", "GET", "/v1/approvals", "", 200, `"status":"CLOSED"`},
		{"ann", "GET", "/v1/approvals?model=other", "", 200, `{"approvals":[]}`},
		{"ann", "PUT", "/v1/registered-models/a%20b/approvals-required", `{"stage":"Production","count":0}`, 200, `{"approvals_required":{}}`},
		{"ann", "GET", "/v1/endpoints", "", 200, `{"endpoints":[]}`},
		{"ann", "POST", "/v1/endpoints", `{"name":"eu","url":"https://a.example.com","model":"a b","version":"1","since_ms":5}`, 200, `"since_ms":5,"created_by":"ann"`},
		{"bob", "GET", "/v1/endpoints?active=true&model=a+b", "", 200, `"name":"eu"`},
		{"bob", "PATCH", "/v1/endpoints/ID", `{"until_ms":9}`, 200, `"until_ms":9`},
		{"bob", "GET", "/v1/endpoints?active=true", "", 200, `{"endpoints":[]}`},
		{"bob", "GET", "/v1/endpoints", "", 200, `"until_ms":9`},
	} {
		status, answer := as(t, r, c.by, c.method, strings.Replace(c.path, "ID", id, 1), c.body)
		if status != c.status || !strings.Contains(answer, c.part) && !strings.Contains(strings.ReplaceAll(answer, `":"`, `": "`), c.part) {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, status, answer, c.status, c.part)
		}
		var made struct {
			Approval, Endpoint struct{ ID string }
		}
		if json.Unmarshal([]byte(answer), &made) == nil && made.Approval.ID+made.Endpoint.ID != "" {
			id = made.Approval.ID + made.Endpoint.ID
		}
	}
}

func TestAlertsOnExperimentsThatAreNotThere(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{})
	rule := func(experiment string) string {
		return `{"name":"nan","experiment_ids":["` + experiment + `"],"kind":"nan","channels":[{"type":"email","to":["a@b.example"]}]}`
	}
	for experiment, part := range map[string]string{"4242": "there is no experiment with the id 4242", "wine": "'wine' is no id"} {
		if status, body := as(t, r, "", "POST", "/v1/alerts", rule(experiment)); status != 400 || !strings.Contains(body, part) {
			t.Errorf("%s: %d %s", experiment, status, body)
		}
	}
}
