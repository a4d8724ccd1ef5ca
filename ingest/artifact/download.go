package artifact

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact/media"
	"github.com/streamgauge/streamgauge/ingest/artifact/span"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func (x *Proxy) get(c *fiber.Ctx) error {
	p, err := wildcard(c)
	if err != nil {
		return err
	}
	return x.send(c, p)
}

func (x *Proxy) getOfRun(c *fiber.Ctx) error { return x.sendPath(c, x.locationOfRun) }

func (x *Proxy) getOfVersion(c *fiber.Ctx) error { return x.sendPath(c, x.locationOfVersion) }

func (x *Proxy) sendPath(c *fiber.Ctx, locate func(*fiber.Ctx) (string, error)) error {
	if c.Query("path") == "" {
		return mlflow.MissingParameter("path")
	}
	return x.sendBelow(c, c.Query("path"), locate)
}

func (x *Proxy) getOfModel(c *fiber.Ctx) error {
	if c.Query("artifact_file_path") == "" {
		return track.Errorf(track.BadRequest, `Request must include the "artifact_file_path" query parameter.`)
	}
	return x.sendBelow(c, c.Query("artifact_file_path"), x.locationOfModel)
}

// SendBelow sends a file below an artifact location, for others that keep files there.
func (x *Proxy) SendBelow(c *fiber.Ctx, location, relative string) error {
	return x.sendBelow(c, relative, func(*fiber.Ctx) (string, error) { return location, nil })
}

func (x *Proxy) sendBelow(c *fiber.Ctx, relative string, locate func(*fiber.Ctx) (string, error)) error {
	relative, err := store.Clean(strings.Clone(relative))
	if err != nil {
		return err
	}
	root, err := x.root(c, locate)
	if err != nil {
		return err
	}
	return x.send(c, path.Join(root, relative))
}

// send streams a file, or a part of it that is asked for. A page that shows it must not run it: it is saved,
// and its type is not guessed.
func (x *Proxy) send(c *fiber.Ctx, p string) error {
	part, err := x.partOf(c, p)
	if err != nil {
		return err
	}
	r, info, err := x.store.Get(c.UserContext(), p, part.From, part.Length)
	if err != nil {
		return err
	}
	size := info.Size
	if part.Length >= 0 {
		size = part.Length
		c.Status(fiber.StatusPartialContent)
		c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", part.From, part.From+part.Length-1, info.Size))
	}
	c.Set(fiber.HeaderContentType, media.Type(p))
	c.Set(fiber.HeaderContentDisposition, media.Disposition(p))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderAcceptRanges, "bytes")
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set(fiber.HeaderLastModified, info.Modified.UTC().Format(http.TimeFormat))
	c.Set(fiber.HeaderETag, tag(info))
	return c.SendStream(r, int(size)) // closes r
}

// tag tells one content of a file from the next.
func tag(i store.Info) string { return fmt.Sprintf(`"%x-%x"`, i.Modified.UnixNano(), i.Size) }

// partOf is what of a file a request asks for, all of it if it asks for nothing else. The size that a range
// needs costs a question to the store, so it is asked only then.
func (x *Proxy) partOf(c *fiber.Ctx, p string) (span.Span, error) {
	header := c.Get(fiber.HeaderRange)
	if header == "" || c.Method() == fiber.MethodHead {
		return span.Whole, nil
	}
	info, err := x.store.Stat(c.UserContext(), p)
	if err != nil {
		return span.Whole, err
	}
	if unless := c.Get(fiber.HeaderIfRange); unless != "" && unless != tag(info) && unless != info.Modified.UTC().Format(http.TimeFormat) {
		return span.Whole, nil
	}
	part, ok := span.Parse(header, info.Size)
	if !ok {
		c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", info.Size))
		return span.Whole, fiber.NewError(fiber.StatusRequestedRangeNotSatisfiable, fmt.Sprintf("The file has %d bytes; the range '%s' holds none of them", info.Size, header))
	}
	return part, nil
}
