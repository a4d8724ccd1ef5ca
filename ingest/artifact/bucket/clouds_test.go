package bucket_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/ingest/artifact/bucket"
)

// These clouds have no server that could be started here. A listing is answered by hand, so that what is signed
// without asking anybody can be looked at.

func answering(t *testing.T, kind, listing string) (host string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, listing)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// signed opens a bucket and gives the queries of a download's and an upload's address.
func signed(t *testing.T, address, path string) (get, put url.Values, headers map[string]string) {
	t.Helper()
	b, err := bucket.Open(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if b.Signer() == nil || b.Multipart() != nil {
		t.Fatalf("signs: %v, takes parts: %v", b.Signer(), b.Multipart())
	}
	down, err := b.Signer().SignGet(context.Background(), "a b.txt", "attachment; filename=x", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	up, err := b.Signer().SignPut(context.Background(), "a b.txt", "text/plain", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var queries []url.Values
	for _, s := range []string{down.URL, up.URL} {
		u, err := url.Parse(s)
		if err != nil || !strings.HasSuffix(u.Path, path) {
			t.Fatalf("%s: %v, want the path %s", s, err, path)
		}
		queries = append(queries, u.Query())
	}
	return queries[0], queries[1], up.Headers
}

func TestAzureSigns(t *testing.T) {
	host := answering(t, "application/xml", `<?xml version="1.0"?><EnumerationResults ContainerName="c"><Blobs/><NextMarker/></EnumerationResults>`)
	t.Setenv("AZURE_STORAGE_ACCOUNT", "account")
	t.Setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
	get, put, headers := signed(t, "azblob://c/some/prefix?protocol=http&localemu=true&domain="+host, "/account/c/some/prefix/a b.txt")
	if get.Get("sp") != "r" || put.Get("sp") != "cw" || get.Get("sig") == "" || put.Get("sig") == "" {
		t.Errorf("%v\n%v", get, put)
	}
	if headers["x-ms-blob-type"] != "BlockBlob" || headers["Content-Type"] != "text/plain" {
		t.Error(headers)
	}
}

func TestGoogleSigns(t *testing.T) {
	host := answering(t, "application/json", `{"kind":"storage#objects","items":[]}`)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STORAGE_EMULATOR_HOST", host)
	get, put, headers := signed(t, "gs://c/some/prefix?access_id=tester%40example.org&private_key_path="+file, "/c/some/prefix/a b.txt")
	if get.Get("response-content-disposition") != "attachment; filename=x" || get.Get("X-Goog-Algorithm") != "GOOG4-RSA-SHA256" || put.Get("Signature") == "" && put.Get("X-Goog-Signature") == "" {
		t.Errorf("%v\n%v", get, put)
	}
	if headers["Content-Type"] != "text/plain" || headers["x-ms-blob-type"] != "" {
		t.Error(headers)
	}
}
