package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestMLflowsPagesAreFoundInTheirPackage(t *testing.T) {
	dir := t.TempDir()
	build := filepath.Join(dir, "mlflow", "server", "js", "build")
	if err := os.MkdirAll(build, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(build, "index.html"), []byte("page"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{dir, filepath.Join(dir, "mlflow"), build} {
		if ui, err := findUI(named); err != nil || ui == nil {
			t.Errorf("named %s: %v", named, err)
		}
	}
	if _, err := findUI(filepath.Join(dir, "elsewhere")); err == nil || !strings.Contains(err.Error(), "--mlflow-ui") {
		t.Errorf("a folder without pages: %v", err)
	}
	if ui, err := findUI(""); ui != nil || err != nil {
		t.Errorf("none wanted: %v, %v", ui, err)
	}
}

func TestWhatMLflowsPageAsksForIsOurOwn(t *testing.T) {
	for asked, want := range map[string]string{
		"/mlflow/ajax-api/2.0/mlflow/runs/search":     "/ajax-api/2.0/mlflow/runs/search",
		"/mlflow/get-artifact?path=a%2Fb&run_uuid=1":  "/get-artifact?path=a%2Fb&run_uuid=1",
		"/mlflow/graphql":                             "/graphql",
		"/mlflow/":                                    "/mlflow/",
		"/mlflow/static-files/static/js/main.js":      "/mlflow/static-files/static/js/main.js",
		"/api/2.0/mlflow/runs/get?run_id=1":           "/api/2.0/mlflow/runs/get?run_id=1",
		"/mlflow/v1/tokens":                           "/mlflow/v1/tokens",
		"/mlflow/mlflow/ajax-api/2.0/mlflow/runs/get": "/mlflow/mlflow/ajax-api/2.0/mlflow/runs/get",
	} {
		var c fasthttp.RequestCtx
		c.Request.SetRequestURI(asked)
		fromUI(&c)
		if got := string(c.RequestURI()); got != want {
			t.Errorf("%s becomes %s, want %s", asked, got, want)
		}
	}
}
