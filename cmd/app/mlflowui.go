package app

import (
	"bytes"
	"fmt"
	"io/fs"
	"mime"
	"os"
	"path"
	"path/filepath"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// uiPrefix is where MLflow's own pages are served.
const uiPrefix = "/mlflow"

// uiBuilds are where an installed mlflow has its pages, below what --mlflow-ui may name: the pages themselves, the
// package, or the folder that it is installed in.
var uiBuilds = []string{"", "server/js/build", "mlflow/server/js/build"}

// findUI finds the built pages of an installed mlflow, nil if none are wanted.
func findUI(dir string) (fs.FS, error) {
	if dir == "" {
		return nil, nil
	}
	for _, below := range uiBuilds {
		build := filepath.Join(dir, filepath.FromSlash(below))
		if _, err := os.Stat(filepath.Join(build, "index.html")); err == nil {
			return os.DirFS(build), nil
		}
	}
	return nil, fmt.Errorf("--mlflow-ui %s: no pages are there; name the folder of an installed mlflow, which `python -c 'import mlflow; print(mlflow.__path__[0])'` prints", dir)
}

// uiRoutes serves MLflow's pages. What they ask for they ask below their own address; see fromUI.
func uiRoutes(r fiber.Router, ui fs.FS) {
	if ui == nil {
		return
	}
	r.Get(uiPrefix, func(c *fiber.Ctx) error {
		if c.Path() == uiPrefix {
			return c.Redirect(uiPrefix+"/", fiber.StatusMovedPermanently) // relative addresses need the slash
		}
		return sendUI(c, ui, "index.html")
	})
	r.Get(uiPrefix+"/static-files/*", func(c *fiber.Ctx) error {
		return sendUI(c, ui, path.Clean("/" + c.Params("*"))[1:])
	})
}

func sendUI(c *fiber.Ctx, ui fs.FS, name string) error {
	body, err := fs.ReadFile(ui, name)
	if err != nil {
		return c.SendStatus(fiber.StatusNotFound)
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = fiber.MIMEOctetStream
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderCacheControl, "no-cache") // another mlflow may be installed
	return c.Send(body)
}

// uiAsks are the routes that MLflow's pages ask for, relative to where they are.
var uiAsks = [][]byte{[]byte("/ajax-api/"), []byte("/api/"), []byte("/graphql"), []byte("/get-artifact"), []byte("/model-versions/get-artifact"), []byte("/version")}

// fromUI takes the prefix off what MLflow's pages ask for.
func fromUI(c *fasthttp.RequestCtx) {
	uri := c.Request.Header.RequestURI()
	rest, found := bytes.CutPrefix(uri, []byte(uiPrefix))
	if !found {
		return
	}
	for _, ask := range uiAsks {
		if bytes.HasPrefix(rest, ask) {
			c.Request.SetRequestURI(string(rest))
			return
		}
	}
}
