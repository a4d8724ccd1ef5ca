package artifact_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/ingest/artifact"
	"github.com/streamgauge/streamgauge/ingest/artifact/folder"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// post sends a body of a type.
func (x *proxy) post(t *testing.T, path, kind string, body io.Reader) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+x.address+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return x.do(t, r)
}

func TestPathsThatLeadOutAreRefusedOnEveryRoute(t *testing.T) {
	x := start(t)
	const json = "application/json"
	for _, p := range []string{
		"..", "../x", "a/../../x", "%2e%2e/x", "%252e%252e%252fx", "%25252e%25252e/x", `..\x`, `a\b`, "%5c", "C:/x", "C:\\x", "c%3a/x", "/etc/passwd", "%2fetc", "//x", "a#b", "a%23b", "a\x00b", "a%00b", "\xff",
	} {
		q, inPath := url.QueryEscape(p), strings.ReplaceAll(url.PathEscape(p), "%2F", "/")
		quoted := strings.ReplaceAll(strconv.Quote(p), `\x`, `\u00`)
		for _, c := range [][2]string{
			{"GET", files + "/" + inPath}, {"PUT", files + "/" + inPath}, {"DELETE", files + "/" + inPath}, {"GET", presigned + "/" + inPath},
			{"GET", files + "?path=" + q}, {"GET", "/get-artifact?run_id=r&path=" + q}, {"GET", "/model-versions/get-artifact?name=m&version=1&path=" + q},
			{"GET", "/api/2.0/mlflow/artifacts/list?run_id=r&path=" + q},
			{"GET", "/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=" + q},
			{"GET", "/api/2.0/mlflow/logged-models/m-1/artifacts/directories?artifact_directory_path=" + q},
			{"POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r&path=" + q},
		} {
			if status, text, _ := x.ask(t, c[0], c[1], strings.NewReader("x")); status != 400 || !strings.Contains(text, "Invalid path") {
				t.Errorf("%s %s: %d %s", c[0], c[1], status, text)
			}
		}
		for _, c := range [][2]string{
			{"/api/2.0/mlflow-artifacts/mpu/create/" + inPath, `{"path":"f","num_parts":1}`},
			{"/api/2.0/mlflow-artifacts/mpu/complete/" + inPath, `{"path":"f","upload_id":"x","parts":[{"part_number":1}]}`},
			{"/api/2.0/mlflow-artifacts/mpu/abort/" + inPath, `{"path":"f","upload_id":"x"}`},
			{"/api/2.0/mlflow/artifacts/presigned-upload-url", `{"run_id":"r","path":` + quoted + `}`},
			{"/api/2.0/mlflow/artifacts/presigned-download-url", `{"run_id":"r","path":` + quoted + `}`},
		} {
			if p == "\xff" && strings.Contains(c[0], "presigned-") {
				continue // JSON has no such text
			}
			if status, text := x.post(t, c[0], json, strings.NewReader(c[1])); status != 400 || !strings.Contains(text, "Invalid path") {
				t.Errorf("%s %s: %d %s", c[0], c[1], status, text)
			}
		}
	}
	if left := x.onDisk(t); len(left) > 0 {
		t.Errorf("there is %q", left)
	}
}

func TestRequestsThatAFolderCannotServe(t *testing.T) {
	x := start(t)
	x.put(t, "0/r/artifacts/f", "x")
	const json, mpu, sign = "application/json", "/ajax-api/2.0/mlflow-artifacts/mpu/", "/ajax-api/2.0/mlflow/artifacts/presigned-"
	for _, c := range []struct {
		path, kind, body string
		status           int
		message          string
	}{
		{mpu + "create/0/r/artifacts", json, `{"path":"f","num_parts":1}`, 501, `"error_code":"NOT_IMPLEMENTED","message":"Multipart upload is not supported for the current artifact repository"`},
		{mpu + "complete/0/r/artifacts", json, `{"path":"f","upload_id":"x","parts":[{"part_number":1}]}`, 501, "NOT_IMPLEMENTED"},
		{mpu + "abort/0/r/artifacts", json, `{"path":"f"}`, 501, "NOT_IMPLEMENTED"},
		{mpu + "create/0/r/artifacts", "", `{"path":"f"}`, 400, "Bad Request. Content-Type header is missing."},
		{mpu + "create/0/r/artifacts", "text/plain", `{"path":"f"}`, 400, "Bad Request. Content-Type must be one of ['application/json']."},
		{mpu + "create/0/r/artifacts", json, `{}`, 400, "Missing value for required parameter 'path'"},
		{mpu + "create/0/r/artifacts", json, `{"path":"f","num_parts":"many"}`, 400, "num_parts"},
		{mpu + "create/0/r/artifacts", json, `{"path":"` + strings.Repeat("x", 33<<20) + `"}`, 413, "larger than 32 MiB"},
		{sign + "upload-url", json, `{"run_id":"r","path":"f"}`, 400, "Presigned upload is not supported for proxied artifact storage (artifact URI scheme: mlflow-artifacts). This endpoint requires a direct cloud storage artifact URI."},
		{sign + "download-url", json, `{"run_id":"r","path":"f"}`, 400, "Presigned download is not supported for runs with proxied artifact storage (artifact URI scheme: mlflow-artifacts). This endpoint requires a run with a direct cloud storage artifact URI."},
		{sign + "upload-url", json, `{"run_id":"elsewhere","path":"f"}`, 501, "Presigned upload is not supported for the current artifact repository"},
		{sign + "upload-url", json, `{"path":"f"}`, 400, "Exactly one of run_id and model_id must be provided."},
		{sign + "upload-url", json, `{"path":"f","run_id":"r","model_id":"m-1"}`, 400, "Exactly one of run_id and model_id must be provided."},
		{sign + "upload-url", json, `{"run_id":"r"}`, 400, "'path'"},
		{sign + "upload-url", json, `{"run_id":"none","path":"f"}`, 404, "not found"},
		{sign + "download-url", json, `{"path":"f"}`, 400, "'run_id'"},
		{sign + "download-url", json, `{"run_id":"r","path":"f","expiration":604801}`, 400, "expiration must be between 1 and 604800 seconds (got 604801)."},
		{"/ajax-api/2.0/mlflow/upload-artifact?path=f", "", "x", 400, "Request must specify run_uuid."},
		{"/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r", "", "x", 400, "Request must specify path."},
		{"/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r&path=f", "", "", 400, "Request must specify data."},
		{"/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r&path=f", "application/x-www-form-urlencoded", "x", 400, "Request must specify data."},
		{"/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r&path=f", "", strings.Repeat("x", 10<<20+1), 400, "Artifact size is too large. Max size is 10MB."},
		{"/ajax-api/2.0/mlflow/upload-artifact?run_uuid=none&path=f", "", "x", 404, "not found"},
		{"/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r&path=g", "", strings.Repeat("x", 10<<20), 200, ""},
	} {
		if status, text := x.post(t, c.path, c.kind, strings.NewReader(c.body)); status != c.status || !strings.Contains(text, c.message) {
			t.Errorf("%s %.80s: %d %s, want %d %s", c.path, c.body, status, text, c.status, c.message)
		}
	}
	if status, text, _ := x.ask(t, http.MethodGet, presigned+"/0/r/artifacts/f", nil); status != 501 || !strings.Contains(text, "Multipart download is not supported for the current artifact repository") {
		t.Errorf("%d %s", status, text)
	}
	same(t, x.names(t, files+"?path=0/r/artifacts"), "f 1", "g 10485760")
}

func TestPartsOfAFile(t *testing.T) {
	onS3, _ := startS3(t, artifact.Options{})
	for name, x := range map[string]*proxy{"folder": start(t), "bucket": onS3} {
		x.put(t, "f", "0123456789")
		get := func(header, value string) (int, string, http.Header) {
			r, err := http.NewRequest(http.MethodGet, "http://"+x.address+files+"/f", nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, h := range strings.Split(header, "|") {
				r.Header.Set(h, strings.Split(value, "|")[i])
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
		_, _, h := get("Accept", "*/*")
		if h.Get("Accept-Ranges") != "bytes" || h.Get("ETag") == "" || h.Get("Last-Modified") == "" {
			t.Errorf("%s: %v", name, h)
		}
		for _, c := range []struct {
			header, value string
			status        int
			text, answer  string
		}{
			{"Range", "bytes=2-4", 206, "234", "bytes 2-4/10"},
			{"Range", "bytes=7-", 206, "789", "bytes 7-9/10"},
			{"Range", "bytes=-2", 206, "89", "bytes 8-9/10"},
			{"Range", "bytes=0-0", 206, "0", "bytes 0-0/10"},
			{"Range", "bytes=0-1,4-5", 200, "0123456789", ""},
			{"Range", "bytes=10-", 416, "", "bytes */10"},
			{"Range|If-Range", "bytes=1-1|" + h.Get("ETag"), 206, "1", "bytes 1-1/10"},
			{"Range|If-Range", `bytes=1-1|"other"`, 200, "0123456789", ""},
		} {
			status, text, h := get(c.header, c.value)
			if status != c.status || status < 400 && text != c.text || h.Get("Content-Range") != c.answer {
				t.Errorf("%s %s: %d %q %s", name, c.value, status, text, h.Get("Content-Range"))
			}
		}
		answer, err := http.Head("http://" + x.address + files + "/f")
		if err != nil || answer.StatusCode != 200 || answer.ContentLength != 10 {
			t.Errorf("%s: head: %v %v", name, answer, err)
		}
	}
}

// paged is a store whose pages are small.
type paged struct{ store.Store }

func (p paged) List(ctx context.Context, path, page string) ([]store.File, string, error) {
	all, _, err := p.Store.List(ctx, path, "")
	from := 0
	if page != "" {
		b, _ := base64.RawURLEncoding.DecodeString(page)
		if from, err = strconv.Atoi(string(b)); err != nil {
			return nil, "", store.InvalidPage(page)
		}
	}
	if from+2 >= len(all) {
		return all[from:], "", err
	}
	return all[from : from+2], base64.RawURLEncoding.EncodeToString(fmt.Append(nil, from+2)), err
}

func TestAFolderTooLargeForAnAnswerHasPages(t *testing.T) {
	x := &proxy{dir: t.TempDir()}
	files, err := folder.Open(x.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	x.serve(t, paged{files}, artifact.Options{VersionLocation: func(_ context.Context, name, version string) (string, error) {
		if name != "m" || version != "1" {
			return "", track.Errorf(track.ResourceDoesNotExist, "Model Version (name=%s, version=%s) not found", name, version)
		}
		return "mlflow-artifacts:/0/r/artifacts", nil
	}})
	for _, name := range []string{"a", "b", "c"} {
		x.put(t, "0/r/artifacts/"+name, name)
	}
	const list = "/api/2.0/mlflow/artifacts/list?run_id=r"
	_, text, _ := x.ask(t, http.MethodGet, list, nil)
	if !strings.Contains(text, `"path":"b"`) || strings.Contains(text, `"path":"c"`) || !strings.Contains(text, `"next_page_token":"Mg"`) {
		t.Errorf("%s", text)
	}
	same(t, x.names(t, list+"&page_token=Mg"), "c 1")
	if status, text, _ := x.ask(t, http.MethodGet, list+"&page_token=Zm9v", nil); status != 400 || !strings.Contains(text, "page token") {
		t.Errorf("%d %s", status, text)
	}
	if status, text, _ := x.ask(t, http.MethodGet, "/api/2.0/mlflow-artifacts/artifacts?path=0/r/artifacts", nil); status != 400 || !strings.Contains(text, "more than 2 entries") {
		t.Errorf("a listing without pages: %d %s", status, text)
	}
	const version = "/model-versions/get-artifact?path=a"
	for query, want := range map[string]int{"&name=m&version=1": 200, "&name=m&version=2": 404, "&name=m": 400, "&version=1": 400} {
		if status, text, _ := x.ask(t, http.MethodGet, version+query, nil); status != want {
			t.Errorf("%s: %d %s, want %d", query, status, text, want)
		}
	}
}
