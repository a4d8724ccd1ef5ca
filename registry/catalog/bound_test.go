package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
)

func TestArchivingIsBounded(t *testing.T) {
	s := filled(t)
	for range catalog.ArchivedMax {
		doc, _, _, err := s.do(decide.By(catalog.CreateVersion{Name: "wine", Source: "s3://b/x"}), other, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := s.do(decide.By(catalog.MoveVersion{Name: "wine", Version: fmt.Sprint(doc.GetModelVersion().GetVersion()), Stage: "Production"}), other, now); err != nil {
			t.Fatal(err)
		}
	}
	// 402 are in production: one too many beside the one that stays, then just enough.
	move := decide.By(catalog.MoveVersion{Name: "wine", Version: "1", Stage: "Production", Archive: true})
	if _, _, _, err := s.do(move, other, now); err == nil || !strings.Contains(err.Error(), "More than 400 versions of 'wine' are in Production") {
		t.Errorf("401 archived at once: %v", err)
	}
	if _, _, _, err := s.do(decide.By(catalog.DeleteVersion{Name: "wine", Version: "2"}), other, now); err != nil {
		t.Fatal(err)
	}
	_, _, changes, err := s.do(move, other, now)
	if err != nil || len(changes) != catalog.ArchivedMax+1 {
		t.Errorf("%d changes, %v", len(changes), err)
	}
}
