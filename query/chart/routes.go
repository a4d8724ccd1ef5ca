package chart

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// readTimeout ends a read.
	readTimeout = 30 * time.Second
	// bodyBytesMax is enough for the ids and keys of the largest request.
	bodyBytesMax = 1 << 20
)

func (r *Reader) getSeries(c *fiber.Ctx) error {
	v, err := parseRequest(mlflow.ParseQuery(queryArgs(c)), "run_id", "key")
	if err != nil {
		return err
	}
	if len(v.runs) != 1 {
		return track.Errorf(track.InvalidParameterValue, "'run_id' must be one run, not %d; POST /v1/series takes many", len(v.runs))
	}
	return r.send(c, v)
}

// queryArgs copies the fields of the query.
func queryArgs(c *fiber.Ctx) map[string][]string {
	args := make(map[string][]string)
	c.Context().QueryArgs().VisitAll(func(k, v []byte) { args[string(k)] = append(args[string(k)], string(v)) })
	return args
}

func (r *Reader) postSeries(c *fiber.Ctx) error {
	f, err := ReadFields(c)
	if err != nil {
		return err
	}
	v, err := parseRequest(f, "run_ids", "keys")
	if err != nil {
		return err
	}
	return r.send(c, v)
}

// ReadFields reads the parameters of a JSON body of at most a MiB, which may be streaming in.
func ReadFields(c *fiber.Ctx) (mlflow.Fields, error) {
	body, err := readBody(c)
	if err != nil {
		return mlflow.Fields{}, err
	}
	return mlflow.ParseBody(body)
}

func readBody(c *fiber.Ctx) ([]byte, error) {
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil && length <= bodyBytesMax {
		return c.Request().Body(), nil
	}
	body, err := mlflow.ReadBody(stream, length, bodyBytesMax)
	if err != nil {
		c.Context().SetConnectionClose() // what is left of the body would be taken for the next request
	}
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, fiber.NewError(fiber.StatusRequestEntityTooLarge, "The request body is larger than 1 MiB")
	}
	if err != nil {
		return nil, track.Errorf(track.BadRequest, "The request body cannot be read: %v", err)
	}
	return body, nil
}

func (r *Reader) send(c *fiber.Ctx, v request) error {
	ctx, cancel := within(c)
	defer cancel()
	lines, err := r.read(ctx, v)
	if err != nil {
		return err
	}
	if strings.Contains(c.Get(fiber.HeaderAccept), arrowType) {
		b, err := encodeArrow(&v, lines)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, arrowType)
		return c.Send(b)
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	encode(w, &v, lines)
	return sendJSON(c, w.Bytes())
}

// within gives the handler its time; the caller goes with it.
func within(c *fiber.Ctx) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.UserContext(), readTimeout)
}

func sendJSON(c *fiber.Ctx, body []byte) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Response().SetBody(body)
	return nil
}
