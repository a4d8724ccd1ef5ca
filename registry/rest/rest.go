// Package rest is what the registry's handlers share: reading a request's parameters and writing an answer.
package rest

import (
	"errors"
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
// are read by required. Of several refusals it answers always the same.
func Texts(f mlflow.Fields, required func(name string) (string, error), into map[string]*string) error {
	var errs []error
	for name, at := range into {
		read := f.String
		if name[0] == '*' {
			name, read = name[1:], required
		}
		var err error
		if *at, err = read(name); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return slices.MinFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
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
