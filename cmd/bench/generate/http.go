package generate

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// httpBus posts frames to the server.
type httpBus struct {
	url    string
	client *http.Client
}

// HTTP posts to the server at that address.
func HTTP(url string) Bus {
	b := &httpBus{url: url + "/v1/frames", client: &http.Client{Timeout: refusalMax}}
	return newBatched(b.send, b.client.CloseIdleConnections)
}

// send posts once. An error with a wait will pass.
func (b *httpBus) send(ctx context.Context, frames [][]byte) (accepted int, wait time.Duration, err error) {
	var body []byte
	for _, f := range frames {
		body = append(binary.AppendUvarint(body, uint64(len(f))), f...)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, pause, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, pause, err
	}
	var a struct {
		Accepted int `json:"accepted"`
	}
	_ = json.Unmarshal(answer, &a) // an answer that is none of ours has accepted nothing
	if resp.StatusCode == http.StatusOK {
		return a.Accepted, 0, nil
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		wait = max(pause, time.Duration(seconds)*time.Second)
	}
	return a.Accepted, wait, fmt.Errorf("/v1/frames: %d %.300s", resp.StatusCode, answer)
}
