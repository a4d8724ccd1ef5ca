package serve_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/registry/alerts/send"
	"github.com/streamgauge/streamgauge/registry/alerts/serve"
	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/registry/webhook/seal"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// TestWhoSeesWhatReceiversSaid asks for the history as one who may change alerts and as one who may only read.
func TestWhoSeesWhatReceiversSaid(t *testing.T) {
	journal := new(mem.Journal)
	documents := commit.New(journal, commit.NewCache(100, 1<<20), commit.Options{Now: time.Now, NewID: track.NewRunID, Lanes: 1})
	t.Cleanup(documents.Close)
	s := send.New(documents, journal, send.Options{})
	rule := alert.Rule{Name: "nan", Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.NaN, Channels: []alert.Channel{
		{Type: alert.Webhook, URL: "https://a.example"}, {Type: alert.Webhook, URL: "https://b.example"}, {Type: alert.Webhook, URL: "https://c.example"},
	}}
	if _, err := documents.Do(t.Context(), decide.By(alerts.Create{ID: "1", Rule: rule, Seal: seal.Draw().Seal})); err != nil {
		t.Fatal(err)
	}
	if err := s.Book.Record(t.Context(), []*sgpb.AlertEvent{{Id: "e", RuleId: "1"}}); err != nil {
		t.Fatal(err)
	}
	said := []string{"the receiver answered 500: secrets of it", "dial tcp 10.0.0.1:80: connection refused", ""}
	for i, status := range []uint32{500, 0, 200} {
		if err := s.Book.Note(t.Context(), 1, i, &sgpb.AlertDelivery{Channel: alert.Webhook, Attempts: 1, Status: status, Error: said[i]}); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(c *track.Caller) []send.Delivery {
		app := fiber.New()
		app.Use(func(ctx *fiber.Ctx) error {
			ctx.SetUserContext(track.WithCaller(ctx.UserContext(), c))
			return ctx.Next()
		})
		serve.Routes(app, documents, s)
		r, err := app.Test(httptest.NewRequest(http.MethodGet, "/v1/alerts/history", nil), -1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		var page serve.Events
		if err != nil || json.Unmarshal(b, &page) != nil || len(page.Events) != 1 {
			t.Fatalf("%v %s", err, b)
		}
		return page.Events[0].Deliveries
	}
	for i, want := range []string{"the receiver answered 500", "it could not be told; who may change alerts sees why", ""} {
		if got := ask(&track.Caller{})[i]; got.Error != said[i] {
			t.Errorf("who may change alerts sees %+v", got)
		}
		if got := ask(&track.Caller{Restricted: true})[i]; got.Error != want || got.Status != []uint32{500, 0, 200}[i] {
			t.Errorf("who may only read sees %+v", got)
		}
	}
}
