// Package openapi makes of the modules' descriptions what people and programs read: the OpenAPI document that is served
// at /v1/openapi.json, and docs/api.md.
//
//	contract packages -> Routes -> Document (reflection over their types) -> JSON
//	                            -> Page -> docs/api.md
//
// A test of package app holds the descriptions to the routes that are registered, and a run of schemathesis over a real
// server holds them to what is answered.
package openapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/swaggest/jsonschema-go"
	"github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"

	"github.com/streamgauge/streamgauge/cmd/vault"
	ingest "github.com/streamgauge/streamgauge/ingest/contract"
	query "github.com/streamgauge/streamgauge/query/contract"
	registry "github.com/streamgauge/streamgauge/registry/contract"
	"github.com/streamgauge/streamgauge/schemas/describe"
)

// bearer is the name of the security scheme.
const bearer = "token"

// anyRefusals are what every route that asks for a token may answer.
var anyRefusals = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	http.StatusTooManyRequests, http.StatusServiceUnavailable,
}

type versionAnswer struct {
	Version    string `json:"version"`
	Commit     string `json:"commit"`
	MLflow     string `json:"mlflow" description:"The version of MLflow whose API is served."`
	ClickHouse string `json:"clickhouse" description:"The engine's version."`
	Grafana    string `json:"grafana,omitempty" description:"The Grafana with our dashboards, if the server was told one by --grafana-url."`
}

// own are the routes that no module has.
func own() []describe.Route {
	text := func(text string) []describe.Media { return []describe.Media{{Type: "text/plain", Text: text}} }
	return []describe.Route{{
		Method: http.MethodGet, Path: "/health", Area: "Server", Summary: "Say whether every part can serve", Text: "503 with the reason while one cannot.", Answers: text("`OK`."), Open: true,
	}, {
		Method: http.MethodGet, Path: "/v1/version", Area: "Server", Summary: "Say what runs here", Gives: versionAnswer{},
	}, {
		Method: http.MethodGet, Path: "/metrics", Area: "Server", Summary: "Tell Prometheus how the server does", Answers: text("Prometheus' text format."),
	}, {
		Method: http.MethodGet, Path: "/v1/openapi.json", Area: "Server", Summary: "Answer this description", Gives: describe.Empty{},
	}}
}

// Routes are all that are described, by area and in the order of their modules.
func Routes() []describe.Route {
	return slices.Concat(query.Routes(), ingest.Routes(), registry.Routes(), vault.Contract(), own())
}

// Serve registers GET /v1/openapi.json. The document is made when it is first asked for.
func Serve(r fiber.Router, version string) {
	document := sync.OnceValues(func() ([]byte, error) { return Document(version) })
	r.Get("/v1/openapi.json", func(c *fiber.Ctx) error {
		b, err := document()
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.Send(b)
	})
}

// Document is the OpenAPI 3.1 document of a version of the server, as JSON.
func Document(version string) ([]byte, error) {
	r := openapi31.NewReflector()
	r.DefaultOptions = append(r.DefaultOptions, jsonschema.InterceptProp(property), jsonschema.InterceptDefName(name), jsonschema.InterceptNullability(never))
	r.Spec.Info.WithTitle("Streamgauge").WithVersion(version).WithDescription(
		"Streamgauge's own HTTP API. MLflow's, under `/api/2.0/mlflow`, `/api/3.0/mlflow` and `/ajax-api`, is as MLflow describes it. " +
			"Times are milliseconds since 1970, in UTC. Every refusal has the schema `Error`.")
	r.Spec.SetHTTPBearerTokenSecurity(bearer, "", "A token of `streamgauge token create`. While there is none, and the server is reached from its own machine, none is asked for.")
	for _, route := range Routes() {
		if err := add(r, route); err != nil {
			return nil, fmt.Errorf("describe %s %s: %w", route.Method, route.Path, err)
		}
	}
	return json.MarshalIndent(r.Spec, "", "  ")
}

// pattern is a path as OpenAPI writes it.
func pattern(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func add(r *openapi31.Reflector, route describe.Route) error {
	op, err := r.NewOperationContext(route.Method, pattern(route.Path))
	if err != nil {
		return err
	}
	op.SetSummary(route.Summary)
	op.SetDescription(linked(route.Text))
	op.SetTags(route.Area)
	op.SetID(id(route))
	if !route.Open {
		op.AddSecurity(bearer)
	}
	if route.Takes != nil {
		op.AddReqStructure(route.Takes)
	}
	for _, m := range route.Bodies {
		op.AddReqStructure(nil, openapi.WithContentType(m.Type), func(u *openapi.ContentUnit) { u.Format, u.Description = "binary", m.Text })
	}
	status := cmp.Or(route.Status, http.StatusOK)
	if route.Gives == (describe.Empty{}) {
		op.AddRespStructure(nil, openapi.WithHTTPStatus(status), openapi.WithContentType("application/json"), object)
	} else if route.Gives != nil {
		op.AddRespStructure(route.Gives, openapi.WithHTTPStatus(status), openapi.WithContentType("application/json"))
	}
	for _, m := range route.Answers {
		op.AddRespStructure(nil, openapi.WithHTTPStatus(status), openapi.WithContentType(m.Type))
	}
	refuse(op, route)
	return r.AddOperation(op)
}

// object says that JSON is an object, which reflection takes for nothing where there are no fields.
func object(u *openapi.ContentUnit) {
	u.Customize = func(of openapi.ContentOrReference) {
		if r, ok := of.(*openapi31.ResponseOrReference); ok && r.Response != nil {
			r.Response.Content["application/json"] = openapi31.MediaType{Schema: map[string]any{"type": "object"}}
		}
	}
}

// refuse adds the errors that a route may answer.
func refuse(op openapi.OperationContext, route describe.Route) {
	refusals := slices.Concat(anyRefusals, route.Refusals)
	if route.Open {
		op.AddRespStructure(nil, openapi.WithHTTPStatus(http.StatusServiceUnavailable), openapi.WithContentType("text/plain"))
		refusals = route.Refusals
	}
	for _, status := range refusals {
		op.AddRespStructure(describe.Error{}, openapi.WithHTTPStatus(status), openapi.WithContentType("application/json"))
	}
}

// id names an operation for programs: get_v1_runs_run_id_series.
func id(route describe.Route) string {
	return strings.ToLower(route.Method) + strings.NewReplacer("/", "_", ":", "", "-", "_", ".", "_").Replace(route.Path)
}

// linked lets links to our pages be plain text, for the document lies elsewhere.
func linked(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "](")
		_, after, closed := strings.Cut(rest, ")")
		if !ok || !closed {
			b.WriteString(text)
			return b.String()
		}
		open := strings.LastIndexByte(before, '[')
		b.WriteString(before[:open] + "docs/" + before[open+1:])
		text = after
	}
}

// name lets a schema be called as its type in its package: QueryContractLine would tell nobody anything.
func name(t reflect.Type, given string) string {
	if n := t.Name(); n != "" {
		return strings.ToUpper(n[:1]) + n[1:]
	}
	return given
}

// never takes back that lists and maps may be null, as Go's may: in an answer they are empty, in a request left out.
func never(p jsonschema.InterceptNullabilityParams) {
	if p.NullAdded && p.Type != nil && p.Type.Kind() != reflect.Pointer {
		p.Schema.RemoveType(jsonschema.Null)
	}
}

// property completes what reflection says of a field: what an answer always has is required, and a number that is written
// as a text is one.
func property(p jsonschema.InterceptPropParams) error {
	if !p.Processed {
		return nil
	}
	options := strings.Split(p.Field.Tag.Get("json"), ",")[1:]
	if slices.Contains(options, "string") {
		p.PropertySchema.Type = new(jsonschema.Type)
		p.PropertySchema.Type.WithSimpleTypes(jsonschema.String)
		p.PropertySchema.Minimum = nil
	}
	op, ok := openapi.OperationCtx(p.Context)
	if ok && op.IsProcessingResponse() && p.Field.Tag.Get("json") != "" && !slices.Contains(options, "omitempty") {
		p.ParentSchema.Required = append(p.ParentSchema.Required, p.Name)
	}
	return nil
}
