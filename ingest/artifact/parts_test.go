package artifact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/ingest/artifact"
)

// inParts uploads a file as MLflow's client does.
func (x *proxy) inParts(t *testing.T, verb, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+x.address+"/api/2.0/mlflow-artifacts/mpu/"+verb+"/0/r/artifacts", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return x.do(t, r)
}

func (x *proxy) do(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

type begun struct {
	UploadID    string `json:"upload_id"`
	Credentials []struct {
		URL  string
		Part int `json:"part_number"`
	}
}

func (x *proxy) begin(t *testing.T, name string, parts int) begun {
	t.Helper()
	status, text := x.inParts(t, "create", fmt.Sprintf(`{"path":"/home/a/%s","num_parts":%d}`, name, parts))
	var b begun
	if err := json.Unmarshal([]byte(text), &b); err != nil || status != 200 || len(b.Credentials) != parts {
		t.Fatalf("%d %s", status, text)
	}
	return b
}

func TestUploadsInPartsGoPastTheServer(t *testing.T) {
	x, _ := startS3(t, artifact.Options{})
	const partBytes = 5 << 20
	content, seed := make([]byte, 2*partBytes+17), rand.NewChaCha8([32]byte{3})
	_, _ = seed.Read(content)
	b := x.begin(t, "large.txt", 3)
	var parts []string
	for i, c := range b.Credentials {
		piece := content[i*partBytes : min(len(content), (i+1)*partBytes)]
		r, err := http.NewRequest(http.MethodPut, c.URL, bytes.NewReader(piece))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode != 200 || c.Part != i+1 {
			t.Fatalf("part %d: %v %v", c.Part, answer, err)
		}
		_ = answer.Body.Close()
		parts = append(parts, fmt.Sprintf(`{"part_number":%d,"etag":%q,"url":%q}`, c.Part, answer.Header.Get("ETag"), c.URL))
	}
	wrong := strings.Replace(strings.Join(parts, ","), `"etag":"\"`, `"etag":"\"0`, 1)
	if status, text := x.inParts(t, "complete", fmt.Sprintf(`{"path":"large.txt","upload_id":%q,"parts":[%s]}`, b.UploadID, wrong)); status != 400 {
		t.Errorf("a wrong etag: %d %s", status, text)
	}
	complete := fmt.Sprintf(`{"path":"C:\\tmp\\large.txt","upload_id":%q,"parts":[%s]}`, b.UploadID, strings.Join(parts, ","))
	if status, text := x.inParts(t, "complete", complete); status != 200 || text != "{}" {
		t.Fatalf("%d %s", status, text)
	}
	if status, text, h := x.ask(t, http.MethodGet, files+"/0/r/artifacts/large.txt", nil); status != 200 || text != string(content) || h.Get("Content-Type") != "text/plain" {
		t.Errorf("%d, %d bytes, want %d", status, len(text), len(content))
	}
}

func TestAnAbortedUploadInPartsLeavesNothing(t *testing.T) {
	x, _ := startS3(t, artifact.Options{})
	b := x.begin(t, "f", 1)
	abort := fmt.Sprintf(`{"path":"f","upload_id":%q}`, b.UploadID)
	if status, text := x.inParts(t, "abort", abort); status != 200 || text != "{}" {
		t.Fatalf("%d %s", status, text)
	}
	if status, text := x.inParts(t, "abort", abort); status != 404 {
		t.Errorf("aborted twice: %d %s", status, text)
	}
	same(t, x.names(t, files+"?path=0/r/artifacts"))
	for body, want := range map[string]string{
		`{"num_parts":1}`:              "'path'",
		`{"path":"..","num_parts":1}`:  "Invalid path",
		`{"path":"x/","num_parts":1}`:  "Invalid path",
		`{"path":"f","num_parts":0}`:   "num_parts",
		`{"path":"f","num_parts":1e9}`: "num_parts",
		`[]`:                           "JSON object",
	} {
		if status, text := x.inParts(t, "create", body); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %s", body, status, text, want)
		}
	}
	for body, want := range map[string]string{
		`{"path":"f","upload_id":"x"}`:                                                           "'parts'",
		`{"path":"f","upload_id":"x","parts":[{"part_number":0}]}`:                               "parts[0].part_number",
		fmt.Sprintf(`{"path":"f","upload_id":%q,"parts":[{"part_number":1}]}`, "no such upload"): "",
	} {
		if status, text := x.inParts(t, "complete", body); status < 400 || status >= 500 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %s", body, status, text, want)
		}
	}
}

func TestSignedAddresses(t *testing.T) {
	x, _ := startS3(t, artifact.Options{})
	x.put(t, "0/r/artifacts/ä.txt", "text")
	status, text, _ := x.ask(t, http.MethodGet, presigned+"/0/r/artifacts/"+url.PathEscape("ä.txt"), nil)
	if status != 200 || !strings.Contains(text, `"file_size":4`) || !strings.Contains(text, `"headers":{}`) || fetch(t, text) != "text" {
		t.Errorf("%d %s", status, text)
	}
	for path, want := range map[string]int{"none": 404, "0/r": 400, "..%2fx": 400} {
		if status, text, _ := x.ask(t, http.MethodGet, presigned+"/"+path, nil); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, text, want)
		}
	}
	status, text = x.sign(t, "upload", `{"run_id":"r","path":"new/b.json","expiration":60}`)
	var signed struct {
		URL     string `json:"presigned_url"`
		Headers map[string]string
	}
	if err := json.Unmarshal([]byte(text), &signed); err != nil || status != 200 || signed.Headers["Content-Type"] != "text/plain" {
		t.Fatalf("%d %s", status, text)
	}
	r, err := http.NewRequest(http.MethodPut, signed.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range signed.Headers {
		r.Header.Set(name, value)
	}
	if status, text := x.do(t, r); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	status, text = x.sign(t, "download", `{"run_id":"r","path":"new/b.json"}`)
	if status != 200 || fetch(t, text) != "{}" || !strings.Contains(text, `"file_size":2`) {
		t.Errorf("%d %s", status, text)
	}
	if status, text := x.sign(t, "upload", `{"model_id":"m-1","path":"x"}`); status != 200 || !strings.Contains(text, "/0/models/m-1/artifacts/x?") {
		t.Errorf("%d %s", status, text)
	}
}

func (x *proxy) sign(t *testing.T, what, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+x.address+"/api/2.0/mlflow/artifacts/presigned-"+what+"-url", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return x.do(t, r)
}

func TestServerInfoSaysWhatTheStoreCan(t *testing.T) {
	onlyFolder := start(t)
	bucket, _ := startS3(t, artifact.Options{})
	proxied, _ := startS3(t, artifact.Options{ProxyOnly: true})
	for _, c := range []struct {
		x   *proxy
		can bool
	}{{onlyFolder, false}, {bucket, true}, {proxied, false}} {
		_, text, _ := c.x.ask(t, http.MethodGet, "/api/3.0/mlflow/server-info", nil)
		var info map[string]any
		err := json.Unmarshal([]byte(text), &info)
		if err != nil || info["multipart_uploads_enabled"] != c.can || info["multipart_downloads_enabled"] != c.can {
			t.Errorf("%s, want %t: %v", text, c.can, err)
		}
		status, text := c.x.inParts(t, "create", `{"path":"x","num_parts":1}`)
		if (status == 200) != c.can || status != 200 && !strings.Contains(text, "Multipart upload is not supported for the current artifact repository") {
			t.Errorf("%d %s", status, text)
		}
	}
}
