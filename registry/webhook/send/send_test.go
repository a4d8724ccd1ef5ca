package send_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/registry/webhook/seal"
	"github.com/streamgauge/streamgauge/registry/webhook/send"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// list is a stream that ends by waiting.
type list struct {
	messages []send.Message
	after    uint64
}

func (l *list) Next(ctx context.Context) ([]send.Message, error) {
	for i, m := range l.messages {
		if m.Revision > l.after {
			l.after = m.Revision
			return l.messages[i : i+1], nil
		}
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (l *list) Close() {}

// house is a committer with one webhook, a receiver, and the changes of a stream.
type house struct {
	t         *testing.T
	documents *commit.Committer
	box       *seal.Box
	guard     webhook.Guard

	mu      sync.Mutex
	answers []int
	got     []string
	slept   []time.Duration
	opened  []uint64
}

func newHouse(t *testing.T, answers ...int) (*house, *httptest.Server) {
	t.Helper()
	h := &house{t: t, box: seal.Draw(), answers: answers, guard: webhook.Guard{Schemes: []string{"http"}, Private: true}}
	c := commit.New(new(mem.Journal), commit.NewCache(100, 1<<20), commit.Options{Now: time.Now, NewID: track.NewRunID, Lanes: 1})
	t.Cleanup(c.Close)
	h.documents = c
	to := httptest.NewServer(http.HandlerFunc(h.take))
	t.Cleanup(to.Close)
	h.create(to.URL)
	return h, to
}

func (h *house) create(url string) {
	h.t.Helper()
	cmd := webhook.Create{ID: "w", Name: "w", URL: url, Events: []string{webhook.ModelCreated}, Secret: h.box.Seal("s"), After: 1}
	if _, err := h.documents.Do(h.t.Context(), decide.By(cmd)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) take(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	var event struct{ Data struct{ Name string } }
	if err := json.Unmarshal(body, &event); err != nil {
		h.t.Errorf("%s: %v", body, err)
	}
	h.got = append(h.got, event.Data.Name)
	if len(h.answers) > 0 {
		if h.answers[0] >= 300 && h.answers[0] < 400 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(h.answers[0])
		h.answers = h.answers[1:]
	}
}

// changes are events of models of these names, at revisions from 2 on.
func changes(t *testing.T, names ...string) []send.Message {
	t.Helper()
	var out []send.Message
	for i, name := range names {
		n := &sgpb.Notice{Event: webhook.ModelCreated, Data: []byte(`{"name":"` + name + `"}`), WebhookIds: []string{"other", "w"}}
		if strings.HasPrefix(name, "not") {
			n.WebhookIds = []string{"other"}
		}
		b, err := proto.Marshal(&sgpb.Document{Body: &sgpb.Document_Change{Change: &sgpb.Change{Notice: n}}})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, send.Message{Key: "hist." + name, Revision: uint64(i + 2), Data: b})
	}
	return append(out, send.Message{Key: "hist.damaged", Revision: 99, Data: []byte{1}})
}

// run delivers until done says so of the log.
func (h *house) run(messages []send.Message, done func(*sgpb.WebhookLog) bool) *sgpb.WebhookLog {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	var log *sgpb.WebhookLog
	s := send.New(h.documents, send.Options{
		Guard: h.guard, Box: h.box,
		Open: func(after uint64) send.Source {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.opened = append(h.opened, after)
			return &watched{list: list{messages: messages, after: after}, look: func() {
				e, err := h.documents.Load(ctx, document.WebhookLogKey("w"))
				if err != nil {
					h.t.Error(err)
				}
				if log = e.Doc.GetWebhookLog(); done(log) {
					cancel()
				}
			}}
		},
		Sleep: func(ctx context.Context, d time.Duration) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.slept = append(h.slept, d)
			return ctx.Err()
		},
	})
	s.Run(ctx)
	if ctx.Err() != context.Canceled {
		h.t.Fatalf("not done in time; the log is %v", log)
	}
	return log
}

// watched looks at the log whenever the worker asks for more.
type watched struct {
	list
	look func()
}

func (w *watched) Next(ctx context.Context) ([]send.Message, error) {
	w.look()
	return w.list.Next(ctx)
}

func upTo(revision uint64) func(*sgpb.WebhookLog) bool {
	return func(l *sgpb.WebhookLog) bool { return l.GetRevision() == revision }
}

func TestDeliversInOrderAndGoesOnWhereItWas(t *testing.T) {
	h, _ := newHouse(t, 500, 429, 200)
	all := changes(t, "a", "not mine", "b", "c")
	log := h.run(all[:3], upTo(4))
	if want := []string{"a", "a", "a", "b"}; !slices.Equal(h.got, want) {
		t.Errorf("got %v, want %v", h.got, want)
	}
	if d := log.GetDeliveries(); len(d) != 2 || d[0].GetAttempts() != 3 || !d[0].GetDelivered() || d[0].GetStatus() != 200 {
		t.Errorf("%v", d)
	}
	if len(h.slept) != 2 || h.slept[0] < time.Second || h.slept[1] < 2*time.Second {
		t.Errorf("slept %v", h.slept)
	}
	h.run(all, upTo(5))
	if want := []string{"a", "a", "a", "b", "c"}; !slices.Equal(h.got, want) || !slices.Equal(h.opened, []uint64{1, 4}) {
		t.Errorf("got %v from %v, want %v", h.got, h.opened, want)
	}
}

func TestGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		answers  []int
		attempts uint32
		error    string
	}{
		"when it is refused":      {[]int{404}, 1, "the receiver answered 404"},
		"when it is sent away":    {[]int{307}, 1, "the receiver answered 307"},
		"when it was often tried": {slices.Repeat([]int{503}, webhook.AttemptsMax), webhook.AttemptsMax, "the receiver answered 503"},
	} {
		h, _ := newHouse(t, c.answers...)
		log := h.run(changes(t, "a", "b"), upTo(3))
		d := log.GetDeliveries()[0]
		if !d.GetGivenUp() || d.GetAttempts() != c.attempts || !strings.HasPrefix(d.GetError(), c.error) {
			t.Errorf("%s: %v", name, d)
		}
		if len(h.got) != int(c.attempts)+1 || h.got[len(h.got)-1] != "b" {
			t.Errorf("%s: got %v", name, h.got)
		}
	}
}

func TestAPrivateAddressIsNotConnectedTo(t *testing.T) {
	h, _ := newHouse(t)
	h.guard.Private = false
	d := h.run(changes(t, "a"), upTo(2)).GetDeliveries()[0]
	if !d.GetGivenUp() || d.GetAttempts() != 1 || !strings.Contains(d.GetError(), "no public IP address") || len(h.got) > 0 {
		t.Errorf("%v; got %v", d, h.got)
	}
	s := send.New(h.documents, send.Options{})
	for _, u := range []string{"https://127.0.0.1", "https://[::1]/x", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]"} {
		if err := s.CheckURL(t.Context(), u); err == nil || !strings.Contains(err.Error(), "must not resolve to a non-public IP address") {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestASecretOfAnotherKeyIsNotSentUnsigned(t *testing.T) {
	h, _ := newHouse(t)
	h.box = seal.Draw()
	d := h.run(changes(t, "a"), upTo(2)).GetDeliveries()[0]
	if !d.GetGivenUp() || !strings.Contains(d.GetError(), "set it anew") || len(h.got) > 0 {
		t.Errorf("%v; got %v", d, h.got)
	}
}

func TestALargeChangeIsReadByItsKey(t *testing.T) {
	h, _ := newHouse(t)
	n := &sgpb.Notice{Event: webhook.ModelCreated, Data: []byte(`{"name":"` + strings.Repeat("x", document.ChunkBytesMax) + `"}`), WebhookIds: []string{"w"}}
	if _, err := h.documents.Do(t.Context(), decide.By(largeChange{n})); err != nil {
		t.Fatal(err)
	}
	head, err := proto.Marshal(&sgpb.Document{Chunks: 2})
	if err != nil {
		t.Fatal(err)
	}
	h.run([]send.Message{{Key: "hist.large", Revision: 2, Data: head}}, upTo(2))
	if len(h.got) != 1 || len(h.got[0]) != document.ChunkBytesMax {
		t.Errorf("got %d", len(h.got))
	}
}

type largeChange struct{ notice *sgpb.Notice }

func (c largeChange) Decide(d *decide.Decider) error {
	d.CreateQuietly("hist.large", func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_Change{Change: &sgpb.Change{Notice: c.notice}}
	})
	d.Answer("hist.large")
	return nil
}
