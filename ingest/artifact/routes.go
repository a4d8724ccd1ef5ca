package artifact

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Documents know where runs and models keep their files. Both methods are called at once by many; what they
// answer is not changed.
type Documents interface {
	Run(ctx context.Context, id string) (*sgpb.Run, error)
	Model(ctx context.Context, id string) (*sgpb.LoggedModel, error)
}

// Proxy serves a store over HTTP.
type Proxy struct {
	store     *Store
	documents Documents
}

// NewProxy makes a proxy; it does not close the store.
func NewProxy(s *Store, d Documents) *Proxy { return &Proxy{store: s, documents: d} }

// Routes registers MLflow's routes of artifacts.
func (x *Proxy) Routes(r fiber.Router) {
	for _, api := range []string{"/api", "/ajax-api"} {
		files := api + "/2.0/mlflow-artifacts/artifacts"
		r.Get(files, x.list)
		r.Get(files+"/*", x.get)
		r.Put(files+"/*", x.put)
		r.Delete(files+"/*", x.delete)
		for _, verb := range []string{"create", "complete", "abort"} {
			r.Post(api+"/2.0/mlflow-artifacts/mpu/"+verb+"/*", multipart)
		}
		r.Get(api+"/2.0/mlflow/artifacts/list", x.listOfRun)
		r.Get(api+"/2.0/mlflow/logged-models/:id/artifacts/directories", x.listOfModel)
		r.Get(api+"/3.0/mlflow/server-info", serverInfo)
	}
	r.Get("/get-artifact", x.getOfRun)
	r.Get("/ajax-api/2.0/mlflow/logged-models/:id/artifacts/files", x.getOfModel)
}

// wildcard is the path behind a route, decoded once.
func wildcard(c *fiber.Ctx) (string, error) {
	p, err := url.PathUnescape(c.Params("*"))
	if err != nil {
		return "", invalidPath()
	}
	return Clean(strings.Clone(p))
}

// under is a path of a query argument below a root.
func under(root, relative string) (string, error) {
	relative, err := Clean(strings.Clone(relative))
	if err != nil {
		return "", err
	}
	return path.Join(root, relative), nil
}

// rootOf is the path below our root that an artifact location means.
func rootOf(location string) (string, error) {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "mlflow-artifacts" {
		return "", track.Errorf(track.InvalidParameterValue, "The artifacts lie at '%s'; this server serves what lies below mlflow-artifacts:/ only", location)
	}
	return Clean(strings.Trim(u.Path, "/"))
}

func (x *Proxy) list(c *fiber.Ctx) error {
	p, err := under("", c.Query("path"))
	if err != nil {
		return err
	}
	return x.reply(c, "", "", p)
}

func (x *Proxy) listOfRun(c *fiber.Ctx) error {
	run, err := x.run(c)
	if err != nil {
		return err
	}
	return x.listBelow(c, run.GetArtifactUri(), c.Query("path"))
}

func (x *Proxy) listOfModel(c *fiber.Ctx) error {
	m, err := x.documents.Model(c.UserContext(), strings.Clone(c.Params("id")))
	if err != nil {
		return err
	}
	return x.listBelow(c, m.GetArtifactUri(), c.Query("artifact_directory_path"))
}

func (x *Proxy) run(c *fiber.Ctx) (*sgpb.Run, error) {
	id := c.Query("run_id")
	if id == "" {
		id = c.Query("run_uuid")
	}
	if id == "" {
		return nil, mlflow.MissingParameter("run_id")
	}
	return x.documents.Run(c.UserContext(), strings.Clone(id))
}

// listBelow lists a folder of a run or a model; paths in the answer are relative to its root.
func (x *Proxy) listBelow(c *fiber.Ctx, location, relative string) error {
	root, err := rootOf(location)
	if err != nil {
		return err
	}
	relative, err = Clean(strings.Clone(relative))
	if err != nil {
		return err
	}
	return x.reply(c, location, relative, path.Join(root, relative))
}

// reply answers a folder's files under the paths that the client knows.
func (x *Proxy) reply(c *fiber.Ctx, location, relative, p string) error {
	files, err := x.store.List(c.UserContext(), p)
	if err != nil {
		return err
	}
	var w jx.Encoder
	w.Obj(func(w *jx.Encoder) {
		if location != "" {
			w.Field("root_uri", func(w *jx.Encoder) { w.Str(location) })
		}
		if len(files) == 0 {
			return
		}
		w.Field("files", func(w *jx.Encoder) {
			w.Arr(func(w *jx.Encoder) {
				for _, f := range files {
					w.Obj(func(w *jx.Encoder) {
						w.Field("path", func(w *jx.Encoder) { w.Str(path.Join(relative, f.Name)) })
						w.Field("is_dir", func(w *jx.Encoder) { w.Bool(f.IsDir) })
						if !f.IsDir {
							w.Field("file_size", func(w *jx.Encoder) { w.Int64(f.Size) })
						}
					})
				}
			})
		})
	})
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}

func (x *Proxy) get(c *fiber.Ctx) error {
	p, err := wildcard(c)
	if err != nil {
		return err
	}
	return x.send(c, p)
}

func (x *Proxy) getOfRun(c *fiber.Ctx) error {
	if c.Query("path") == "" {
		return mlflow.MissingParameter("path")
	}
	run, err := x.run(c)
	if err != nil {
		return err
	}
	return x.sendBelow(c, run.GetArtifactUri(), c.Query("path"))
}

func (x *Proxy) getOfModel(c *fiber.Ctx) error {
	if c.Query("artifact_file_path") == "" {
		return mlflow.MissingParameter("artifact_file_path")
	}
	m, err := x.documents.Model(c.UserContext(), strings.Clone(c.Params("id")))
	if err != nil {
		return err
	}
	return x.sendBelow(c, m.GetArtifactUri(), c.Query("artifact_file_path"))
}

func (x *Proxy) sendBelow(c *fiber.Ctx, location, relative string) error {
	root, err := rootOf(location)
	if err != nil {
		return err
	}
	p, err := under(root, relative)
	if err != nil {
		return err
	}
	return x.send(c, p)
}

// send streams a file. A page that shows it must not run it: it is saved, and its type is not guessed.
func (x *Proxy) send(c *fiber.Ctx, p string) error {
	r, size, err := x.store.Get(c.UserContext(), p)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, mediaType(p))
	c.Set(fiber.HeaderContentDisposition, disposition(p))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.SendStream(r, int(size)) // closes r
}

func (x *Proxy) delete(c *fiber.Ctx) error {
	p, err := wildcard(c)
	if err == nil {
		err = x.store.Delete(p)
	}
	if err != nil {
		return err
	}
	return empty(c)
}

func empty(c *fiber.Ctx) error {
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.SendString("{}")
}

// multipart tells clients to upload whole files; they do so on this answer.
func multipart(*fiber.Ctx) error {
	return track.Errorf(track.NotImplemented, "Multipart upload is not supported for the current artifact repository")
}

// serverInfo tells clients what they may ask for. They ask before every download.
func serverInfo(c *fiber.Ctx) error {
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.SendString(`{"store_type":"SqlStore","workspaces_enabled":false,"trace_archival_enabled":false,"multipart_uploads_enabled":false,"multipart_downloads_enabled":false}`)
}
