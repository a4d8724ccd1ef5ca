package artifact

import (
	"context"
	"net/url"
	"path"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact/media"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/ingest/body"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// downloadSeconds and uploadSeconds are how long addresses hold if the client does not say: MLflow's.
	downloadSeconds = 300
	uploadSeconds   = 900
	// validSecondsMax: the stores refuse addresses that hold longer, when they are used.
	validSecondsMax = 604_800
)

// signed answers the address of a file. Clients ask for it before every download if server-info says that they
// may.
func (x *Proxy) signed(c *fiber.Ctx) error {
	p, err := wildcard(c)
	if err != nil {
		return err
	}
	if x.signer == nil {
		return track.Errorf(track.NotImplemented, "Multipart download is not supported for the current artifact repository")
	}
	s, size, err := x.signGet(c.UserContext(), p, downloadSeconds)
	if err != nil {
		return err
	}
	return answerSigned(c, "url", s, size)
}

// signGet signs a file's address if it is there.
func (x *Proxy) signGet(ctx context.Context, p string, seconds int64) (store.Signed, int64, error) {
	info, err := x.store.Stat(ctx, p)
	if err != nil {
		return store.Signed{}, 0, err
	}
	s, err := x.signer.SignGet(ctx, p, media.Disposition(p), time.Duration(seconds)*time.Second)
	return s, info.Size, err
}

// answerSigned writes an address; a negative size is none.
func answerSigned(c *fiber.Ctx, field string, s store.Signed, size int64) error {
	var w jx.Encoder
	w.Obj(func(w *jx.Encoder) {
		w.Field(field, func(w *jx.Encoder) { w.Str(s.URL) })
		w.Field("headers", func(w *jx.Encoder) {
			w.Obj(func(w *jx.Encoder) {
				for name, value := range s.Headers {
					w.Field(name, func(w *jx.Encoder) { w.Str(value) })
				}
			})
		})
		if size >= 0 {
			w.Field("file_size", func(w *jx.Encoder) { w.Int64(size) })
		}
	})
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}

// signRequest is a request for the address of a file of a run or a model.
type signRequest struct {
	runID, modelID, path string
	seconds              int64
}

func readSignRequest(c *fiber.Ctx, seconds int64) (r signRequest, err error) {
	b, err := body.JSON(c)
	if err != nil {
		return r, err
	}
	f, err := mlflow.ParseBody(b)
	if err != nil {
		return r, err
	}
	if r.runID, err = f.String("run_id"); err != nil {
		return r, err
	}
	if r.modelID, err = f.String("model_id"); err != nil {
		return r, err
	}
	if r.path, err = f.Required("path"); err != nil {
		return r, err
	}
	if r.seconds, err = f.Int64("expiration", seconds); err != nil {
		return r, err
	}
	r.path, err = store.CleanFile(r.path)
	return r, err
}

func (r signRequest) checkSeconds() error {
	if r.seconds < 1 || r.seconds > validSecondsMax {
		return track.Errorf(track.InvalidParameterValue, "expiration must be between 1 and %d seconds (got %d).", validSecondsMax, r.seconds)
	}
	return nil
}

func (x *Proxy) signUpload(c *fiber.Ctx) error {
	r, err := readSignRequest(c, uploadSeconds)
	if err != nil {
		return err
	}
	if (r.runID == "") == (r.modelID == "") {
		return track.Errorf(track.InvalidParameterValue, "Exactly one of run_id and model_id must be provided.")
	}
	if err := r.checkSeconds(); err != nil {
		return err
	}
	location, err := x.locationOf(c.UserContext(), r)
	if err != nil {
		return err
	}
	if x.signer == nil {
		return cannotSign("upload", "proxied artifact storage", "direct cloud storage artifact URI", location)
	}
	root, err := store.Root(x.store, location)
	if err != nil {
		return err
	}
	p := path.Join(root, r.path)
	s, err := x.signer.SignPut(c.UserContext(), p, media.Type(p), time.Duration(r.seconds)*time.Second)
	if err != nil {
		return err
	}
	return answerSigned(c, "presigned_url", s, -1)
}

func (x *Proxy) signDownload(c *fiber.Ctx) error {
	r, err := readSignRequest(c, downloadSeconds)
	if err == nil && r.runID == "" {
		err = mlflow.MissingParameter("run_id")
	}
	if err == nil {
		err = r.checkSeconds()
	}
	if err != nil {
		return err
	}
	r.modelID = "" // MLflow signs downloads of runs only
	location, err := x.locationOf(c.UserContext(), r)
	if err != nil {
		return err
	}
	if x.signer == nil {
		return cannotSign("download", "runs with proxied artifact storage", "run with a direct cloud storage artifact URI", location)
	}
	root, err := store.Root(x.store, location)
	if err != nil {
		return err
	}
	s, size, err := x.signGet(c.UserContext(), path.Join(root, r.path), r.seconds)
	if err != nil {
		return err
	}
	return answerSigned(c, "presigned_url", s, size)
}

func (x *Proxy) locationOf(ctx context.Context, r signRequest) (string, error) {
	if r.modelID != "" {
		return x.modelLocation(ctx, r.modelID)
	}
	run, err := x.documents.Run(ctx, r.runID)
	return run.GetArtifactUri(), err
}

// cannotSign is MLflow's answer where there is nothing to sign for. MLflow gives it for every location that its server
// proxies; we do so only where the store cannot sign.
func cannotSign(what, of, want, location string) error {
	u, err := url.Parse(location)
	if err == nil && (u.Scheme == "mlflow-artifacts" || u.Scheme == "http" || u.Scheme == "https") {
		return track.Errorf(track.InvalidParameterValue, "Presigned %s is not supported for %s (artifact URI scheme: %s). This endpoint requires a %s.", what, of, u.Scheme, want)
	}
	return track.Errorf(track.NotImplemented, "Presigned %s is not supported for the current artifact repository", what)
}
