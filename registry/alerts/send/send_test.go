package send_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/registry/alerts/send"
	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/registry/transfer"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/registry/webhook/seal"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// post is a mail server that keeps what it takes, after it has refused a number of times.
type post struct {
	mu    sync.Mutex
	busy  int
	mails []string
	to    []string
}

func (p *post) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{post: p}, nil }

type session struct {
	post *post
	to   []string
}

func (s *session) AuthMechanisms() []string             { return nil }
func (s *session) Auth(string) (sasl.Server, error)     { return nil, smtp.ErrAuthUnsupported }
func (s *session) Reset()                               { s.to = nil }
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody") {
		return &smtp.SMTPError{Code: 550, Message: "no such person"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	if s.post.busy > 0 {
		s.post.busy--
		return &smtp.SMTPError{Code: 451, Message: "try later"}
	}
	s.post.mails, s.post.to = append(s.post.mails, string(b)), append(s.post.to, s.to...)
	return nil
}

// house is a registry's documents, with receivers of all kinds.
type house struct {
	t         *testing.T
	journal   *mem.Journal
	documents *commit.Committer
	post      *post
	mail      *send.Mailer
	box       *seal.Box

	mu     sync.Mutex
	failed int
	got    []string
	signed int
	url    string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, journal: new(mem.Journal), post: new(post), box: seal.Draw()}
	h.documents = commit.New(h.journal, commit.NewCache(1000, 1<<20), commit.Options{Now: time.Now, NewID: track.NewRunID, Lanes: 1})
	t.Cleanup(h.documents.Close)
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(h.post)
	go func() {
		if err := server.Serve(at); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { _ = server.Close() })
	if h.mail, err = send.NewMailer("smtp://" + at.Addr().String() + "?from=gauge@example.org"); err != nil {
		t.Fatal(err)
	}
	to := httptest.NewServer(http.HandlerFunc(h.take))
	t.Cleanup(to.Close)
	h.url = to.URL
	return h
}

func (h *house) take(w http.ResponseWriter, q *http.Request) {
	b, _ := io.ReadAll(q.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed > 0 {
		h.failed--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if q.Header.Get(webhook.SignatureHeader) != "" {
		h.signed++
	}
	h.got = append(h.got, q.URL.Path+" "+string(b))
}

func (h *house) rule(channels ...alert.Channel) string {
	h.t.Helper()
	id := track.NewRunID()
	r := alert.Rule{Name: "too <high>", Enabled: true, ExperimentIDs: []string{"1"}, Kind: alert.NaN, Channels: channels}
	if _, err := h.documents.Do(h.t.Context(), decide.By(alerts.Create{ID: id, Rule: r, Seal: h.box.Seal})); err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) sender() *send.Sender {
	return send.New(h.documents, h.journal, send.Options{
		Guard: webhook.Guard{Schemes: []string{"http"}, Private: true}, Box: h.box, Mail: h.mail, Home: "http://here",
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
}

// run sends until nobody waits.
func (h *house) run(s *send.Sender) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		open := 0
		events, _ := s.Book.List(0, "", "", alerts.PlacesMax)
		for _, e := range events {
			if alerts.Open(e) {
				open++
			}
		}
		if open == 0 && len(events) > 0 {
			break
		}
		if time.Now().After(end) {
			h.t.Fatalf("%d of %d events wait", open, len(events))
		}
	}
	cancel()
	<-done
}

func event(rule string, n int) *sgpb.AlertEvent {
	return &sgpb.AlertEvent{Id: fmt.Sprint(n), RuleId: rule, RuleName: "too <high>", Kind: "nan", RunId: strings.Repeat("a", 32), Metric: "loss", Step: int64(n)}
}

func TestEachChannelIsTold(t *testing.T) {
	h := newHouse(t)
	id := h.rule(alert.Channel{Type: alert.Webhook, URL: h.url + "/hook", Secret: "s"}, alert.Channel{Type: alert.Slack, URL: h.url + "/slack"},
		alert.Channel{Type: alert.Email, To: []string{"a@example.org", "b@example.org"}}, alert.Channel{Type: alert.Email, To: []string{"nobody@example.org"}})
	for _, c := range []decide.Command{decide.CreateDefault{}, decide.ForRun(track.CreateRun{ID: strings.Repeat("a", 32), ExperimentID: "0", Name: "swift"})} {
		if _, err := h.documents.Do(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	h.failed, h.post.busy = 2, 2
	s := h.sender()
	if err := s.Book.Record(t.Context(), []*sgpb.AlertEvent{event(id, 1)}); err != nil {
		t.Fatal(err)
	}
	// The process ends before anybody is told; the next one finds the same event again, and tells.
	s = h.sender()
	if err := s.Book.Record(t.Context(), []*sgpb.AlertEvent{event(id, 1)}); err != nil {
		t.Fatal(err)
	}
	h.run(s)
	events, _ := s.Book.List(0, "", "", 10)
	if len(events) != 1 {
		t.Fatalf("%d events of one", len(events))
	}
	d := events[0].GetDeliveries()
	if !d[0].GetDelivered() || !d[1].GetDelivered() || d[0].GetAttempts()+d[1].GetAttempts() != 4 || !d[2].GetDelivered() || d[2].GetAttempts() != 3 {
		t.Errorf("%v", d)
	}
	if !d[3].GetGivenUp() || d[3].GetAttempts() != 1 || !strings.Contains(d[3].GetError(), "no such person") {
		t.Errorf("%v", d[3])
	}
	if len(h.post.mails) != 1 || len(h.post.to) != 2 || !strings.Contains(h.post.mails[0], "Subject: Alert fired: too <high>") ||
		!strings.Contains(h.post.mails[0], "From: <gauge@example.org>") || !strings.Contains(h.post.mails[0], d[2].GetId()+"@streamgauge") {
		t.Errorf("%v %v", h.post.to, h.post.mails)
	}
	if len(h.got) != 2 || h.signed != 1 {
		t.Fatalf("%v, %d signed", h.got, h.signed)
	}
	for _, got := range h.got {
		path, body, _ := strings.Cut(got, " ")
		var in struct {
			Text, Event string
			Data        send.Event
		}
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			t.Fatal(err)
		}
		about := "Run swift (" + strings.Repeat("a", 32) + ") of experiment Default"
		if path == "/slack" && (!strings.Contains(in.Text, "too &lt;high&gt;") || !strings.Contains(in.Text, about)) || path == "/hook" && (in.Event != "alert.fired" || in.Data.Step != 1) {
			t.Error(got)
		}
	}
	if e, err := h.documents.Load(t.Context(), document.AlertRules); err != nil || strings.Contains(e.Doc.String(), `"s"`) {
		t.Errorf("the secret stands in the document: %v %v", e.Doc, err)
	}
}

func TestAFloodIsNotTold(t *testing.T) {
	h := newHouse(t)
	id := h.rule(alert.Channel{Type: alert.Webhook, URL: h.url})
	s := h.sender()
	var many []*sgpb.AlertEvent
	for i := range alerts.PlacesMax + 500 {
		many = append(many, event(id, i))
	}
	for from := 0; from < len(many); from += 500 {
		if err := s.Book.Record(t.Context(), many[from:from+500]); err != nil {
			t.Fatal(err)
		}
	}
	events, next := s.Book.List(0, id, "", len(many))
	if len(events) != alerts.PlacesMax || next != 0 || events[0].GetNumber() != uint64(len(many)) {
		t.Errorf("%d events are kept, the newest %d", len(events), events[0].GetNumber())
	}
	h.run(s)
	if told := len(h.got); told == 0 || told > 2000 {
		t.Errorf("%d were told", told)
	}
}

// TestImportedEventsStandBehindItsOwn and are told nobody, whether the book was read before they came or after.
func TestImportedEventsStandBehindItsOwn(t *testing.T) {
	h := newHouse(t)
	id := h.rule(alert.Channel{Type: alert.Webhook, URL: h.url})
	s := h.sender()
	if err := s.Book.Record(t.Context(), []*sgpb.AlertEvent{event(id, 1), event(id, 2)}); err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := range 5 { // the first number is the newest
		e := event(id, n)
		e.Id, e.FoundMs = strings.Repeat(fmt.Sprintf("%02x", n), 32)+"-fired", int64(100-n)
		e.Deliveries = []*sgpb.AlertDelivery{{Channel: alert.Webhook, Id: "d", ChannelId: "0"}}
		outcome := ""
		doc, err := h.documents.Do(t.Context(), decide.By(transfer.Place{Doc: &sgpb.Document{Body: &sgpb.Document_AlertEvent{AlertEvent: e}}, Outcome: &outcome}))
		if err != nil || outcome != transfer.Created {
			t.Fatal(outcome, err)
		}
		s.Book.Imported(doc.GetAlertEvent())
		s.Book.Imported(doc.GetAlertEvent()) // it comes again with the stream
		want = append(want, e.GetId())
	}
	want = append([]string{"2", "1"}, want...)
	h.run(s)
	if len(h.got) != 2 {
		t.Errorf("%d events are told of 2 that are its own: %v", len(h.got), h.got)
	}
	for _, s := range []*send.Sender{s, h.sender()} { // the second reads all anew
		if own, err := s.Book.Found(t.Context(), "2"); !own || err != nil {
			t.Errorf("its own event is not known: %v", err)
		}
		if own, err := s.Book.Found(t.Context(), want[2]); own || err != nil {
			t.Errorf("an imported event is its own: %v", err)
		}
		var got []string
		for at, pages := uint64(0), 1; ; pages++ {
			events, next := s.Book.List(at, id, "", 3)
			for _, e := range events {
				got = append(got, e.GetId())
			}
			if at = next; at == 0 || pages == len(want) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if events, next := s.Book.List(0, "another", "", 3); len(events) > 0 || next != 0 {
			t.Errorf("%d events of another alert", len(events))
		}
	}
}

// write puts bytes into the journal as nobody of the house would.
func (h *house) write(key string, value []byte) {
	h.t.Helper()
	if _, err := h.journal.Append(h.t.Context(), []journal.Write{{Key: key, Value: value, Expected: journal.AnyRevision}}); err != nil {
		h.t.Fatal(err)
	}
}

// spoil makes a rule's text none.
func (h *house) spoil(id string) {
	h.t.Helper()
	e, err := h.documents.Load(h.t.Context(), document.AlertRules)
	if err != nil {
		h.t.Fatal(err)
	}
	doc := proto.Clone(e.Doc).(*sgpb.Document)
	alerts.Find(doc.GetAlertRules().GetRules(), id).Rule = []byte("{")
	parts, err := document.Split(document.AlertRules, doc)
	if err != nil || len(parts) != 1 {
		h.t.Fatal(len(parts), err)
	}
	h.write(document.AlertRules, parts[0].Value)
}

// TestWhatCannotBeReadIsPassedOver: of events and rules that cannot be read is told once, and the others go on.
func TestWhatCannotBeReadIsPassedOver(t *testing.T) {
	h := newHouse(t)
	bad, good := h.rule(alert.Channel{Type: alert.Webhook, URL: h.url}), h.rule(alert.Channel{Type: alert.Webhook, URL: h.url})
	s := h.sender()
	if err := s.Book.Record(t.Context(), []*sgpb.AlertEvent{event(good, 1), event(good, 2)}); err != nil {
		t.Fatal(err)
	}
	h.spoil(bad)
	garbage := []byte("\xffgarbage")
	h.write(document.AlertEventKey(2), garbage) // the newest
	s = h.sender()
	h.write(document.AlertEventKey(3), garbage) // after the book was read it is found when it is written
	if err := s.Book.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.write(document.AlertEventKey(4), garbage)
	for range 2 { // the second time all are known
		if err := s.Book.Record(t.Context(), []*sgpb.AlertEvent{event(good, 3), event(bad, 4), event(good, 5)}); err != nil {
			t.Fatal(err)
		}
	}
	h.run(s)
	events, _ := s.Book.List(0, "", "", 10)
	told := 0
	for _, e := range events {
		for _, d := range e.GetDeliveries() {
			if d.GetDelivered() {
				told++
			}
		}
	}
	if len(events) != 4 || told != 3 || len(h.got) != 3 {
		t.Errorf("%d events, of %d is told, %d came: %v", len(events), told, len(h.got), events)
	}
	if n := count(t, s, "streamgauge_alerts_unreadable_total"); n != 4 { // three places, a rule
		t.Errorf("%v things that cannot be read are counted", n)
	}
	// The rule is seen, and can be deleted.
	e, err := h.documents.Load(t.Context(), document.AlertRules)
	if err != nil || alerts.Shown(alerts.Find(e.Doc.GetAlertRules().GetRules(), bad)).ID != bad {
		t.Fatal(err)
	}
	for _, c := range []decide.Rule{alerts.Change{ID: good, Patch: []byte(`{"metric": "a*"}`), Seal: h.box.Seal}, alerts.Delete{ID: bad}} {
		if _, err := h.documents.Do(t.Context(), decide.By(c)); err != nil {
			t.Error(err)
		}
	}
}

func count(t *testing.T, s *send.Sender, name string) (n float64) {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(s.Collectors()...)
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all {
		if family.GetName() == name {
			n = family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return n
}

// TestDeliveriesFollowTheirChannel: what waits goes to the channel it was meant for, also when the rule has others before it now.
func TestDeliveriesFollowTheirChannel(t *testing.T) {
	h := newHouse(t)
	channel := func(path string) alert.Channel {
		return alert.Channel{Type: alert.Webhook, URL: h.url + path, Secret: path}
	}
	id := h.rule(channel("/gone"), channel("/moves"), channel("/stays"))
	s := h.sender()
	if err := s.Book.Record(t.Context(), []*sgpb.AlertEvent{event(id, 1)}); err != nil {
		t.Fatal(err)
	}
	load := func() *alert.Rule {
		e, err := h.documents.Load(t.Context(), document.AlertRules)
		if err != nil {
			t.Fatal(err)
		}
		r, err := alerts.RuleOf(alerts.Find(e.Doc.GetAlertRules().GetRules(), id))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := load()
	// One is new, one has another address and says who it is, one says nothing and keeps its address; one is gone.
	patch := fmt.Sprintf(`{"channels": [{"type": "webhook", "url": "%[1]s/new"}, {"type": "webhook", "url": "%[1]s/stays"}, {"id": "%[2]s", "type": "webhook", "url": "%[1]s/moved"}]}`,
		h.url, before.Channels[1].ID)
	if _, err := h.documents.Do(t.Context(), decide.By(alerts.Change{ID: id, Patch: []byte(patch), Seal: h.box.Seal})); err != nil {
		t.Fatal(err)
	}
	after := load()
	if after.Channels[1].ID != before.Channels[2].ID || after.Channels[2].ID != before.Channels[1].ID || alerts.ChannelAt(before, after.Channels[0].ID) >= 0 {
		t.Errorf("the ids were %v and are %v", before.Channels, after.Channels)
	}
	if !after.Channels[1].HasSecret || after.Channels[0].HasSecret || after.Channels[2].HasSecret {
		t.Errorf("a secret belongs to its address: %v", after.Channels)
	}
	h.run(s)
	var paths []string
	for _, got := range h.got {
		path, _, _ := strings.Cut(got, " ")
		paths = append(paths, path)
	}
	slices.Sort(paths)
	if !slices.Equal(paths, []string{"/moved", "/stays"}) {
		t.Errorf("told were %v", paths)
	}
	events, _ := s.Book.List(0, "", "", 1)
	if d := events[0].GetDeliveries()[0]; !d.GetGivenUp() || !strings.Contains(d.GetError(), "no such channel") {
		t.Errorf("a channel that is gone: %v", d)
	}
}

// TestReceiversThatHang: a receiver that answers is told while almost a hundred others hang.
func TestReceiversThatHang(t *testing.T) {
	h := newHouse(t)
	const hang, each = 24, 4
	release := make(chan struct{})
	var hanging, left atomic.Int64
	s := h.sender()
	var events []*sgpb.AlertEvent
	for range hang {
		to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			hanging.Add(1)
			<-release
			left.Add(1)
		}))
		t.Cleanup(to.Close)
		for range each {
			events = append(events, event(h.rule(alert.Channel{Type: alert.Webhook, URL: to.URL}), len(events)))
		}
	}
	t.Cleanup(func() { close(release) })
	if err := s.Book.Record(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	wait := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited too long for %s", what)
			}
		}
	}
	wait("receivers to hang", func() bool { return hanging.Load() == hang*each })
	if err := s.Book.Record(t.Context(), []*sgpb.AlertEvent{event(h.rule(alert.Channel{Type: alert.Webhook, URL: h.url}), len(events))}); err != nil {
		t.Fatal(err)
	}
	wait("the one that answers", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.got) == 1 })
	if n := left.Load(); n != 0 {
		t.Errorf("it was told when %d others did not hang any more", n)
	}
}

func TestMailers(t *testing.T) {
	for address, good := range map[string]bool{
		"smtp://localhost": true, "smtps://u:p@mail.example.org:465?from=a@b.org": true, "mail.example.org": false, "http://a": false,
		"smtp://a:99999": false, "smtp://a?from=nobody": false,
	} {
		if _, err := send.NewMailer(address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}
