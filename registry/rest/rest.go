// Package rest is what the registry's handlers share: reading a request's parameters and writing an answer.
package rest

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Fields reads a request's parameters: a GET's from its query if it has one, else the body's.
func Fields(c *fiber.Ctx) (mlflow.Fields, error) {
	if c.Method() != fiber.MethodGet || c.Context().QueryArgs().Len() == 0 {
		body, err := readBody(c)
		if err != nil {
			return mlflow.Fields{}, err
		}
		return mlflow.ParseBody(body)
	}
	args := make(map[string][]string)
	c.Context().QueryArgs().VisitAll(func(k, v []byte) { args[string(k)] = append(args[string(k)], string(v)) })
	return mlflow.ParseQuery(args), nil
}

// Param reads a part of the path, copied: the router reuses its memory.
func Param(c *fiber.Ctx, name string) (string, error) {
	s, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return "", track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s' in the path: %v", name, err)
	}
	return string([]byte(s)), nil
}

// ParamAndFields reads a part of the path, and the request's parameters.
func ParamAndFields(c *fiber.Ctx, name string) (string, mlflow.Fields, error) {
	param, e1 := Param(c, name)
	f, e2 := Fields(c)
	return param, f, errors.Join(e1, e2)
}

// JSON writes a value.
func JSON(c *fiber.Ctx, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(b)
}

// bodyBytesMax is far above the texts that documents may have.
const bodyBytesMax = 32 << 20

func readBody(c *fiber.Ctx) ([]byte, error) {
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil && length <= bodyBytesMax {
		return c.Request().Body(), nil
	}
	b, err := mlflow.ReadBody(stream, length, bodyBytesMax)
	if err != nil {
		c.Context().SetConnectionClose()
	}
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, fiber.NewError(fiber.StatusRequestEntityTooLarge, "the request body is larger than 32 MiB")
	}
	if err != nil {
		return nil, track.Errorf(track.BadRequest, "read the request body: %v", err)
	}
	return b, nil
}

// Texts reads parameters that are texts into their places; those whose names begin with a star must be there, and
// are read by required. Of several refusals it answers the one that MLflow's server meets first.
func Texts(f mlflow.Fields, required func(name string) (string, error), into map[string]*string) error {
	for _, name := range slices.SortedFunc(maps.Keys(into), before) {
		read, field := f.String, name
		if name[0] == '*' {
			read, field = required, name[1:]
		}
		var err error
		if *into[name], err = read(field); err != nil {
			return err
		}
	}
	return nil
}

// first is the order in which MLflow's server checks what many requests have; the others follow by name.
var first = []string{"*name", "*alias", "*version", "*key"}

func before(a, b string) int {
	return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
}

func place(name string) int {
	if i := slices.Index(first, name); i >= 0 {
		return i
	}
	return len(first)
}

// Reply writes an object with one field; a nil value is an empty object.
func Reply(c *fiber.Ctx, field string, value func(*jx.Encoder)) error {
	var w jx.Encoder
	w.ObjStart()
	if value != nil {
		w.FieldStart(field)
		value(&w)
	}
	w.ObjEnd()
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}
