// Package dashboards serves the web pages, which are built by `make web` and embedded in the binary.
//
//	GET /            web/dist/index.html, asked for anew each time
//	GET /assets/...  scripts, styles and fonts; a content hash in each name, so they may be kept for ever
//	GET /icon.svg, /theme.js
//
// The pages ask the server for everything else by its public API: MLflow's REST and /v1. They load nothing
// from any other host, and the content policy holds them to it. A binary built without `make web` answers 503
// and says so; web/dist-missing.html is what it answers, and what makes the embedding compile then.
package dashboards

import (
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"path"

	"github.com/gofiber/fiber/v2"
)

// The pattern takes the built pages, if there are any, and always dist-missing.html.
//
//go:embed all:web/dist*
var embedded embed.FS

// Web holds the built pages, index.html at its root; nil if the binary was built without them.
var Web = built(embedded)

func built(all fs.FS) fs.FS {
	dist, err := fs.Sub(all, "web/dist")
	if err != nil {
		return nil
	}
	if _, err := fs.Stat(dist, "index.html"); err != nil {
		return nil
	}
	return dist
}

// policy keeps the pages to this server: no script, style, font or request of another origin.
const policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const (
	keepForEver = "public, max-age=31536000, immutable"
	askAgain    = "no-cache"
)

// Routes registers the pages.
func Routes(r fiber.Router) { routes(r, Web) }

func routes(r fiber.Router, web fs.FS) {
	if web == nil {
		r.Get("/", missing)
		return
	}
	r.Get("/", func(c *fiber.Ctx) error { return send(c, web, "index.html", askAgain) })
	for _, name := range []string{"icon.svg", "theme.js"} {
		r.Get("/"+name, func(c *fiber.Ctx) error { return send(c, web, name, askAgain) })
	}
	r.Get("/assets/*", func(c *fiber.Ctx) error {
		return send(c, web, path.Join("assets", path.Clean("/"+c.Params("*"))), keepForEver)
	})
}

func send(c *fiber.Ctx, web fs.FS, name, cache string) error {
	body, err := fs.ReadFile(web, name)
	if err != nil {
		return c.SendStatus(fiber.StatusNotFound)
	}
	secure(c, contentType(name))
	c.Set(fiber.HeaderCacheControl, cache)
	return c.Send(body)
}

func missing(c *fiber.Ctx) error {
	body, err := embedded.ReadFile("web/dist-missing.html")
	if err != nil {
		return fmt.Errorf("read the embedded page: %w", err)
	}
	secure(c, contentType("index.html"))
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(fiber.StatusServiceUnavailable).Send(body)
}

func secure(c *fiber.Ctx, kind string) {
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
}

// contentType does not ask the machine's own tables for the kinds that a page needs: those may be absent or wrong.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return fiber.MIMEOctetStream
}
