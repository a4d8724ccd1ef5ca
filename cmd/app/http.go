package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// headBytesMax: a hundred run ids in a query string are 4 KiB, some clients send more.
	headBytesMax = 64 << 10
	// headTimeout bounds the head of a request, from the connection or the first byte of a later request on; a client
	// that waits longer in its middle would hold its connection for ever.
	headTimeout = 30 * time.Second
	// bodyTimeout is far beyond the upload of any artifact; it ends what was abandoned without a word.
	bodyTimeout = 24 * time.Hour
	// idleTimeout is beyond the pauses of a training that logs once a minute.
	idleTimeout = 2 * time.Minute
	// unreadBytesMax is how much of a body that nobody wanted is read to keep its connection.
	unreadBytesMax = 256 << 10
	// drainTimeout bounds the end of requests that are under way when the server stops.
	drainTimeout = 2 * time.Second
)

// web is the HTTP server. It answers from the first moment: until open, that the server is starting.
type web struct {
	app     *fiber.App
	listen  net.Listener
	handler atomic.Pointer[fasthttp.RequestHandler]
	health  *health
	log     *slog.Logger
	served  chan error
}

func newWeb(listen net.Listener, head time.Duration, h *health, log *slog.Logger) *web {
	w := &web{listen: listen, health: h, log: log, served: make(chan error, 1)}
	w.app = fiber.New(fiber.Config{
		ReadBufferSize:        headBytesMax,
		StreamRequestBody:     true,
		CaseSensitive:         true,
		BodyLimit:             math.MaxInt, // each route has its own; an artifact has none
		ReadTimeout:           head,
		IdleTimeout:           idleTimeout,
		DisableStartupMessage: true,
		ErrorHandler:          answerError,
		// An artifact may be of any type, this one too; nobody here reads forms.
		DisablePreParseMultipartForm: true,
	})
	w.app.Use(w.observe)
	server := w.app.Server()
	server.CloseOnShutdown = true
	// ReadTimeout would bound the whole request. Here the head has come, and the rest gets a time of its own; the wait
	// for the next request has idleTimeout again.
	server.HeaderReceived = func(*fasthttp.RequestHeader) fasthttp.RequestConfig {
		return fasthttp.RequestConfig{ReadTimeout: bodyTimeout}
	}
	server.Handler = func(c *fasthttp.RequestCtx) {
		defer drain(c)
		fromUI(c)
		if h := w.handler.Load(); h != nil {
			(*h)(c)
			return
		}
		w.starting(c)
	}
	go func() { w.served <- server.Serve(listen) }()
	return w
}

// drain reads what a handler left of a streamed body, for the server would take it for the next request of
// the connection; a long rest closes the connection instead.
func drain(c *fasthttp.RequestCtx) {
	rest := c.RequestBodyStream()
	if rest == nil {
		return
	}
	if c.Request.Header.ContentLength() < 0 {
		c.SetConnectionClose() // a chunked body must not be read again after its end: that would wait for more
		return
	}
	if _, err := io.CopyN(io.Discard, rest, unreadBytesMax); !errors.Is(err, io.EOF) {
		c.SetConnectionClose()
	}
}

// starting answers while the parts are not there yet.
func (w *web) starting(c *fasthttp.RequestCtx) {
	c.SetStatusCode(fasthttp.StatusServiceUnavailable)
	c.Response.Header.Set(fiber.HeaderRetryAfter, "1")
	err := w.health.check()
	if err == nil {
		err = errors.New("the server is starting")
	}
	if string(c.Path()) == "/health" {
		c.SetBodyString(err.Error() + "\n")
		return
	}
	_, body, _ := mlflow.ErrorBody(track.Errorf(track.TemporarilyUnavailable, "%v", err))
	c.SetContentType(fiber.MIMEApplicationJSON)
	c.SetBody(body)
}

// open lets requests through to the routes; none may be added afterwards.
func (w *web) open() {
	w.app.Use(noRoute)
	h := w.app.Handler()
	w.handler.Store(&h)
}

// noRoute takes whatever no route before took. The router knows which methods a path has and names them in the header
// Allow; who asks for them with OPTIONS gets nothing else.
func noRoute(c *fiber.Ctx) error {
	var e *fiber.Error
	if !errors.As(c.Next(), &e) || e.Code != fiber.StatusMethodNotAllowed {
		return track.Errorf(track.EndpointNotFound, "There is no %s %s here", c.Method(), strings.Clone(c.Path()))
	}
	c.Append(fiber.HeaderAllow, fiber.MethodOptions)
	if c.Method() == fiber.MethodOptions {
		return c.SendStatus(fiber.StatusNoContent)
	}
	allow := string(c.Response().Header.Peek(fiber.HeaderAllow))
	return fiber.NewError(fiber.StatusMethodNotAllowed, fmt.Sprintf("There is no %s %s here, but %s", c.Method(), c.Path(), allow))
}

// close stops listening, lets requests end for a moment, and cuts what is left.
func (w *web) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := w.app.Server().ShutdownWithContext(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop HTTP: %w", err)
	}
	return nil
}

// observe logs requests at debug level and turns a panic into an error of that one request.
func (w *web) observe(c *fiber.Ctx) (err error) {
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("panic in a request", "method", c.Method(), "path", c.Path(), "panic", p, "stack", string(debug.Stack()))
			err = track.Errorf(track.InternalError, "internal error; the server's log has its stack")
		}
		if w.log.Enabled(context.Background(), slog.LevelDebug) {
			w.log.Debug("request", "method", c.Method(), "path", c.Path(), "took", time.Since(began), "error", err)
		}
	}()
	return c.Next()
}

// answerError writes an error as MLflow's server does.
func answerError(c *fiber.Ctx, err error) error {
	var fe *fiber.Error
	status, body, retryAfter := 0, []byte(nil), 0
	if errors.As(err, &fe) {
		_, body, _ = mlflow.ErrorBody(&track.Error{Code: codeOf(fe.Code), Message: fe.Message})
		status = fe.Code
	} else {
		status, body, retryAfter = mlflow.ErrorBody(err)
	}
	if retryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(retryAfter))
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Status(status).Send(body)
}

// codeOf names what the HTTP library itself refuses.
func codeOf(status int) track.Code {
	switch {
	case status == fiber.StatusNotFound || status == fiber.StatusMethodNotAllowed:
		return track.EndpointNotFound
	case status == fiber.StatusRequestEntityTooLarge || status == fiber.StatusRequestHeaderFieldsTooLarge:
		return track.RequestTooLarge
	case status < fiber.StatusInternalServerError:
		return track.BadRequest
	}
	return track.InternalError
}
