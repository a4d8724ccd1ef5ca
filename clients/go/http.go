package streamgauge

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// requestBytesMax and requestFramesMax are what goes into one request; the server takes more.
	requestBytesMax  = 8 << 20
	requestFramesMax = 4096
	// requestTimeout bounds one request; what the server has taken of it then is sent again, and dropped there.
	requestTimeout = 2 * time.Minute
	answerBytesMax = 1 << 20
	// accessPause is between attempts with a token that is not taken: a person must make another.
	accessPause = 30 * time.Second
)

// ErrForbidden: the token does not reach the frame's run; another one may. It is the reason of a Refused.
var ErrForbidden = errors.New("the token does not allow it")

// HTTPOptions adjust a transport over HTTP. The zero value works.
type HTTPOptions struct {
	// Token is of role write, where the server wants one.
	Token string
	// Client makes the requests; nil is one with a timeout.
	Client *http.Client
	// Warned is told what the server says of frames that it took and that will not become what their sender thinks.
	Warned func(message string)
}

// HTTP is a Transport over POST /v1/frames.
type HTTP struct {
	url string
	HTTPOptions
}

// NewHTTP sends to the server at that address, as in http://127.0.0.1:5000.
func NewHTTP(server string, o HTTPOptions) (*HTTP, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("server %q: want an address like http://127.0.0.1:5000", server)
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: requestTimeout}
	}
	return &HTTP{url: u.JoinPath("/v1/frames").String(), HTTPOptions: o}, nil
}

// Send is Transport's.
func (t *HTTP) Send(ctx context.Context, frames [][]byte) (accepted int, err error) {
	for accepted < len(frames) {
		n := some(frames[accepted:])
		taken, err := t.post(ctx, frames[accepted:accepted+n])
		accepted += taken
		if err != nil {
			return accepted, err
		}
	}
	return accepted, nil
}

// some is how many of the frames fit one request, at least 1.
func some(frames [][]byte) int {
	bytes := 0
	for n, f := range frames {
		if bytes += len(f) + binary.MaxVarintLen32; n > 0 && (bytes > requestBytesMax || n == requestFramesMax) {
			return n
		}
	}
	return len(frames)
}

// httpAnswer is what the server says of frames. Offset is there when it is about one of them.
type httpAnswer struct {
	Accepted int
	Offset   *int64
	Code     string `json:"error_code"`
	Message  string
	Warnings []struct{ Message string }
}

func (t *HTTP) post(ctx context.Context, frames [][]byte) (int, error) {
	var body []byte
	for _, f := range frames {
		body = append(binary.AppendUvarint(body, uint64(len(f))), f...)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if t.Token != "" {
		req.Header.Set("Authorization", "Bearer "+t.Token)
	}
	resp, err := t.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax))
	if err != nil {
		return 0, fmt.Errorf("read the server's answer: %w", err)
	}
	var a httpAnswer
	if err := json.Unmarshal(said, &a); err != nil {
		// A proxy, who may know when to come back.
		return 0, later(resp, fmt.Errorf("%s: status %d, and no answer of Streamgauge: %.200q", t.url, resp.StatusCode, said))
	}
	if t.Warned != nil {
		for _, w := range a.Warnings {
			t.Warned(w.Message)
		}
	}
	if a.Accepted < 0 || a.Accepted > len(frames) {
		return 0, fmt.Errorf("%s: the server says that it accepted %d of %d frames", t.url, a.Accepted, len(frames))
	}
	return a.Accepted, verdict(resp, a, len(frames))
}

// verdict is the error of an answer.
func verdict(resp *http.Response, a httpAnswer, sent int) error {
	reason := fmt.Errorf("status %d, %s: %s", resp.StatusCode, a.Code, a.Message)
	about := a.Offset != nil
	switch resp.StatusCode {
	case http.StatusOK:
		if a.Accepted < sent {
			return fmt.Errorf("the server accepted %d of %d frames and does not say why", a.Accepted, sent)
		}
		return nil
	case http.StatusRequestEntityTooLarge:
		if a.Accepted > 0 {
			return &Later{Reason: reason} // the next request has it as its first
		}
		return &Refused{Reason: reason}
	case http.StatusForbidden:
		if about {
			return &Refused{Reason: fmt.Errorf("%w: %w", ErrForbidden, reason)}
		}
	case http.StatusBadRequest:
		if about {
			return &Refused{Reason: reason}
		}
	}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		return &Later{After: accessPause, Reason: reason}
	}
	return later(resp, reason)
}

// later is a reason with the time that the answer names, if it does.
func later(resp *http.Response, reason error) error {
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		return &Later{After: time.Duration(seconds) * time.Second, Reason: reason}
	}
	return reason
}
