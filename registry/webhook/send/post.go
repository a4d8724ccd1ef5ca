package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	// postMax is how long one attempt may take, as in MLflow.
	postMax = 30 * time.Second
	// resolveMax is how long a name may take to resolve.
	resolveMax = 5 * time.Second
	// answerBytesMax is what a test shows of an answer; the rest is not read.
	answerBytesMax = 64 << 10
	// troubleMax is what a log keeps of an answer or an error, in bytes.
	troubleMax = 300
)

// delivery is one attempt to make.
type delivery struct {
	url, secret, id string
	body            []byte
	at              time.Time
}

// answer is what came of it.
type answer struct {
	outcome webhook.Outcome
	body    string
	err     error
}

// trouble says what went wrong, "" if nothing did.
func (a answer) trouble() string {
	text := ""
	switch {
	case a.err != nil:
		text = a.err.Error()
	case !a.outcome.Delivered():
		text = fmt.Sprintf("the receiver answered %d: %s", a.outcome.Status, a.body)
	}
	return strings.ToValidUTF8(text[:min(len(text), troubleMax)], "")
}

// poster sends over HTTP and goes only where the guard allows. The address is judged when the connection is made, not
// when the name was resolved before: a name may resolve differently the next moment.
type poster struct {
	guard  webhook.Guard
	client *http.Client
}

var errInside = errors.New("the webhook's host has no public IP address")

func newPoster(g webhook.Guard) *poster {
	dialer := &net.Dialer{Timeout: postMax, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !g.Private && !webhook.Public(at.Addr()) {
			return fmt.Errorf("connect to %s: %w", address, errInside)
		}
		return nil
	}}
	return &poster{guard: g, client: &http.Client{
		Timeout: postMax,
		// No proxy: it would be the one whose address is judged.
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: postMax, MaxIdleConnsPerHost: 1, IdleConnTimeout: postMax},
		// A redirection would take the event, and its signature, elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *poster) post(ctx context.Context, d delivery) answer {
	if _, err := p.guard.CheckURL(d.url); err != nil {
		return answer{outcome: webhook.Outcome{Final: true}, err: err}
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return answer{outcome: webhook.Outcome{Final: true}, err: fmt.Errorf("make the request: %w", err)}
	}
	seconds := d.at.Unix()
	q.Header.Set("Content-Type", "application/json")
	// Not with Set, which would write Mlflow: some receivers compare with MLflow's spelling.
	q.Header[webhook.DeliveryHeader] = []string{d.id}
	q.Header[webhook.TimestampHeader] = []string{strconv.FormatInt(seconds, 10)}
	if d.secret != "" {
		q.Header[webhook.SignatureHeader] = []string{webhook.Sign(d.secret, d.id, seconds, d.body)}
	}
	r, err := p.client.Do(q)
	if err != nil {
		var said *url.Error
		if errors.As(err, &said) {
			err = said.Err // without the address, whose path is often the receiver's secret
		}
		return answer{outcome: webhook.Outcome{Final: errors.Is(err, errInside)}, err: err}
	}
	defer r.Body.Close()
	// What the receiver says beside its status is for people; if it breaks off, the status counts all the same.
	body, _ := io.ReadAll(io.LimitReader(r.Body, answerBytesMax))
	out := answer{outcome: webhook.Outcome{Status: r.StatusCode}, body: strings.ToValidUTF8(string(body), "\uFFFD")}
	if n, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && n > 0 {
		out.outcome.RetryAfter = time.Duration(n) * time.Second
	}
	return out
}

// CheckURL checks an address, and what its name resolves to now.
func (s *Sender) CheckURL(ctx context.Context, url string) error {
	host, err := s.Guard.CheckURL(url)
	if err != nil || s.Guard.Private {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, resolveMax)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return webhook.Unresolved(host, err)
	}
	for _, a := range addresses {
		if !webhook.Public(a) {
			return webhook.NotPublic(host, a.Unmap())
		}
	}
	return nil
}

// TestResult is what came of a test.
type TestResult struct {
	Success bool
	// Status is 0 if there was no answer; Error then says why.
	Status      int
	Body, Error string
}

// Test sends an example of an event, once. It is noted nowhere.
func (s *Sender) Test(ctx context.Context, w *sgpb.Webhook, event, id string) TestResult {
	a := s.post(ctx, w, id, event, webhook.Example(event), s.Now().UnixMilli())
	if a.err != nil {
		return TestResult{Error: "Failed to test webhook: " + a.err.Error()}
	}
	return TestResult{Success: a.outcome.Delivered(), Status: a.outcome.Status, Body: a.body}
}
