package artifact

import (
	"bytes"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/ingest/body"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func (x *Proxy) put(c *fiber.Ctx) error {
	file, err := body.NewStream(c)
	if err != nil {
		return err
	}
	p, err := wildcard(c)
	if err == nil {
		err = x.store.Put(c.UserContext(), p, file, file.Length)
	}
	if err != nil {
		return file.Refuse(c, err)
	}
	return empty(c)
}

// smallBytesMax is the largest file that the page uploads, in notes and the like: MLflow's.
const smallBytesMax = 10 << 20

// putOfRun is how MLflow's page uploads a small file of a run.
func (x *Proxy) putOfRun(c *fiber.Ctx) error {
	p, err := x.smallPath(c)
	if err != nil {
		return body.Refuse(c, err)
	}
	b, err := body.Bytes(c, smallBytesMax, track.Errorf(track.InvalidParameterValue, "Artifact size is too large. Max size is 10MB."))
	if err != nil {
		return err
	}
	kind := c.Get(fiber.HeaderContentType)
	if len(b) == 0 || strings.HasPrefix(kind, fiber.MIMEApplicationForm) || strings.HasPrefix(kind, fiber.MIMEMultipartForm) {
		return track.Errorf(track.InvalidParameterValue, "Request must specify data.")
	}
	run, err := x.documents.Run(c.UserContext(), strings.Clone(c.Query("run_uuid")))
	if err != nil {
		return err
	}
	root, err := store.Root(x.store, run.GetArtifactUri())
	if err != nil {
		return err
	}
	if err := x.store.Put(c.UserContext(), path.Join(root, p), bytes.NewReader(b), int64(len(b))); err != nil {
		return err
	}
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return nil
}

// smallPath checks the query of a small upload.
func (x *Proxy) smallPath(c *fiber.Ctx) (string, error) {
	if c.Query("run_uuid") == "" {
		return "", track.Errorf(track.InvalidParameterValue, "Request must specify run_uuid.")
	}
	if c.Query("path") == "" {
		return "", track.Errorf(track.InvalidParameterValue, "Request must specify path.")
	}
	return store.CleanFile(strings.Clone(c.Query("path")))
}
