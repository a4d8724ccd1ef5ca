package dashboards

import (
	"io"
	"io/fs"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gofiber/fiber/v2"
)

func get(t *testing.T, web fs.FS, target string) (status int, header func(string) string, body string) {
	t.Helper()
	app := fiber.New()
	routes(app, web)
	resp, err := app.Test(httptest.NewRequest("GET", target, nil))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get, string(b)
}

func TestServes(t *testing.T) {
	web := fstest.MapFS{
		"index.html":        {Data: []byte("<p>page")},
		"theme.js":          {Data: []byte("theme")},
		"assets/index-1.js": {Data: []byte("script")},
		"secret":            {Data: []byte("no")},
	}
	for _, c := range []struct {
		name, target string
		status       int
		kind, cache  string
	}{
		{"the page is asked for anew", "/", 200, "text/html; charset=utf-8", askAgain},
		{"the theme is asked for anew", "/theme.js", 200, "text/javascript; charset=utf-8", askAgain},
		{"hashed names are kept", "/assets/index-1.js", 200, "text/javascript; charset=utf-8", keepForEver},
		{"an old asset is not found", "/assets/index-0.js", 404, "", ""},
		{"nothing is served from above the assets", "/assets/%2e%2e/secret", 404, "", ""},
		{"a folder is not listed", "/assets/", 404, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, header, _ := get(t, web, c.target)
			if status != c.status {
				t.Fatalf("status %d, want %d", status, c.status)
			}
			if status != 200 {
				return
			}
			if got := header("Content-Type"); got != c.kind {
				t.Errorf("Content-Type %q, want %q", got, c.kind)
			}
			if got := header("Cache-Control"); got != c.cache {
				t.Errorf("Cache-Control %q, want %q", got, c.cache)
			}
			if got := header("Content-Security-Policy"); !strings.Contains(got, "default-src 'self'") {
				t.Errorf("Content-Security-Policy %q lets other hosts in", got)
			}
		})
	}
}

func TestWithoutPagesTheAnswerSaysHowToBuildThem(t *testing.T) {
	web := built(fstest.MapFS{"web/dist-missing.html": {Data: []byte("x")}})
	if web != nil {
		t.Fatal("found pages where none were built")
	}
	status, _, body := get(t, web, "/")
	if status != 503 || !strings.Contains(body, "make web") {
		t.Fatalf("answered %d %q", status, body)
	}
}

func TestBuiltPagesLoadNothingFromElsewhere(t *testing.T) {
	if Web == nil {
		t.Skip("the pages are not built: make web")
	}
	page, err := fs.ReadFile(Web, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(page), "https://") || strings.Contains(string(page), "src=\"//") {
		t.Fatalf("the page names another host:\n%s", page)
	}
}
