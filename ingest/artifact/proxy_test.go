package artifact_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/artifact"
	"github.com/streamgauge/streamgauge/ingest/artifact/folder"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

type documents struct{}

func (documents) Run(_ context.Context, id string) (*sgpb.Run, error) {
	switch id {
	case "r":
		return &sgpb.Run{ArtifactUri: "mlflow-artifacts:/0/r/artifacts"}, nil
	case "elsewhere":
		return &sgpb.Run{ArtifactUri: "s3://bucket/x"}, nil
	case "direct":
		return &sgpb.Run{ArtifactUri: "s3://artifacts/some/prefix/0/direct/artifacts"}, nil
	case "http":
		return &sgpb.Run{ArtifactUri: "http://here/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts"}, nil
	}
	return nil, track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", id)
}

func (documents) Model(_ context.Context, id string) (*sgpb.LoggedModel, error) {
	m := &sgpb.LoggedModel{ArtifactUri: "mlflow-artifacts:/0/models/" + id + "/artifacts"}
	if id == "m-deleted" {
		m.Lifecycle = sgpb.Lifecycle_LIFECYCLE_DELETED
	}
	return m, nil
}

// proxy is a real server on a real port.
type proxy struct {
	dir, address string
	space        error
	mu           sync.Mutex
}

func (x *proxy) full(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.space = err
}

func start(t *testing.T) *proxy {
	t.Helper()
	x := &proxy{dir: filepath.Join(t.TempDir(), "artifacts")}
	files, err := folder.Open(x.dir, func() error {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.space
	})
	if err != nil {
		t.Fatal(err)
	}
	x.serve(t, files, artifact.Options{VersionLocation: func(context.Context, string, string) (string, error) {
		return "mlflow-artifacts:/0/r/artifacts", nil
	}})
	return x
}

// serve serves a store, and closes it in the end.
func (x *proxy) serve(t *testing.T, files store.Store, o artifact.Options) {
	t.Helper()
	app := fiber.New(fiber.Config{
		StreamRequestBody: true, CaseSensitive: true, BodyLimit: 1 << 40, ReadBufferSize: 64 << 10, DisableStartupMessage: true,
		ErrorHandler: func(c *fiber.Ctx, err error) error {
			var fe *fiber.Error
			if errors.As(err, &fe) {
				return c.Status(fe.Code).SendString(fe.Message)
			}
			status, body, _ := mlflow.ErrorBody(err)
			return c.Status(status).Send(body)
		},
	})
	artifact.NewProxy(files, documents{}, o).Routes(app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x.address = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- app.Listener(l) }()
	t.Cleanup(func() {
		if err := errors.Join(app.Shutdown(), <-served, files.Close()); err != nil {
			t.Error(err)
		}
	})
}

const files = "/api/2.0/mlflow-artifacts/artifacts"

func (x *proxy) ask(t *testing.T, method, path string, body io.Reader) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+x.address+path, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b), answer.Header
}

func (x *proxy) put(t *testing.T, path, content string) {
	t.Helper()
	if status, text, _ := x.ask(t, http.MethodPut, files+"/"+path, strings.NewReader(content)); status != 200 {
		t.Fatalf("put %s: %d %s", path, status, text)
	}
}

// names lists a folder as MLflow's client sees it.
func (x *proxy) names(t *testing.T, route string) []string {
	t.Helper()
	status, text, _ := x.ask(t, http.MethodGet, route, nil)
	var listing struct {
		Files []struct {
			Path     string `json:"path"`
			IsDir    bool   `json:"is_dir"`
			FileSize *int64 `json:"file_size"`
		} `json:"files"`
	}
	if err := json.Unmarshal([]byte(text), &listing); err != nil || status != 200 {
		t.Fatalf("list %s: %d %s", route, status, text)
	}
	var out []string
	for _, f := range listing.Files {
		if f.IsDir {
			out = append(out, f.Path+"/")
		} else {
			out = append(out, fmt.Sprintf("%s %d", f.Path, *f.FileSize))
		}
	}
	return out
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFilesComeBackAsTheyWere(t *testing.T) {
	x := start(t)
	x.put(t, "0/r/artifacts/model/MLmodel", "flavors")
	x.put(t, "0/r/artifacts/model/MLmodel", "other flavors")
	x.put(t, "0/r/artifacts/a.txt", "text")
	x.put(t, "0/r/artifacts/empty", "")
	status, text, h := x.ask(t, http.MethodGet, "/ajax-api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/model/MLmodel", nil)
	if status != 200 || text != "other flavors" || h.Get("Content-Type") != "text/plain" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Disposition") != "attachment; filename=MLmodel" {
		t.Errorf("%d %s %v", status, text, h)
	}
	same(t, x.names(t, files+"?path=0/r/artifacts"), "a.txt 4", "empty 0", "model/")
	same(t, x.names(t, "/api/2.0/mlflow/artifacts/list?run_id=r"), "a.txt 4", "empty 0", "model/")
	same(t, x.names(t, "/api/2.0/mlflow/artifacts/list?run_uuid=r&path=model"), "model/MLmodel 13")
	same(t, x.names(t, files+"?path=none"))
	same(t, x.names(t, files+"?path=0/r/artifacts/a.txt"))
	same(t, x.names(t, files), "0/")
	if status, text, _ := x.ask(t, http.MethodGet, "/get-artifact?run_id=r&path=a.txt", nil); status != 200 || text != "text" {
		t.Errorf("%d %s", status, text)
	}
	x.put(t, "0/models/m-1/artifacts/MLmodel", "m")
	same(t, x.names(t, "/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/directories"), "MLmodel 1")
	if status, text, _ := x.ask(t, http.MethodGet, "/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=MLmodel", nil); status != 200 || text != "m" {
		t.Errorf("%d %s", status, text)
	}
	if status, _, _ := x.ask(t, http.MethodDelete, files+"/0/r/artifacts/model", nil); status != 200 {
		t.Errorf("delete a folder: %d", status)
	}
	x.put(t, "0/r/artifacts/model", "a file in a folder's place")
	same(t, x.names(t, files+"?path=0/r/artifacts"), "a.txt 4", "empty 0", "model 26")
}

func TestStrangeNamesRoundTrip(t *testing.T) {
	x := start(t)
	strange := []string{
		"a b", "ü/日本語", "100%", "a%41b", "__0x41__", "x.attrs", "y.attrs/z", "f.1856d2f0a1b2c3d4.tmp", "f.tmp", "a..", "b../c", "...", ".hidden", "a+b&c=d;e,f", "q?r", `quote"s'`, "tab\tname", "~", "-", "[x]*", "a:b",
	}
	for _, p := range strange {
		x.put(t, "d/"+escapePath(p), p)
	}
	for _, p := range strange {
		if status, text, _ := x.ask(t, http.MethodGet, files+"/d/"+escapePath(p), nil); status != 200 || text != p {
			t.Errorf("%q: %d %s", p, status, text)
		}
		dir, name := filepath.Split("d/" + p)
		found := false
		for _, got := range x.names(t, files+"?path="+url.QueryEscape(strings.TrimSuffix(dir, "/"))) {
			found = found || got == fmt.Sprintf("%s %d", name, len(p))
		}
		if !found {
			t.Errorf("%q is not listed in %q", name, dir)
		}
	}
	for _, p := range strange {
		if status, text, _ := x.ask(t, http.MethodDelete, files+"/d/"+escapePath(p), nil); status != 200 {
			t.Errorf("delete %q: %d %s", p, status, text)
		}
	}
	same(t, x.names(t, files+"?path=d"))
}

func escapePath(p string) string { return strings.ReplaceAll(url.PathEscape(p), "%2F", "/") }

func TestBadRequests(t *testing.T) {
	x := start(t)
	x.put(t, "f", "x")
	x.put(t, "d/f", "x")
	for _, c := range []struct {
		method, path string
		status       int
		message      string
	}{
		{"GET", files + "/none", 404, "No such artifact: 'none'"},
		{"GET", files + "/d", 400, "Artifact path refers to a directory, not a file: 'd'"},
		{"PUT", files + "/d", 400, "directory"},
		{"PUT", files + "/f/x", 400, "Invalid path"},
		{"PUT", files + "/", 400, "Invalid path"},
		{"PUT", files + "/" + strings.Repeat("n", 300), 400, "Invalid path"},
		{"DELETE", files + "/", 400, "Invalid path"},
		{"DELETE", files + "/none", 200, "{}"},
		{"GET", files + "/%2e%2e/%2e%2e/etc/passwd", 400, "Invalid path"},
		{"GET", files + "/..%252f..%252fetc", 400, "Invalid path"},
		{"PUT", files + "/a%2f..%2f..%2fx", 400, "Invalid path"},
		{"DELETE", files + "/%2fetc", 400, "Invalid path"},
		{"GET", files + "?path=../x", 400, "Invalid path"},
		{"GET", files + "?path=%2Fetc", 400, "Invalid path"},
		{"GET", "/get-artifact?run_id=r&path=../../x", 400, "Invalid path"},
		{"GET", "/get-artifact?run_id=r", 400, "'path'"},
		{"GET", "/get-artifact?path=x", 400, "'run_id'"},
		{"GET", "/api/2.0/mlflow/artifacts/list?run_id=none", 404, "not found"},
		{"GET", "/api/2.0/mlflow/artifacts/list?run_id=elsewhere", 400, "s3://bucket/x"},
		{"GET", "/api/2.0/mlflow/logged-models/m-deleted/artifacts/directories", 404, "Logged model with ID 'm-deleted' not found."},
		{"GET", "/ajax-api/2.0/mlflow/logged-models/m-deleted/artifacts/files?artifact_file_path=x", 404, "Logged model with ID 'm-deleted' not found."},
		{"GET", "/api/3.0/mlflow/server-info", 200, `"multipart_downloads_enabled":false`},
	} {
		if status, text, _ := x.ask(t, c.method, c.path, nil); status != c.status || !strings.Contains(text, c.message) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, status, text, c.status, c.message)
		}
	}
}

func TestSymbolicLinksLeadNowhere(t *testing.T) {
	x := start(t)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"dir": outside, "file": filepath.Join(outside, "secret"), "dangling": filepath.Join(outside, "new")} {
		if err := os.Symlink(target, filepath.Join(x.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range [][2]string{{"GET", "/file"}, {"GET", "/dir/secret"}, {"PUT", "/dir/new"}, {"PUT", "/dangling/x"}, {"PUT", "/dangling"}, {"DELETE", "/dir/secret"}, {"GET", "?path=dir"}} {
		if status, text, _ := x.ask(t, c[0], files+c[1], nil); status != 400 {
			t.Errorf("%v: %d %s", c, status, text)
		}
	}
	if status, _, _ := x.ask(t, http.MethodDelete, files+"/dir", nil); status != 200 {
		t.Error("a link itself cannot be deleted")
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside there is %v %v, want the secret alone", entries, err)
	}
}
