package browse

import (
	"bufio"
	"context"
	"io"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact/media"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// archivesMax bounds the archives that are written at once: each keeps a compressor and a file open.
	archivesMax = 8
	// busySeconds is when a client may ask again.
	busySeconds = 10
	// bufferBytes is what of an archive is sent at a time.
	bufferBytes = 128 << 10
)

// Find is the path in the store of what lies below the artifacts of a run or of a model: of the one that is named.
type Find func(ctx context.Context, run, model, relative string) (string, error)

// Server serves a store. It may be called at once by many.
type Server struct {
	store  store.Store
	find   Find
	places chan struct{}
}

// NewServer makes a server; it does not close the store.
func NewServer(s store.Store, f Find) *Server {
	return &Server{store: s, find: f, places: make(chan struct{}, archivesMax)}
}

// Routes registers the routes.
func (s *Server) Routes(r fiber.Router) {
	r.Get("/v1/artifacts/archive", s.archive)
	r.Get("/v1/artifacts/page", s.page)
}

// place is the path in the store that a request means.
func (s *Server) place(c *fiber.Ctx) (string, error) {
	return s.find(c.UserContext(), strings.Clone(c.Query("run_id")), strings.Clone(c.Query("model_id")), strings.Clone(c.Query("path")))
}

// archive answers a folder as a zip. Its names are all known before the first byte, so what cannot be is refused with a
// status; what fails later breaks the connection, and nobody takes a part for the whole.
func (s *Server) archive(c *fiber.Ctx) error {
	root, err := s.place(c)
	if err != nil {
		return err
	}
	select {
	case s.places <- struct{}{}:
	default:
		return track.Unavailable(track.ResourceExhausted, busySeconds, "%d folders are being packed, as many as may be at once; ask again in %d s", archivesMax, busySeconds)
	}
	ctx := context.WithoutCancel(c.UserContext())
	files, err := list(ctx, s.store, root)
	if err == nil && len(files) == 0 {
		err = store.Missing(c.Query("path"))
	}
	if err != nil {
		<-s.places
		return err
	}
	r, w := io.Pipe()
	go func() {
		defer func() { <-s.places }()
		out := bufio.NewWriterSize(w, bufferBytes)
		err := pack(ctx, s.store, out, root, files)
		if err == nil {
			err = out.Flush()
		}
		w.CloseWithError(err)
	}()
	first := bufio.NewReaderSize(r, bufferBytes)
	if _, err := first.Peek(1); err != nil {
		_ = r.Close() // the writer has ended
		return err
	}
	c.Set(fiber.HeaderContentType, "application/zip")
	c.Set(fiber.HeaderContentDisposition, media.Disposition(archiveName(c.Query("run_id")+c.Query("model_id"), c.Query("path"))))
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Context().SetBodyStream(piped{first, r}, -1)
	return nil
}

// piped ends its writer when the answer is sent or its client gone.
type piped struct {
	*bufio.Reader
	io.Closer
}

// archiveName is what an archive is saved as: the folder's own name, and the run's or model's for all of them.
func archiveName(owner, folder string) string {
	if name := path.Base(strings.Trim(folder, "/")); name != "." && name != "/" {
		owner = name
	}
	return owner + ".zip"
}

// documentPolicy gives a document an origin of its own and leaves it what it brings along.
const documentPolicy = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; " +
	"style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; media-src data: blob:; worker-src blob:; " +
	"connect-src data: blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

// A PDF is drawn by the browser's own viewer, which a sandbox keeps out; it has no way to this server.
const pdfPolicy = "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// page answers a document that is shown in a frame.
func (s *Server) page(c *fiber.Ctx) error {
	place, err := s.place(c)
	if err != nil {
		return err
	}
	kind, policy := media.Type(place), documentPolicy
	switch kind {
	case fiber.MIMETextHTML:
		kind = fiber.MIMETextHTMLCharsetUTF8
	case "application/pdf":
		policy = pdfPolicy
	default:
		return track.Errorf(track.InvalidParameterValue, "'%s' is no HTML and no PDF; get it from /get-artifact", path.Base(place))
	}
	r, info, err := s.store.Get(c.UserContext(), place, 0, -1)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, "inline")
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderCacheControl, "no-cache")
	return c.SendStream(r, int(info.Size)) // closes r
}
