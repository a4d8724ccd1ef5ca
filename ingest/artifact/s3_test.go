package artifact_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/ingest/artifact"
	"github.com/streamgauge/streamgauge/ingest/artifact/bucket"
	"github.com/streamgauge/streamgauge/ingest/artifact/s3test"
)

// startS3 serves a prefix of a real S3 server's bucket.
func startS3(t *testing.T, o artifact.Options) (*proxy, s3test.Server) {
	t.Helper()
	s := s3test.Start(t)
	b, err := bucket.Open(context.Background(), "s3://"+s3test.Bucket+"/some/prefix")
	if err != nil {
		t.Fatal(err)
	}
	x := &proxy{dir: s.Dir}
	x.serve(t, b, o)
	return x, s
}

func TestABucketKeepsFilesAsAFolderDoes(t *testing.T) {
	x, s := startS3(t, artifact.Options{})
	x.put(t, "0/r/artifacts/model/MLmodel", "flavors")
	x.put(t, "0/r/artifacts/model/MLmodel", "other flavors")
	x.put(t, "0/r/artifacts/a.txt", "text")
	x.put(t, "0/r/artifacts/empty", "")
	x.put(t, "0/r/artifacts/model.txt", "beside")
	status, text, h := x.ask(t, http.MethodGet, files+"/0/r/artifacts/model/MLmodel", nil)
	if status != 200 || text != "other flavors" || h.Get("Content-Type") != "text/plain" || h.Get("Content-Disposition") != "attachment; filename=MLmodel" {
		t.Errorf("%d %s %v", status, text, h)
	}
	same(t, x.names(t, "/api/2.0/mlflow/artifacts/list?run_id=r"), "a.txt 4", "empty 0", "model/", "model.txt 6")
	same(t, x.names(t, files+"?path=0/r/artifacts/model"), "MLmodel 13")
	same(t, x.names(t, files+"?path=none"))
	same(t, x.names(t, files+"?path=0/r/artifacts/a.txt"))
	if text, err := os.ReadFile(filepath.Join(s.Dir, "some/prefix/0/r/artifacts/a.txt")); string(text) != "text" {
		t.Errorf("the object is not where MLflow would look: %q %v", text, err)
	}
	for _, c := range []struct {
		method, path string
		status       int
		message      string
	}{
		{"GET", files + "/0/r/artifacts/none", 404, "No such artifact"},
		{"GET", files + "/0/r/artifacts/model", 400, "Artifact path refers to a directory"},
		{"GET", files + "/0/r/artifacts/a.txt/x", 404, "No such artifact"},
		{"PUT", files + "/", 400, "Invalid path"},
		{"PUT", files + "/a__0x41__", 400, "Invalid path"},
		{"PUT", files + "/a%01", 400, "Invalid path"},
		{"PUT", files + "/a..%2Fb", 400, "Invalid path"},
		{"DELETE", files + "/", 400, "Invalid path"},
		{"DELETE", files + "/none", 200, "{}"},
		{"DELETE", files + "/0/r/artifacts/model", 200, "{}"},
	} {
		if status, text, _ := x.ask(t, c.method, c.path, nil); status != c.status || !strings.Contains(text, c.message) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, status, text, c.status, c.message)
		}
	}
	same(t, x.names(t, files+"?path=0/r/artifacts"), "a.txt 4", "empty 0", "model.txt 6")
}

func TestRunsThatNameTheBucketThemselvesAreServed(t *testing.T) {
	x, _ := startS3(t, artifact.Options{})
	x.put(t, "0/direct/artifacts/a", "x")
	same(t, x.names(t, "/api/2.0/mlflow/artifacts/list?run_id=direct"), "a 1")
	if status, text, _ := x.ask(t, http.MethodGet, "/get-artifact?run_id=elsewhere&path=a", nil); status != 400 {
		t.Errorf("another bucket: %d %s", status, text)
	}
}

func TestStrangeNamesInABucket(t *testing.T) {
	x, _ := startS3(t, artifact.Options{})
	for _, name := range []string{"a b", "ü 日本語", "100%", "a%41b", "x.attrs", "f.tmp", "...x", "a+b&c=d;e,f", "q?r", `quote"s'`, "~", "[x]*", "a:b"} {
		x.put(t, "d/"+escapePath(name), name)
		if status, text, _ := x.ask(t, http.MethodGet, files+"/d/"+escapePath(name), nil); status != 200 || text != name {
			t.Errorf("%q: %d %s", name, status, text)
		}
		same(t, x.names(t, files+"?path=d"), fmt.Sprintf("%s %d", name, len(name)))
		status, text, _ := x.ask(t, http.MethodGet, presigned+"/d/"+escapePath(name), nil)
		if got := fetch(t, text); status != 200 || got != name {
			t.Errorf("%q, signed: %d %s: %s", name, status, text, got)
		}
		if status, text, _ := x.ask(t, http.MethodDelete, files+"/d", nil); status != 200 {
			t.Errorf("delete %q: %d %s", name, status, text)
		}
	}
}

const presigned = "/api/2.0/mlflow-artifacts/presigned"

// fetch gets what a signed answer names.
func fetch(t *testing.T, answer string) string {
	t.Helper()
	var signed struct{ URL, Presigned_url string }
	if err := json.Unmarshal([]byte(answer), &signed); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	got, err := http.Get(signed.URL + signed.Presigned_url)
	if err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestABrokenUploadToABucketLeavesWhatWasThere(t *testing.T) {
	x, s := startS3(t, artifact.Options{})
	x.put(t, "f", "before")
	// More than a part, so that the upload has begun at the store when it breaks off.
	for _, header := range []string{"Content-Length: 70000000", "Transfer-Encoding: chunked"} {
		x.breakOff(t, header, 40<<20)
	}
	x.breakOff(t, "Content-Length: 1000000", 50_000) // less than a part
	if _, text, _ := x.ask(t, http.MethodGet, files+"/f", nil); text != "before" {
		t.Errorf("the file holds %.20q", text)
	}
	err := filepath.WalkDir(s.Dir, func(p string, d fs.DirEntry, err error) error {
		if info, e := d.Info(); err == nil && e == nil && !d.IsDir() && info.Size() > 6 {
			return fmt.Errorf("%s of %d bytes is left", p, info.Size())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLargeFilesStreamToABucketAndBack(t *testing.T) {
	x, _ := startS3(t, artifact.Options{})
	x.large(t)
}

func TestASmallUploadOfThePage(t *testing.T) {
	x, _ := startS3(t, artifact.Options{})
	if status, text, _ := x.ask(t, http.MethodPost, "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r&path=notes/a.txt", strings.NewReader("note")); status != 200 || text != "" {
		t.Errorf("%d %s", status, text)
	}
	same(t, x.names(t, "/api/2.0/mlflow/artifacts/list?run_id=r&path=notes"), "notes/a.txt 4")
}

func TestAStoreThatIsAwayIsSaidToBeAway(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	x, s := startS3(t, artifact.Options{})
	x.put(t, "f", "x")
	s.Stop()
	for _, c := range [][2]string{{"PUT", files + "/f"}, {"GET", files + "/f"}, {"DELETE", files + "/f"}, {"GET", files}, {"GET", presigned + "/f"}} {
		if status, text, _ := x.ask(t, c[0], c[1], strings.NewReader("y")); status != 503 || !strings.Contains(text, "TEMPORARILY_UNAVAILABLE") {
			t.Errorf("%v: %d %s", c, status, text)
		}
	}
	if status, text := x.inParts(t, "create", `{"path":"f","num_parts":1}`); status != 503 {
		t.Errorf("%d %s", status, text)
	}
}
