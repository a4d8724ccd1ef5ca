package webhook_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// The signature was made by mlflow/webhooks/delivery.py, _generate_hmac_signature("secret", "id-1", "1700000000", '{"a": 1}').
func TestTheSignatureIsMLflows(t *testing.T) {
	const want = "v1,jAyhWuvJRcQMVbD7m4Iar2/4+6HricjeksyI87v/Tkk="
	if got := webhook.Sign("secret", "id-1", 1_700_000_000, []byte(`{"a": 1}`)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestADeliveryKeepsItsID(t *testing.T) {
	a := webhook.DeliveryID("w", 7)
	if a != webhook.DeliveryID("w", 7) || a == webhook.DeliveryID("w", 8) || a == webhook.DeliveryID("v", 7) {
		t.Errorf("%s is not of its webhook and revision alone", a)
	}
	if len(a) != 36 || a[14] != '8' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("%s is no UUID of version 8", a)
	}
}

func TestTheBody(t *testing.T) {
	for ms, want := range map[int64]string{
		1_700_000_000_000: `{"entity":"model_version","action":"created","timestamp":"2023-11-14T22:13:20+00:00","data":{"a":1}}`,
		1_700_000_000_120: `{"entity":"model_version","action":"created","timestamp":"2023-11-14T22:13:20.120000+00:00","data":{"a":1}}`,
	} {
		got, err := webhook.Body(webhook.VersionCreated, []byte(`{"a": 1}`), ms)
		if err != nil || string(got) != want {
			t.Errorf("%s %v, want %s", got, err, want)
		}
	}
}

func TestSchedule(t *testing.T) {
	for name, c := range map[string]struct {
		outcome  webhook.Outcome
		attempts int
		min, max time.Duration
		again    bool
	}{
		"no answer":            {webhook.Outcome{}, 1, time.Second, 2 * time.Second, true},
		"each waits longer":    {webhook.Outcome{Status: 503}, 3, 4 * time.Second, 5 * time.Second, true},
		"up to a minute":       {webhook.Outcome{Status: 500}, 9, time.Minute, time.Minute + time.Second, true},
		"not for ever":         {webhook.Outcome{Status: 500}, webhook.AttemptsMax, 0, 0, false},
		"as asked":             {webhook.Outcome{Status: 429, RetryAfter: 7 * time.Second}, 1, 7 * time.Second, 7 * time.Second, true},
		"not as long as asked": {webhook.Outcome{Status: 429, RetryAfter: time.Hour}, 1, 10 * time.Minute, 10 * time.Minute, true},
		"taken":                {webhook.Outcome{Status: 204}, 1, 0, 0, false},
		"refused":              {webhook.Outcome{Status: 404}, 1, 0, 0, false},
		"not one of MLflow's":  {webhook.Outcome{Status: 501}, 1, 0, 0, false},
		"moved":                {webhook.Outcome{Status: 307}, 1, 0, 0, false},
		"forbidden address":    {webhook.Outcome{Final: true}, 1, 0, 0, false},
	} {
		wait, again := c.outcome.Again(c.attempts)
		if again != c.again || wait < c.min || wait > c.max {
			t.Errorf("%s: %v after %v, want %v after %v to %v", name, again, wait, c.again, c.min, c.max)
		}
	}
}

// The first list is not is_global in Python's ipaddress, the second is.
func TestPublic(t *testing.T) {
	for _, s := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "198.18.0.1",
		"::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:0a00:0001::", "2001:db8::1", "ff02::1", "224.0.0.1"} {
		if webhook.Public(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as public", s)
		}
	}
	for _, s := range []string{"8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::"} {
		if !webhook.Public(netip.MustParseAddr(s)) {
			t.Errorf("%s does not count as public", s)
		}
	}
}

func TestOnlyHTTPSUnlessAllowed(t *testing.T) {
	var strict webhook.Guard
	if _, err := strict.CheckURL("http://example.com"); err == nil || err.Error() != "Invalid webhook URL scheme: 'http'. Allowed schemes are: https." {
		t.Errorf("http: %v", err)
	}
	for _, u := range []string{"", "https:", "file:///etc/passwd", "https://" + strings.Repeat("x", 500)} {
		if _, err := strict.CheckURL(u); track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%q: %v", u, err)
		}
	}
	if host, err := strict.CheckURL("https://example.com:8443/a?b"); err != nil || host != "example.com" {
		t.Errorf("%q: %v", host, err)
	}
}

func TestEvents(t *testing.T) {
	if e, err := webhook.ParseEvent("MODEL_VERSION_TAG", "SET"); err != nil || e != webhook.VersionTagSet {
		t.Errorf("%s %v", e, err)
	}
	if _, err := webhook.ParseEvent("MODEL_VERSION_TAG", "CREATED"); err == nil || err.Error() != "Invalid action 'created' for entity 'model_version_tag'. Valid actions are: ['deleted', 'set']" {
		t.Errorf("%v", err)
	}
	if _, err := webhook.ParseEvent("RUN", "CREATED"); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("%v", err)
	}
}

// store knows every document: what is not in it does not exist.
type store map[string]*sgpb.Document

func (s store) Document(key string) (*sgpb.Document, bool) { return s[key], true }

func (s store) do(r decide.Rule) error {
	d, err := decide.Decide(s, decide.By(r), decide.Given{NowMS: 5, ID: strings.Repeat("a", 32), Lanes: 1})
	if err != nil {
		return err
	}
	for _, e := range d.Events {
		s[e.Key], _ = decide.Evolve(s[e.Key], e, 5)
	}
	return nil
}

func (s store) all() []*sgpb.Webhook { return s[document.Webhooks].GetWebhooks().GetWebhooks() }

func TestWebhooksAreOneDocument(t *testing.T) {
	s := store{}
	create := webhook.Create{ID: "a", Name: "first", URL: "https://example.com", Events: []string{webhook.ModelCreated}, Secret: []byte{1}, After: 9}
	for _, r := range []decide.Rule{webhook.Prepare{}, create, webhook.Prepare{}} {
		if err := s.do(r); err != nil {
			t.Fatal(err)
		}
	}
	if log := s[document.WebhookLogKey("a")].GetWebhookLog(); log.GetRevision() != 9 {
		t.Errorf("it begins with %v", log)
	}
	name, off, empty := "second", false, []byte(nil)
	if err := s.do(webhook.Update{ID: "a", Name: &name, Active: &off, Secret: &empty}); err != nil {
		t.Fatal(err)
	}
	if w := s.all()[0]; w.GetName() != "second" || w.GetActive() || w.GetSecret() != nil || w.GetUrl() != "https://example.com" || len(w.GetEvents()) != 1 {
		t.Errorf("updated to %v", w)
	}
	for name, r := range map[string]decide.Rule{"update": webhook.Update{ID: "b"}, "delete": webhook.Delete{ID: "b"}} {
		if err := s.do(r); err == nil || err.Error() != "Webhook with ID b not found." {
			t.Errorf("%s of an unknown one: %v", name, err)
		}
	}
	if err := s.do(webhook.Delete{ID: "a"}); err != nil || len(s.all()) != 0 {
		t.Errorf("deleted: %v %v", err, s.all())
	}
	for i := range webhook.WebhooksMax {
		create.ID = string(rune('A' + i))
		if err := s.do(create); err != nil {
			t.Fatal(err)
		}
	}
	create.ID = "last"
	if err := s.do(create); err == nil || !strings.Contains(err.Error(), "delete one first") {
		t.Errorf("one too many: %v", err)
	}
}

func TestTheLogIsBoundedAndKeepsThePosition(t *testing.T) {
	s := store{}
	record := func(revision uint64, attempts uint32, delivered bool) *sgpb.WebhookLog {
		t.Helper()
		d := &sgpb.WebhookDelivery{Id: webhook.DeliveryID("a", revision), Revision: revision, Attempts: attempts, Delivered: delivered}
		if err := s.do(webhook.Record{ID: "a", Delivery: d}); err != nil {
			t.Fatal(err)
		}
		return s[document.WebhookLogKey("a")].GetWebhookLog()
	}
	if log := record(5, 1, false); log.GetRevision() != 0 || len(log.GetDeliveries()) != 1 {
		t.Errorf("after a failed attempt: %v", log)
	}
	if log := record(5, 2, true); log.GetRevision() != 5 || len(log.GetDeliveries()) != 1 || log.GetDeliveries()[0].GetAttempts() != 2 {
		t.Errorf("after the next: %v", log)
	}
	for n := range uint64(300) {
		record(6+n, 1, true)
	}
	log := record(400, 1, true)
	if n := len(log.GetDeliveries()); n != 100 || log.GetDeliveries()[n-1].GetRevision() != 400 || log.GetRevision() != 400 {
		t.Errorf("%d deliveries up to %d", n, log.GetRevision())
	}
}

func TestANoticeNamesThoseWhoWantIt(t *testing.T) {
	s := store{document.Webhooks: {Body: &sgpb.Document_Webhooks{Webhooks: &sgpb.Webhooks{Webhooks: []*sgpb.Webhook{
		{Id: "wants", Active: true, Events: []string{webhook.AliasCreated, webhook.ModelCreated}},
		{Id: "sleeps", Events: []string{webhook.ModelCreated}},
		{Id: "other", Active: true, Events: []string{webhook.AliasDeleted}},
	}}}}}
	for event, want := range map[string]string{webhook.ModelCreated: "wants", webhook.AliasDeleted: "other", webhook.VersionCreated: ""} {
		var got *sgpb.Notice
		err := s.do(ruleFunc(func(d *decide.Decider) (err error) {
			got, err = webhook.Notice(d, event, map[string]string{"a": "b"})
			return err
		}))
		if err != nil || strings.Join(got.GetWebhookIds(), " ") != want || want == "" && got != nil || want != "" && string(got.GetData()) != `{"a":"b"}` {
			t.Errorf("%s: %v %v, want %q", event, got, err, want)
		}
	}
}

type ruleFunc func(d *decide.Decider) error

func (f ruleFunc) Decide(d *decide.Decider) error { return f(d) }
