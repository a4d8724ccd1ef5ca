package artifact

import (
	"path"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact/media"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/ingest/body"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// noParts tells clients to upload whole files; they do so on this answer.
func noParts() error {
	return track.Errorf(track.NotImplemented, "Multipart upload is not supported for the current artifact repository")
}

// partsRequest reads what every request about an upload in parts has: the folder in its path, and in its body the name of
// the file as the client knows it.
func (x *Proxy) partsRequest(c *fiber.Ctx) (p string, f mlflow.Fields, err error) {
	b, err := body.JSON(c)
	if err != nil {
		return "", f, err
	}
	folder, err := wildcard(c)
	if err != nil {
		return "", f, err
	}
	if f, err = mlflow.ParseBody(b); err != nil {
		return "", f, err
	}
	local, err := f.Required("path")
	if err != nil {
		return "", f, err
	}
	name := local[strings.LastIndexAny(local, `/\`)+1:]
	clean, err := store.CleanFile(name)
	return path.Join(folder, clean), f, err
}

func (x *Proxy) beginParts(c *fiber.Ctx) error {
	p, f, err := x.partsRequest(c)
	if err != nil {
		return err
	}
	n, err := f.Int64("num_parts", 1)
	if err != nil {
		return err
	}
	if x.multipart == nil {
		return noParts()
	}
	if n < 1 || n > store.PartsMax {
		return track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'num_parts' supplied: it must be between 1 and %d; choose larger parts (MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE)", n, store.PartsMax)
	}
	id, urls, err := x.multipart.Begin(c.UserContext(), p, media.Type(p), int(n))
	if err != nil {
		return err
	}
	var w jx.Encoder
	w.Obj(func(w *jx.Encoder) {
		w.Field("upload_id", func(w *jx.Encoder) { w.Str(id) })
		w.Field("credentials", func(w *jx.Encoder) {
			w.Arr(func(w *jx.Encoder) {
				for i, address := range urls {
					w.Obj(func(w *jx.Encoder) {
						w.Field("url", func(w *jx.Encoder) { w.Str(address) })
						w.Field("part_number", func(w *jx.Encoder) { w.Int(i + 1) })
					})
				}
			})
		})
	})
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}

func (x *Proxy) completeParts(c *fiber.Ctx) error {
	p, f, err := x.partsRequest(c)
	if err != nil {
		return err
	}
	id, err := f.String("upload_id")
	if err != nil {
		return err
	}
	parts, err := uploadedParts(f)
	if err != nil {
		return err
	}
	if x.multipart == nil {
		return noParts()
	}
	if err := x.multipart.Complete(c.UserContext(), p, id, parts); err != nil {
		return err
	}
	return empty(c)
}

func uploadedParts(f mlflow.Fields) ([]store.Part, error) {
	items, err := f.Objects("parts")
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, mlflow.MissingParameter("parts")
	}
	parts := make([]store.Part, len(items))
	for i, item := range items {
		n, err := item.Int64("part_number", 0)
		if err != nil {
			return nil, err
		}
		if n < 1 || n > store.PartsMax {
			return nil, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter '%spart_number' supplied: it must be between 1 and %d", n, item.Path(), store.PartsMax)
		}
		etag, err := item.String("etag")
		if err != nil {
			return nil, err
		}
		parts[i] = store.Part{Number: int32(n), ETag: etag}
	}
	return parts, nil
}

func (x *Proxy) abortParts(c *fiber.Ctx) error {
	p, f, err := x.partsRequest(c)
	if err != nil {
		return err
	}
	id, err := f.String("upload_id")
	if err != nil {
		return err
	}
	if x.multipart == nil {
		return noParts()
	}
	if err := x.multipart.Abort(c.UserContext(), p, id); err != nil {
		return err
	}
	return empty(c)
}
