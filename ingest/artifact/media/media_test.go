package media_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/ingest/artifact/media"
)

func TestMediaTypesAreMLflows(t *testing.T) {
	for name, want := range map[string]string{
		"MLmodel": "text/plain", "a/MLproject": "text/plain", "a.json": "text/plain", "a.py": "text/plain", "a.yaml": "text/plain",
		"a.html": "text/html", "a.png": "image/png", "A.PNG": "image/png", "a.pkl": "application/octet-stream", "a": "application/octet-stream",
		".json": "application/octet-stream", "a.tar": "application/x-tar", "a.b.svg": "image/svg+xml",
		"a.tar.gz": "application/x-tar", "a.TGZ": "application/x-tar", "a.csv.gz": "text/csv", "a.gz": "application/octet-stream", "a.parquet": "application/octet-stream",
	} {
		if got := media.Type(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestDispositionCarriesAnyName(t *testing.T) {
	for name, want := range map[string]string{
		"x/MLmodel": "attachment; filename=MLmodel",
		"a b.txt":   `attachment; filename="a b.txt"`,
		`a"b`:       `attachment; filename="a\"b"`,
		"g ü.png":   `attachment; filename="g u.png"; filename*=UTF-8''g%20%C3%BC.png`,
		"日本語":       `attachment; filename=download; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E`,
		"a\r\nb":    `attachment; filename="a__b"`,
	} {
		if got := media.Disposition(name); got != want {
			t.Errorf("%q: %s\nwant %s", name, got, want)
		}
	}
}
