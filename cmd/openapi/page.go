package openapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/describe"
)

// areas are the headings of the page, in their order; those of routes must be among them.
var areas = []string{"Writing", "Series", "Runs", "Live", "Values and console", "Artifacts", "SQL", "Lineage", "Alerts", "Approvals", "Endpoints", "Webhooks", "Transfer", "Tokens", "Server"}

// schema is what the page says of a JSON schema.
type schema struct {
	Ref         string            `json:"$ref"`
	Type        any               `json:"type"`
	Description string            `json:"description"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
	Items       *schema           `json:"items"`
	AnyOf       []schema          `json:"anyOf"`
	Enum        []any             `json:"enum"`
	Default     any               `json:"default"`
	Minimum     *float64          `json:"minimum"`
	Maximum     *float64          `json:"maximum"`
	MaxItems    *int              `json:"maxItems"`
	More        json.RawMessage   `json:"additionalProperties"`
}

type content map[string]struct {
	Schema schema `json:"schema"`
}

type operation struct {
	Parameters []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
		Schema   schema `json:"schema"`
		Text     string `json:"description"`
	} `json:"parameters"`
	Body struct {
		Content content `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content content `json:"content"`
	} `json:"responses"`
}

// page writes Markdown of a document.
type page struct {
	strings.Builder
	paths   map[string]map[string]operation
	schemas map[string]schema
}

// Page is docs/api.md.
func Page() (string, error) {
	b, err := Document("")
	if err != nil {
		return "", err
	}
	var doc struct {
		Paths      map[string]map[string]operation `json:"paths"`
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return "", fmt.Errorf("read the document: %w", err)
	}
	p := &page{paths: doc.Paths, schemas: doc.Components.Schemas}
	p.WriteString(head)
	all := Routes()
	for _, area := range areas {
		fmt.Fprintf(p, "\n## %s\n", area)
		for _, r := range all {
			if r.Area == area {
				p.route(r)
			}
		}
	}
	return p.String(), nil
}

const head = `# The HTTP API, route by route

This page is made of the same description as ` + "`GET /v1/openapi.json`" + `, an OpenAPI 3.1 document for generators of clients and for tools. MLflow's own
API is described by MLflow; [mlflow-compat.md](mlflow-compat.md) says what of it is served.

Where tokens are asked for, a request has ` + "`Authorization: Bearer TOKEN`" + `. Every refusal is ` + "`{\"error_code\", \"message\"}`" + ` with a fitting status: 400 for what
cannot be understood, 401 without a token, 403 for what the token may not do, 404 for what is not there, 429 and 503 with ` + "`Retry-After`" + ` for what
may be asked again. Times are milliseconds since 1970.

*The page is generated: ` + "`cd cmd && go test ./openapi -update`" + ` writes it.*
`

func (p *page) route(r describe.Route) {
	op := p.paths[pattern(r.Path)][strings.ToLower(r.Method)]
	fmt.Fprintf(p, "\n### `%s %s`\n\n%s.", r.Method, pattern(r.Path), r.Summary)
	if r.Text != "" {
		p.WriteString(" " + r.Text)
	}
	p.WriteString("\n")
	p.parameters(op)
	if body, ok := op.Body.Content["application/json"]; ok {
		p.fields("The body is JSON:", body.Schema, of{required: "Required."})
	}
	p.media("The body may be", r.Bodies)
	status := fmt.Sprint(cmp.Or(r.Status, http.StatusOK))
	if answer, ok := op.Responses[status].Content["application/json"]; ok {
		p.fields("It answers "+status+" with JSON:", answer.Schema, of{optional: "Not always there."})
	}
	p.media("The answer may be", r.Answers)
}

func (p *page) parameters(op operation) {
	if len(op.Parameters) == 0 {
		return
	}
	p.WriteString("\n| parameter | in | type | |\n|---|---|---|---|\n")
	for _, a := range op.Parameters {
		fmt.Fprintf(p, "| `%s` | %s | %s | %s |\n", a.Name, a.In, p.kind(a.Schema), remark(a.Schema, cmp.Or(a.Text, a.Schema.Description), of{required: "Required."}.mark(a.Required)))
	}
}

func (p *page) media(what string, all []describe.Media) {
	for _, m := range all {
		fmt.Fprintf(p, "\n%s `%s`. %s\n", what, m.Type, m.Text)
	}
}

// of says what is told of fields that must be there, and of those that need not.
type of struct{ required, optional string }

func (o of) mark(required bool) string {
	if required {
		return o.required
	}
	return o.optional
}

// fields writes the fields of an object, those of objects within it behind them.
func (p *page) fields(what string, s schema, as of) {
	s = p.resolve(s)
	if len(s.Properties) == 0 {
		if s.Type == "object" {
			fmt.Fprintf(p, "\n%s an empty object.\n", what)
		}
		return
	}
	fmt.Fprintf(p, "\n%s\n\n| field | type | |\n|---|---|---|\n", what)
	p.rows("", s, as)
}

func (p *page) rows(prefix string, s schema, as of) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		field := s.Properties[name]
		fmt.Fprintf(p, "| `%s%s` | %s | %s |\n", prefix, name, p.kind(field), remark(field, field.Description, as.mark(slices.Contains(s.Required, name))))
		inner, list := p.resolve(field), ""
		if inner.Items != nil {
			inner, list = p.resolve(*inner.Items), "[]"
		}
		if len(inner.Properties) > 0 {
			p.rows(prefix+name+list+".", inner, as)
		}
	}
}

func (p *page) resolve(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return p.schemas[name]
	}
	for _, one := range s.AnyOf { // of null and something
		if one.Ref != "" {
			return p.resolve(one)
		}
	}
	return s
}

// kind is a type as people say it.
func (p *page) kind(s schema) string {
	if s.Ref == "#/components/schemas/Number" {
		return "number or text"
	}
	s = p.resolve(s)
	switch t := s.Type.(type) {
	case string:
		if t == "array" && s.Items != nil {
			return "list of " + p.kind(*s.Items)
		}
		if t == "object" && len(s.More) > 0 && string(s.More) != "false" {
			return "object by name"
		}
		return map[string]string{"string": "text", "array": "list", "boolean": "true or false"}[t] + map[string]string{"integer": "integer", "number": "number", "object": "object", "null": "null"}[t]
	case []any:
		var all []string
		for _, one := range t {
			s.Type = one
			all = append(all, p.kind(s))
		}
		return strings.Join(all, " or ")
	}
	return "any"
}

// remark is what is to be known of a value.
func remark(s schema, text, mark string) string {
	var all []string
	if text != "" {
		all = append(all, strings.TrimRight(text, ".")+".")
	}
	if len(s.Enum) > 0 {
		var words []string
		for _, e := range s.Enum {
			words = append(words, fmt.Sprintf("`%v`", e))
		}
		all = append(all, "One of "+strings.Join(words, ", ")+".")
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		all = append(all, fmt.Sprintf("%.0f to %.0f.", *s.Minimum, *s.Maximum))
	case s.MaxItems != nil:
		all = append(all, fmt.Sprintf("At most %d.", *s.MaxItems))
	}
	if s.Default != nil {
		all = append(all, fmt.Sprintf("Default %v.", s.Default))
	}
	if mark != "" {
		all = append(all, mark)
	}
	return strings.ReplaceAll(strings.Join(all, " "), "|", `\|`)
}
