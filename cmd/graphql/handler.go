package graphql

import (
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

//go:embed mlflow.graphql
var schemaText string

var schema = gqlparser.MustLoadSchema(&ast.Source{Name: "mlflow.graphql", Input: schemaText})

const (
	// requestBytesMax bounds a query with its variables.
	requestBytesMax = 1 << 20
	// tokensMax bounds parsing. It is five for each of selectionsMax; long lists of ids come as variables.
	tokensMax = 5000
)

// Call asks a REST route for JSON; header is the client's.
type Call func(c *fiber.Ctx, method, uri string, body []byte) (status int, answer []byte)

// request is the body of a request.
type request struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables"`
	Operation string         `json:"operationName"`
}

// Handler answers queries by calling REST routes.
func Handler(call Call) fiber.Handler {
	return func(c *fiber.Ctx) error {
		r, err := read(c)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		x := execution{asked: make(map[string]map[string]any), call: func(method, uri string, body []byte) (int, []byte) { return call(c, method, uri, body) }}
		return c.Send(x.answer(r))
	}
}

func read(c *fiber.Ctx) (r request, err error) {
	body, err := readBody(c)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, track.Errorf(track.BadRequest, "The request body is not a GraphQL query in JSON: %v", err)
	}
	if r.Query == "" {
		return r, mlflow.MissingParameter("query")
	}
	return r, nil
}

// readBody reads a body of at most requestBytesMax, which may be streaming in.
func readBody(c *fiber.Ctx) ([]byte, error) {
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil && length <= requestBytesMax {
		return c.Request().Body(), nil
	}
	body, err := mlflow.ReadBody(stream, length, requestBytesMax)
	if err != nil {
		c.Context().SetConnectionClose() // its rest would be taken for the next request
	}
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, fiber.NewError(http.StatusRequestEntityTooLarge, "The GraphQL query is larger than 1 MiB")
	}
	if err != nil {
		return nil, track.Errorf(track.BadRequest, "The request body cannot be read: %v", err)
	}
	return body, nil
}

// execution is the answering of one request.
type execution struct {
	call func(method, uri string, body []byte) (int, []byte)
	vars map[string]any
	// asked are the answers to GET requests.
	asked  map[string]map[string]any
	calls  int
	errors []string
}

// answer writes {"data": ..., "errors": null or texts}, as MLflow does.
func (x *execution) answer(r request) []byte {
	op, err := x.prepare(r)
	var w jx.Encoder
	w.ObjStart()
	w.FieldStart("data")
	if err != nil {
		w.Null()
		x.errors = append(x.errors, err.Error())
	} else {
		x.root(&w, op)
	}
	w.FieldStart("errors")
	if len(x.errors) == 0 {
		w.Null()
	} else {
		w.ArrStart()
		for _, e := range x.errors {
			w.Str(e)
		}
		w.ArrEnd()
	}
	w.ObjEnd()
	return w.Bytes()
}

// prepare finds the operation and what it is asked with.
func (x *execution) prepare(r request) (*ast.OperationDefinition, error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: r.Query}, tokensMax)
	if err != nil {
		return nil, plain(err)
	}
	if err := checkSize(doc); err != nil {
		return nil, err
	}
	if errs := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()); len(errs) > 0 {
		return nil, plain(errs[0])
	}
	op := doc.Operations.ForName(r.Operation)
	switch {
	case op == nil && r.Operation != "":
		return nil, track.Errorf(track.InvalidParameterValue, "Unknown operation named '%s'.", r.Operation)
	case op == nil:
		return nil, track.Errorf(track.InvalidParameterValue, "Must provide operation name if query contains multiple operations.")
	case op.Operation == ast.Subscription:
		return nil, track.Errorf(track.InvalidParameterValue, "Schema is not configured for subscriptions.")
	}
	vars, err := validator.VariableValues(schema, op, r.Variables)
	if err != nil {
		return nil, plain(err)
	}
	x.vars = vars
	return op, nil
}

// plain is an error's text without its place.
func plain(err error) error {
	if e, ok := err.(*gqlerror.Error); ok {
		return track.Errorf(track.InvalidParameterValue, "%s", e.Message)
	}
	return err
}
