package absent_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/cmd/absent"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

func TestListsAreEmptyAndNothingIsFound(t *testing.T) {
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, body, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(body)
	}})
	absent.Routes(app)
	for _, tt := range []struct {
		method, path string
		status       int
		say          string
	}{
		{"GET", "/api/3.0/mlflow/gateway/endpoints/list", 200, `{}`},
		{"GET", "/ajax-api/3.0/mlflow/gateway/endpoints/list", 200, `{}`},
		{"POST", "/ajax-api/2.0/mlflow/gateway-proxy", 200, `{"endpoints":[]}`},
		{"GET", "/ajax-api/3.0/mlflow/jobs/a%20b", 404, "Job with ID a b not found"},
		{"GET", "/api/3.0/mlflow/gateway/budgets/get?budget_policy_id=b%25s", 404, "BudgetPolicy not found (budget_policy_id='b%s')"},
		{"GET", "/api/3.0/mlflow/label-schemas/list", 400, "Missing value for required parameter 'experiment_id'"},
		{"GET", "/api/3.0/mlflow/label-schemas/list?experiment_id=0", 200, "{}"},
	} {
		resp, err := app.Test(httptest.NewRequestWithContext(context.Background(), tt.method, tt.path, http.NoBody))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tt.status || !strings.Contains(string(body), tt.say) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, resp.StatusCode, body)
		}
	}
}
