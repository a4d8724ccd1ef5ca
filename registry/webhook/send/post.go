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

// Delivery is one attempt to make.
type Delivery struct {
	URL string
	// Secret signs it, unless it is "".
	Secret string
	// ID is the same of all attempts.
	ID   string
	Body []byte
	At   time.Time
}

// Answer is what came of it.
type Answer struct {
	Outcome webhook.Outcome
	// Body is what the receiver said, as far as it was read.
	Body string
	Err  error
}

// Trouble says what went wrong, "" if nothing did.
func (a Answer) Trouble() string {
	text := ""
	switch {
	case a.Err != nil:
		text = a.Err.Error()
	case !a.Outcome.Delivered():
		text = fmt.Sprintf("the receiver answered %d: %s", a.Outcome.Status, a.Body)
	}
	return strings.ToValidUTF8(text[:min(len(text), troubleMax)], "")
}

// Poster sends over HTTP and goes only where the guard allows. The address is judged when the connection is made, not
// when the name was resolved before: a name may resolve differently the next moment.
type Poster struct {
	guard  webhook.Guard
	client *http.Client
}

var errInside = errors.New("the webhook's host has no public IP address")

// NewPoster sends where the guard allows.
func NewPoster(g webhook.Guard) *Poster {
	dialer := &net.Dialer{Timeout: postMax, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !g.Private && !webhook.Public(at.Addr()) {
			return fmt.Errorf("connect to %s: %w", address, errInside)
		}
		return nil
	}}
	return &Poster{guard: g, client: &http.Client{
		Timeout: postMax,
		// No proxy: it would be the one whose address is judged.
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: postMax, MaxIdleConnsPerHost: 1, IdleConnTimeout: postMax},
		// A redirection would take the event, and its signature, elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Post makes one attempt.
func (p *Poster) Post(ctx context.Context, d Delivery) Answer {
	if _, err := p.guard.CheckURL(d.URL); err != nil {
		return Answer{Outcome: webhook.Outcome{Final: true}, Err: err}
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return Answer{Outcome: webhook.Outcome{Final: true}, Err: fmt.Errorf("make the request: %w", err)}
	}
	seconds := d.At.Unix()
	q.Header.Set("Content-Type", "application/json")
	// Not with Set, which would write Mlflow: some receivers compare with MLflow's spelling.
	q.Header[webhook.DeliveryHeader] = []string{d.ID}
	q.Header[webhook.TimestampHeader] = []string{strconv.FormatInt(seconds, 10)}
	if d.Secret != "" {
		q.Header[webhook.SignatureHeader] = []string{webhook.Sign(d.Secret, d.ID, seconds, d.Body)}
	}
	r, err := p.client.Do(q)
	if err != nil {
		var said *url.Error
		if errors.As(err, &said) {
			err = said.Err // without the address, whose path is often the receiver's secret
		}
		return Answer{Outcome: webhook.Outcome{Final: errors.Is(err, errInside)}, Err: err}
	}
	defer r.Body.Close()
	// What the receiver says beside its status is for people; if it breaks off, the status counts all the same.
	body, _ := io.ReadAll(io.LimitReader(r.Body, answerBytesMax))
	out := Answer{Outcome: webhook.Outcome{Status: r.StatusCode}, Body: strings.ToValidUTF8(string(body), "\uFFFD")}
	if n, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && n > 0 {
		out.Outcome.RetryAfter = time.Duration(n) * time.Second
	}
	return out
}

// CheckURL checks an address, and what its name resolves to now.
func (s *Sender) CheckURL(ctx context.Context, url string) error {
	return s.poster.CheckURL(ctx, url)
}

// CheckURL checks an address, and what its name resolves to now.
func (p *Poster) CheckURL(ctx context.Context, url string) error {
	host, err := p.guard.CheckURL(url)
	if err != nil || p.guard.Private {
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
	if a.Err != nil {
		return TestResult{Error: "Failed to test webhook: " + a.Err.Error()}
	}
	return TestResult{Success: a.Outcome.Delivered(), Status: a.Outcome.Status, Body: a.Body}
}
