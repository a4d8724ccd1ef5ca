// Package absent answers for what MLflow's server has and this one has not: its gateway to language models, jobs,
// issues, label schemas, review queues and MCP servers. There are none of these things here, so lists are empty and
// whoever asks for one by its id hears that it does not exist, in MLflow's words; its page and its clients take both
// well. What would make such a thing is not served: 404.
package absent

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// route is one that has nothing to give.
type route struct {
	method, path string
	// needs is a parameter that the query must have, "" for none; one with a colon stands in the path.
	needs string
	// body is the answer. If it is empty the answer is 404 with the words of unknown and the value of needs.
	body, unknown string
}

const (
	gateway = "/3.0/mlflow/gateway"
	nothing = "{}"
)

// both are served under /api and /ajax-api, pages under /ajax-api alone.
var (
	both = []route{
		{"GET", gateway + "/budgets/list", "", nothing, ""},
		{"GET", gateway + "/budgets/windows", "", nothing, ""},
		{"GET", gateway + "/budgets/get", "budget_policy_id", "", "BudgetPolicy not found (budget_policy_id='%s')"},
		{"GET", gateway + "/endpoints/list", "", nothing, ""},
		{"GET", gateway + "/endpoints/bindings/list", "", nothing, ""},
		{"GET", gateway + "/guardrails/list", "", nothing, ""},
		{"GET", gateway + "/guardrails/get", "guardrail_id", "", "Guardrail not found (guardrail_id='%s')"},
		{"GET", gateway + "/guardrails/list-for-endpoint", "endpoint_id", "", "Endpoint not found (endpoint_id='%s')"},
		{"GET", gateway + "/model-definitions/list", "", nothing, ""},
		{"GET", gateway + "/model-definitions/get", "model_definition_id", "", "GatewayModelDefinition not found (model_definition_id='%s')"},
		{"GET", gateway + "/secrets/list", "", nothing, ""},
		{"POST", "/3.0/mlflow/issues/search", "", `{"next_page_token":""}`, ""},
		{"GET", "/3.0/mlflow/issues/:id", ":id", "", "Issue with ID '%s' not found"},
		{"GET", "/3.0/mlflow/label-schemas/list", "experiment_id", nothing, ""},
		{"GET", "/3.0/mlflow/label-schemas/get", "schema_id", "", "Label schema with id '%s' not found."},
		{"GET", "/3.0/mlflow/review-queues/list", "experiment_id", `{"next_page_token":""}`, ""},
		{"GET", "/3.0/mlflow/review-queues/get", "queue_id", "", "Review queue with id '%s' not found."},
		{"GET", "/3.0/mlflow/review-queues/items/list", "queue_id", "", "Review queue with id '%s' not found."},
		{"GET", "/3.0/mlflow/scorers/online-configs", "scorer_ids", `{"configs":[]}`, ""},
		{"GET", "/3.0/mlflow/mcp-servers", "", `{"mcp_servers":[],"next_page_token":null}`, ""},
		{"GET", "/3.0/mlflow/mcp-servers/endpoints", "", `{"mcp_access_endpoints":[],"next_page_token":null}`, ""},
	}
	pages = []route{
		{"GET", "/2.0/mlflow/gateway-proxy", "", `{"endpoints":[]}`, ""},
		{"POST", "/2.0/mlflow/gateway-proxy", "", `{"endpoints":[]}`, ""},
		{"GET", gateway + "/secrets/config", "", `{"secrets_available":false,"using_default_passphrase":false}`, ""},
		{"GET", gateway + "/supported-providers", "", `{"providers":[]}`, ""},
		{"GET", gateway + "/supported-models", "", `{"models":[]}`, ""},
		{"GET", "/3.0/mlflow/jobs/:id", ":id", "", "Job with ID %s not found"},
		{"GET", "/3.0/mlflow/assistant/config", "", `{"providers":{},"projects":{},"remote_access_allowed":false}`, ""},
		{"GET", "/3.0/mlflow/assistant/providers", "", `{"providers":[]}`, ""},
		// The page asks whether it may send how it is used. It may not.
		{"GET", "/3.0/mlflow/ui-telemetry", "", `{"disable_ui_telemetry":true,"disable_ui_events":[],"ui_rollout_percentage":0}`, ""},
		{"POST", "/3.0/mlflow/ui-telemetry", "", `{"status":"disabled"}`, ""},
	}
)

// Routes registers them.
func Routes(to fiber.Router) {
	for _, r := range both {
		to.Add(r.method, "/api"+r.path, r.answer)
		to.Add(r.method, "/ajax-api"+r.path, r.answer)
	}
	for _, r := range pages {
		to.Add(r.method, "/ajax-api"+r.path, r.answer)
	}
}

func (r route) answer(c *fiber.Ctx) error {
	value, err := r.value(c)
	if err != nil {
		return err
	}
	if r.body == "" {
		return track.Errorf(track.ResourceDoesNotExist, r.unknown, value)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.SendString(r.body)
}

// value reads what the request must have, copied: the router reuses its memory.
func (r route) value(c *fiber.Ctx) (string, error) {
	if r.needs == "" {
		return "", nil
	}
	if r.needs[0] == ':' {
		s, err := url.PathUnescape(strings.Clone(c.Params(r.needs[1:])))
		if err != nil {
			return "", track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s' in the path: %v", r.needs[1:], err)
		}
		return s, nil
	}
	s := c.Query(r.needs)
	if s == "" {
		return "", mlflow.MissingParameter(r.needs)
	}
	return strings.Clone(s), nil
}
