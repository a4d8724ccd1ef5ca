package analysts

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// complaintMax is how much of an error is shown.
const complaintMax = 500

// plain takes answers as they are: the engine would pack them for who says nothing, and we do not.
var plain = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// post sends a body and wants 200. A password is user reader's.
func post(ctx context.Context, address string, body []byte, password string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if password != "" {
		req.Header.Set("X-ClickHouse-User", "reader")
		req.Header.Set("X-ClickHouse-Key", password)
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := plain.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		b, _ := io.ReadAll(io.LimitReader(resp.Body, complaintMax))
		return nil, &refused{resp.StatusCode, string(b)}
	}
	return resp, nil
}

// refused is an answer that is an error.
type refused struct {
	status int
	said   string
}

func (r *refused) Error() string { return fmt.Sprintf("%d: %s", r.status, r.said) }
