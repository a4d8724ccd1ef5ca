package artifact

import (
	"path"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// list answers a folder of the store. This route has no pages.
func (x *Proxy) list(c *fiber.Ctx) error {
	p, err := store.Clean(strings.Clone(c.Query("path")))
	if err != nil {
		return err
	}
	files, next, err := x.store.List(c.UserContext(), p, "")
	if err != nil {
		return err
	}
	if next != "" {
		return track.Errorf(track.InvalidParameterValue, "'%s' holds more than %d entries; list a folder below it", p, len(files))
	}
	return listed(c, "", "", files, "")
}

func (x *Proxy) listOfRun(c *fiber.Ctx) error {
	return x.listBelow(c, c.Query("path"), x.locationOfRun)
}

func (x *Proxy) listOfModel(c *fiber.Ctx) error {
	return x.listBelow(c, c.Query("artifact_directory_path"), x.locationOfModel)
}

// listBelow lists a folder of a run or a model; paths in the answer are relative to its root. MLflow's server
// has no pages here and neither have we, until a folder is larger than an answer may be.
func (x *Proxy) listBelow(c *fiber.Ctx, relative string, locate func(*fiber.Ctx) (string, error)) error {
	relative, err := store.Clean(strings.Clone(relative))
	if err != nil {
		return err
	}
	location, err := locate(c)
	if err != nil {
		return err
	}
	root, err := store.Root(x.store, location)
	if err != nil {
		return err
	}
	files, next, err := x.store.List(c.UserContext(), path.Join(root, relative), strings.Clone(c.Query("page_token")))
	if err != nil {
		return err
	}
	return listed(c, location, relative, files, next)
}

// listed answers files under the paths that the client knows.
func listed(c *fiber.Ctx, location, relative string, files []store.File, next string) error {
	var w jx.Encoder
	w.Obj(func(w *jx.Encoder) {
		if location != "" {
			w.Field("root_uri", func(w *jx.Encoder) { w.Str(location) })
		}
		if len(files) > 0 {
			w.Field("files", func(w *jx.Encoder) {
				w.Arr(func(w *jx.Encoder) {
					for _, f := range files {
						encodeFile(w, relative, f)
					}
				})
			})
		}
		if next != "" {
			w.Field("next_page_token", func(w *jx.Encoder) { w.Str(next) })
		}
	})
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}

func encodeFile(w *jx.Encoder, relative string, f store.File) {
	w.Obj(func(w *jx.Encoder) {
		w.Field("path", func(w *jx.Encoder) { w.Str(path.Join(relative, f.Name)) })
		w.Field("is_dir", func(w *jx.Encoder) { w.Bool(f.IsDir) })
		if !f.IsDir {
			w.Field("file_size", func(w *jx.Encoder) { w.Int64(f.Size) })
		}
	})
}
