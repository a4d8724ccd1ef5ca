// Package body reads the bodies of requests in bounded memory, and leaves a connection fit for its next request.
package body

import (
	"errors"
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// JSONBytesMax is the largest JSON request: a dataset's profile alone may have 16 MiB.
	JSONBytesMax = 32 << 20
	// discardBytesMax is how much of a refused body is read so that its sender hears the answer: none of ours reads
	// it before it has sent all.
	discardBytesMax = 64 << 20
)

// JSON reads a JSON request. The bytes are valid until the handler returns.
func JSON(c *fiber.Ctx) ([]byte, error) {
	if err := checkContentType(c); err != nil {
		return nil, err
	}
	return Bytes(c, JSONBytesMax, tooLarge)
}

// Bytes reads a body of up to a maximum; a longer one is refused with an error.
func Bytes(c *fiber.Ctx, bytesMax int, tooLarge error) ([]byte, error) {
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil && length <= bytesMax {
		return c.Request().Body(), nil
	}
	b, err := mlflow.ReadBody(stream, length, bytesMax)
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, Refuse(c, tooLarge)
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
		return Refuse(c, track.Errorf(track.InvalidParameterValue, "Bad Request. Content-Type header is missing."))
	}
	return Refuse(c, track.Errorf(track.InvalidParameterValue, "Bad Request. Content-Type must be one of ['application/json']."))
}

var tooLarge = fiber.NewError(fiber.StatusRequestEntityTooLarge, "the request body is larger than 32 MiB; split it over several requests")

func broken(c *fiber.Ctx, err error) error {
	c.Context().SetConnectionClose()
	return track.Errorf(track.BadRequest, "read the request body: %v", err)
}

// Refuse answers a request whose body is not wanted. What is left of it must not be taken for the next request
// on the connection.
func Refuse(c *fiber.Ctx, err error) error {
	if stream := c.Context().RequestBodyStream(); stream != nil && c.Request().Header.ContentLength() != 0 {
		if _, end := io.CopyN(io.Discard, stream, discardBytesMax); end != io.EOF {
			c.Context().SetConnectionClose()
		}
	}
	return err
}
