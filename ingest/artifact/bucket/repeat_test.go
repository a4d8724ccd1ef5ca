package bucket

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/ingest/artifact/s3test"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
)

// uploaded uploads a file of two parts to a real server, and gives their tags and that of the whole.
func uploaded(t *testing.T) (parts []store.Part, whole string) {
	t.Helper()
	s3test.Start(t)
	ctx := context.Background()
	b, err := Open(ctx, "s3://"+s3test.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	id, urls, err := b.Multipart().Begin(ctx, "f", "text/plain", 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, content := range []string{strings.Repeat("x", 5<<20), "y"} {
		r, err := http.NewRequest(http.MethodPut, urls[i], strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, store.Part{Number: int32(i + 1), ETag: do(t, r)})
	}
	if err := b.Multipart().Complete(ctx, "f", id, parts); err != nil {
		t.Fatal(err)
	}
	down, err := b.Signer().SignGet(ctx, "f", "attachment", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, down.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return parts, do(t, r)
}

func do(t *testing.T, r *http.Request) (tag string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	_ = answer.Body.Close()
	return answer.Header.Get("ETag")
}

// A store that forgets an upload once it is completed, as Amazon's does, says so when the client repeats what it
// had no answer to. The server of the tests does not forget, so this one is played.
func TestACompletionMayBeRepeated(t *testing.T) {
	parts, whole := uploaded(t)
	forgetful := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodHead:
			w.Header().Set("ETag", whole)
		case http.MethodPost:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>`)
		default:
			_, _ = io.WriteString(w, `<ListBucketResult></ListBucketResult>`)
		}
	}))
	defer forgetful.Close()
	ctx := context.Background()
	b, err := Open(ctx, "s3://"+s3test.Bucket+"?endpoint="+forgetful.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Multipart().Complete(ctx, "f", "forgotten", parts); err != nil {
		t.Errorf("the same parts: %v", err)
	}
	for name, other := range map[string][]store.Part{"fewer parts": parts[:1], "no tags": {{Number: 1}, {Number: 2}}} {
		if err := b.Multipart().Complete(ctx, "f", "forgotten", other); err == nil || !strings.Contains(err.Error(), "There is no upload with upload_id='forgotten'") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
