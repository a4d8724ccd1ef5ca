package browse_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact/browse"
	"github.com/streamgauge/streamgauge/ingest/artifact/folder"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// start serves a folder with files, of a run "r", on a real port.
func start(t *testing.T, wrap func(store.Store) store.Store, files map[string]string) string {
	t.Helper()
	kept, err := folder.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range files {
		if err := kept.Put(t.Context(), path.Join("0/r/artifacts", name), strings.NewReader(body), int64(len(body))); err != nil {
			t.Fatal(err)
		}
	}
	var served store.Store = kept
	if wrap != nil {
		served = wrap(kept)
	}
	app := fiber.New(fiber.Config{CaseSensitive: true, DisableStartupMessage: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, body, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(body)
	}})
	browse.NewServer(served, func(_ context.Context, run, _, relative string) (string, error) {
		if run != "r" {
			return "", track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", run)
		}
		relative, err := store.Clean(relative)
		return path.Join("0/r/artifacts", relative), err
	}).Routes(app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(l) }()
	t.Cleanup(func() {
		if err := errors.Join(app.Shutdown(), <-ended, kept.Close()); err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String() + "/v1/artifacts/"
}

func get(t *testing.T, url string) (int, []byte, http.Header, error) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return answer.StatusCode, b, answer.Header, err
}

func unzip(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		found[f.Name] = string(b)
	}
	return found
}

func TestAFolderIsOneArchive(t *testing.T) {
	large := strings.Repeat("0123456789", 300_000)
	url := start(t, nil, map[string]string{"a.txt": "a", "model/MLmodel": "flavors", "model/data/weights": large, "model/ü.txt": "u"})
	status, packed, header, err := get(t, url+"archive?run_id=r&path=model")
	if status != 200 || err != nil || header.Get("Content-Disposition") != "attachment; filename=model.zip" {
		t.Fatal(status, err, header)
	}
	want := map[string]string{"MLmodel": "flavors", "data/weights": large, "ü.txt": "u"}
	if found := unzip(t, packed); fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("%d files: %.80v", len(found), found)
	}
	_, packed, header, _ = get(t, url+"archive?run_id=r")
	if found := unzip(t, packed); len(found) != 4 || found["model/MLmodel"] != "flavors" || header.Get("Content-Disposition") != "attachment; filename=r.zip" {
		t.Errorf("%d files, %v", len(found), header)
	}
}

func TestWhatIsNoFolderIsRefused(t *testing.T) {
	url := start(t, nil, map[string]string{"a.txt": "a"})
	for query, want := range map[string]int{"run_id=r&path=none": 404, "run_id=x": 404, "run_id=r&path=../x": 400} {
		if status, body, _, _ := get(t, url+"archive?"+query); status != want {
			t.Errorf("%s: %d %s, want %d", query, status, body, want)
		}
	}
}

// breaking fails at a file, after some of it.
type breaking struct{ store.Store }

func (b breaking) Get(ctx context.Context, p string, from, length int64) (io.ReadCloser, store.Info, error) {
	r, info, err := b.Store.Get(ctx, p, from, length)
	if path.Base(p) != "b" || err != nil {
		return r, info, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader("x"), failing{}), r}, info, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

// noise cannot be packed.
func noise(n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return string(b)
}

func TestAnArchiveThatBreaksIsNotTakenForWhole(t *testing.T) {
	url := start(t, func(s store.Store) store.Store { return breaking{s} }, map[string]string{"a": noise(1 << 20), "b": "b"})
	// More often than there are places: each must be given back.
	for range 10 {
		if status, _, _, err := get(t, url+"archive?run_id=r"); status != 200 || err == nil {
			t.Fatalf("%d, %v: want an answer that breaks off", status, err)
		}
	}
}

// manyFiles lists more than an archive may hold, a page at a time.
type manyFiles struct{ store.Store }

func (manyFiles) List(_ context.Context, p, _ string) ([]store.File, string, error) {
	files := make([]store.File, 1000)
	for i := range files {
		files[i] = store.File{Name: fmt.Sprint("f", i)}
	}
	return files, "next", nil
}

func TestAFolderOfTooManyFilesIsRefusedBeforeTheFirstByte(t *testing.T) {
	url := start(t, func(s store.Store) store.Store { return manyFiles{s} }, nil)
	if status, body, _, _ := get(t, url+"archive?run_id=r"); status != 400 || !strings.Contains(string(body), "more than 100000 files") {
		t.Errorf("%d %s", status, body)
	}
}

func TestADocumentCannotActOnTheServer(t *testing.T) {
	url := start(t, nil, map[string]string{"report.html": "<script>1</script>", "p.pdf": "%PDF", "x.svg": "<svg/>", "x.txt": "x"})
	status, body, header, _ := get(t, url+"page?run_id=r&path=report.html")
	policy := header.Get("Content-Security-Policy")
	if status != 200 || string(body) != "<script>1</script>" || header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %s %v", status, body, header)
	}
	for _, part := range []string{"sandbox allow-scripts;", "default-src 'none'", "connect-src data: blob:;", "form-action 'none'", "frame-ancestors 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy %q lacks %q", policy, part)
		}
	}
	if strings.Contains(policy, "allow-same-origin") {
		t.Errorf("the policy %q gives the document this server's origin", policy)
	}
	if status, _, header, _ := get(t, url+"page?run_id=r&path=p.pdf"); status != 200 || header.Get("Content-Type") != "application/pdf" {
		t.Errorf("%d %v", status, header)
	}
	for query, want := range map[string]int{"path=x.svg": 400, "path=x.txt": 400, "path=none.html": 404, "path=": 400} {
		if status, body, _, _ := get(t, url+"page?run_id=r&"+query); status != want {
			t.Errorf("%s: %d %s, want %d", query, status, body, want)
		}
	}
}
