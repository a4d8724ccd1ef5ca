package openapi_test

import (
	"flag"
	"os"
	"testing"

	"github.com/streamgauge/streamgauge/cmd/openapi"
)

var update = flag.Bool("update", false, "write the page")

const page = "../../docs/api.md"

func TestThePageIsCurrent(t *testing.T) {
	want, err := openapi.Page()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(page); err != nil || string(got) != want {
		t.Errorf("%s is not current, %v; run go test ./openapi -update", page, err)
	}
}
