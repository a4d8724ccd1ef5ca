package artifact

import (
	"context"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
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

// Options adjust a proxy. The zero value works.
type Options struct {
	// ProxyOnly keeps clients from moving files past this server, for stores that they cannot reach.
	ProxyOnly bool
	// VersionLocation says where a version of a registered model keeps its files; nil: nobody knows.
	VersionLocation func(ctx context.Context, name, version string) (string, error)
}

// Proxy serves a store over HTTP.
type Proxy struct {
	store     store.Store
	documents Documents
	options   Options
	// signer and multipart are nil if clients do not go past this server.
	signer    store.Signer
	multipart store.Multipart
}

// NewProxy makes a proxy; it does not close the store.
func NewProxy(s store.Store, d Documents, o Options) *Proxy {
	x := &Proxy{store: s, documents: d, options: o}
	if !o.ProxyOnly {
		x.signer, x.multipart = s.Signer(), s.Multipart()
	}
	return x
}

// Routes registers MLflow's routes of artifacts.
func (x *Proxy) Routes(r fiber.Router) {
	for _, api := range []string{"/api", "/ajax-api"} {
		proxied := api + "/2.0/mlflow-artifacts"
		r.Get(proxied+"/artifacts", x.list)
		r.Get(proxied+"/artifacts/*", x.get)
		r.Put(proxied+"/artifacts/*", x.put)
		r.Delete(proxied+"/artifacts/*", x.delete)
		r.Post(proxied+"/mpu/create/*", x.beginParts)
		r.Post(proxied+"/mpu/complete/*", x.completeParts)
		r.Post(proxied+"/mpu/abort/*", x.abortParts)
		r.Get(proxied+"/presigned/*", x.signed)
		r.Post(api+"/2.0/mlflow/artifacts/presigned-upload-url", x.signUpload)
		r.Post(api+"/2.0/mlflow/artifacts/presigned-download-url", x.signDownload)
		r.Get(api+"/2.0/mlflow/artifacts/list", x.listOfRun)
		r.Get(api+"/2.0/mlflow/logged-models/:id/artifacts/directories", x.listOfModel)
		r.Get(api+"/3.0/mlflow/server-info", x.serverInfo)
	}
	r.Get("/get-artifact", x.getOfRun)
	r.Get("/ajax-api/2.0/mlflow/logged-models/:id/artifacts/files", x.getOfModel)
	r.Post("/ajax-api/2.0/mlflow/upload-artifact", x.putOfRun)
	if x.options.VersionLocation != nil {
		r.Get("/model-versions/get-artifact", x.getOfVersion)
	}
}

// wildcard is the path behind a route, decoded once.
func wildcard(c *fiber.Ctx) (string, error) {
	p, err := url.PathUnescape(c.Params("*"))
	if err != nil {
		return "", store.InvalidPath()
	}
	return store.Clean(strings.Clone(p))
}

// root is the path in the store that a request's location means.
func (x *Proxy) root(c *fiber.Ctx, locate func(*fiber.Ctx) (string, error)) (string, error) {
	location, err := locate(c)
	if err != nil {
		return "", err
	}
	return store.Root(x.store, location)
}

// locationOfRun is where the run of a request's query keeps its files.
func (x *Proxy) locationOfRun(c *fiber.Ctx) (string, error) {
	id := c.Query("run_id")
	if id == "" {
		id = c.Query("run_uuid")
	}
	if id == "" {
		return "", mlflow.MissingParameter("run_id")
	}
	run, err := x.documents.Run(c.UserContext(), strings.Clone(id))
	return run.GetArtifactUri(), err
}

// locationOfModel is where the model in a request's path keeps its files.
func (x *Proxy) locationOfModel(c *fiber.Ctx) (string, error) {
	return x.modelLocation(c.UserContext(), strings.Clone(c.Params("id")))
}

// modelLocation is where a model keeps its files; a deleted one has none, as with MLflow.
func (x *Proxy) modelLocation(ctx context.Context, id string) (string, error) {
	m, err := x.documents.Model(ctx, id)
	if err == nil && m.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		err = track.Errorf(track.ResourceDoesNotExist, "Logged model with ID '%s' not found.", id)
	}
	return m.GetArtifactUri(), err
}

// Find is the path in the store of what lies below the artifacts of a run or of a model: of the one that is named.
func (x *Proxy) Find(ctx context.Context, run, model, relative string) (string, error) {
	relative, err := store.Clean(relative)
	if err != nil {
		return "", err
	}
	if (run == "") == (model == "") {
		return "", track.Errorf(track.InvalidParameterValue, "Exactly one of run_id and model_id must be provided.")
	}
	var location string
	if model != "" {
		location, err = x.modelLocation(ctx, model)
	} else {
		r, missing := x.documents.Run(ctx, run)
		location, err = r.GetArtifactUri(), missing
	}
	if err != nil {
		return "", err
	}
	root, err := store.Root(x.store, location)
	return path.Join(root, relative), err
}

// locationOfVersion is where the model version of a request's query keeps its files.
func (x *Proxy) locationOfVersion(c *fiber.Ctx) (string, error) {
	for _, field := range []string{"name", "version"} {
		if c.Query(field) == "" {
			return "", mlflow.MissingParameter(field)
		}
	}
	return x.options.VersionLocation(c.UserContext(), strings.Clone(c.Query("name")), strings.Clone(c.Query("version")))
}

func (x *Proxy) delete(c *fiber.Ctx) error {
	p, err := wildcard(c)
	if err == nil {
		err = x.store.Delete(c.UserContext(), p)
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

// serverInfo tells clients what they may ask for. They ask before every download. That presigned uploads are
// supported says that the requests are understood, as with MLflow; whether the store can, its answer says.
func (x *Proxy) serverInfo(c *fiber.Ctx) error {
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.SendString(`{"store_type":"SqlStore","workspaces_enabled":false,"trace_archival_enabled":false,` +
		`"multipart_uploads_enabled":` + strconv.FormatBool(x.multipart != nil) +
		`,"multipart_downloads_enabled":` + strconv.FormatBool(x.signer != nil) +
		`,"presigned_upload_run_id_supported":true,"presigned_upload_model_id_supported":true,"features_enabled":{"gateway":false}}`)
}
