package registry_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestHistorySaysWhoseTokenItWas(t *testing.T) {
	j := new(mem.Journal)
	r := open(t, j, registry.Options{})
	run, err := r.Do(track.WithCaller(ctx, &track.Caller{Name: "ci"}), track.CreateRun{User: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	key := document.RunKey(run.GetId())
	if first := document.FirstChange(key, &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}); first.GetBy() != "ci" {
		t.Errorf("created by %q; want the token, not what the client calls itself", first.GetBy())
	}
	if _, err := r.Do(track.WithCaller(ctx, &track.Caller{Name: "night"}), track.DeleteRun{RunID: run.GetId()}); err != nil {
		t.Fatal(err)
	}
	do(t, r, track.RestoreRun{RunID: run.GetId()})
	for n, want := range map[uint64]string{2: "night", 3: ""} {
		b, _, err := j.Load(ctx, document.HistoryKey(key, n))
		doc := new(sgpb.Document)
		if err != nil || len(b) == 0 || proto.Unmarshal(b, doc) != nil || doc.GetChange().GetBy() != want {
			t.Errorf("change %d: %v, %v; want by %q", n, doc, err, want)
		}
	}
}
