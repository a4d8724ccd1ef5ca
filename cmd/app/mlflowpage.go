package app

import (
	"bytes"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/streamgauge/streamgauge/cmd/absent"
	"github.com/streamgauge/streamgauge/cmd/graphql"
)

// mlflowPage registers what MLflow's own web page asks for beside the services' routes.
func (s *server) mlflowPage(r fiber.Router) {
	// Not by GET, which the page does not use: any other site's page may make a browser send that.
	r.Post("/graphql", graphql.Handler(s.ask))
	absent.Routes(r)
}

// ask makes a request to our own routes in the name of a client, whose headers come along.
func (s *server) ask(c *fiber.Ctx, method, uri string, body []byte) (status int, answer []byte) {
	var request fasthttp.Request
	c.Request().Header.CopyTo(&request.Header)
	request.Header.Del(fiber.HeaderTransferEncoding)
	request.Header.SetMethod(method)
	request.Header.SetContentType(fiber.MIMEApplicationJSON)
	request.SetRequestURI(uri)
	request.SetBody(body)
	var inner fasthttp.RequestCtx
	inner.Init(&request, c.Context().RemoteAddr(), nil)
	s.web.app.Handler()(&inner)
	return inner.Response.StatusCode(), bytes.Clone(inner.Response.Body())
}
