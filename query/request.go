package query

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// parse reads the request: a GET with a query has its fields there, every other in the body. All texts are
// copies.
func parse(c *fiber.Ctx) (mlflow.Fields, error) {
	args := c.Context().QueryArgs()
	if c.Method() == fiber.MethodGet && args.Len() > 0 {
		return mlflow.ParseQuery(queryArgs(args)), nil
	}
	body, err := readBody(c, bodyBytesMax)
	if err != nil {
		return mlflow.Fields{}, err
	}
	return mlflow.ParseBody(body)
}

func queryArgs(args *fasthttp.Args) map[string][]string {
	out := make(map[string][]string, args.Len())
	args.VisitAll(func(k, v []byte) { out[string(k)] = append(out[string(k)], string(v)) })
	return out
}

// readBody reads a body of at most bytesMax, which may be streaming in.
func readBody(c *fiber.Ctx, bytesMax int) ([]byte, error) {
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil && length <= bytesMax {
		return c.Request().Body(), nil
	}
	body, err := mlflow.ReadBody(stream, length, bytesMax)
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, tooLarge(c, bytesMax)
	}
	if err != nil {
		c.Context().SetConnectionClose()
		return nil, track.Errorf(track.BadRequest, "The request body cannot be read: %v", err)
	}
	return body, nil
}

func tooLarge(c *fiber.Ctx, bytesMax int) error {
	// What is left of the body would be taken for the next request.
	c.Context().SetConnectionClose()
	const mebibyte = 1 << 20
	return fiber.NewError(fiber.StatusRequestEntityTooLarge, fmt.Sprintf("The request body is larger than %d MiB", bytesMax/mebibyte))
}

// within gives the handler its time.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

func sendJSON(c *fiber.Ctx, body []byte) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Response().SetBody(body)
	return nil
}
