package registry_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
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

func TestARegisteredModelRemembersWhoseTokenItWas(t *testing.T) {
	j := new(mem.Journal)
	r := open(t, j, registry.Options{NewID: func() string { return strings.Repeat("ab", 16) }})
	a := app(r)
	send := func(by, path, body string) {
		t.Helper()
		q := httptest.NewRequest("POST", "/api/2.0/mlflow/"+path, strings.NewReader(body))
		caller := fiber.New(fiber.Config{})
		caller.Use(func(c *fiber.Ctx) error {
			c.SetUserContext(track.WithCaller(c.UserContext(), &track.Caller{Name: by}))
			return c.Next()
		})
		caller.Mount("/", a)
		answer, err := caller.Test(q, -1)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("%s: %v %v", path, answer, err)
		}
	}
	send("ann", "registered-models/create", `{"name":"a"}`)
	send("bob", "model-versions/create", `{"name":"a","source":"s3://b/1"}`)
	send("eve", "model-versions/transition-stage", `{"name":"a","version":"1","stage":"Staging"}`)
	model, version := document.RegisteredModelKey(strings.Repeat("ab", 16)), document.ModelVersionKey(strings.Repeat("ab", 16), 1)
	load := func(key string) *sgpb.Document {
		t.Helper()
		b, _, err := j.Load(ctx, key)
		doc := new(sgpb.Document)
		if err != nil || proto.Unmarshal(b, doc) != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return doc
	}
	if by := document.FirstChange(model, load(model)).GetBy() + " " + document.FirstChange(version, load(version)).GetBy(); by != "ann bob" {
		t.Errorf("created by %s, want ann and bob", by)
	}
	if c := load(document.HistoryKey(version, 2)).GetChange(); c.GetBy() != "eve" || c.GetWhat() != "stage" || c.GetFrom() != "None" || c.GetTo() != "Staging" {
		t.Errorf("moved: %v", c)
	}
}
