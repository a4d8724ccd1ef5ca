package ingest

import (
	"errors"
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// jsonBytesMax is the largest JSON request: a dataset's profile alone may have 16 MiB.
	jsonBytesMax = 32 << 20
	// discardBytesMax is how much of a refused body is read so that its sender hears the answer.
	discardBytesMax = 8 << 20
)

// body reads a JSON request. The bytes are valid until the handler returns.
func body(c *fiber.Ctx) ([]byte, error) {
	if err := checkContentType(c); err != nil {
		return nil, err
	}
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil && length <= jsonBytesMax {
		return c.Request().Body(), nil
	}
	b, err := mlflow.ReadBody(stream, length, jsonBytesMax)
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, tooLarge(c)
	}
	if err != nil {
		return nil, broken(c, err)
	}
	return b, nil
}

func checkContentType(c *fiber.Ctx) error {
	// As MLflow does: a page of another origin cannot send this type without being asked whether it may.
	kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	switch strings.TrimSpace(kind) {
	case fiber.MIMEApplicationJSON:
		return nil
	case "":
		return refuse(c, track.Errorf(track.InvalidParameterValue, "Bad Request. Content-Type header is missing."))
	}
	return refuse(c, track.Errorf(track.InvalidParameterValue, "Bad Request. Content-Type must be one of ['application/json']."))
}

func tooLarge(c *fiber.Ctx) error {
	return refuse(c, fiber.NewError(fiber.StatusRequestEntityTooLarge, "the request body is larger than 32 MiB; split it over several requests"))
}

func broken(c *fiber.Ctx, err error) error {
	c.Context().SetConnectionClose()
	return track.Errorf(track.BadRequest, "read the request body: %v", err)
}

// refuse answers a request whose body is not wanted. What is left of it must not be taken for the next request
// on the connection.
func refuse(c *fiber.Ctx, err error) error {
	if stream := c.Context().RequestBodyStream(); stream != nil && c.Request().Header.ContentLength() != 0 {
		if _, end := io.CopyN(io.Discard, stream, discardBytesMax); end != io.EOF {
			c.Context().SetConnectionClose()
		}
	}
	return err
}
