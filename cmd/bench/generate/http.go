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

const (
	// bodyFrames go into one request.
	bodyFrames = 16
	// refusalMax bounds the time between two frames that the server takes.
	refusalMax = time.Minute
)

// httpBus posts frames to the server. One request is under way while the next is filled.
type httpBus struct {
	url    string
	client *http.Client
	frames [][]byte
	under  chan error
}

// HTTP posts to the server at that address.
func HTTP(url string) Bus {
	b := &httpBus{url: url + "/v1/frames", client: &http.Client{Timeout: refusalMax}, under: make(chan error, 1)}
	b.under <- nil
	return b
}

func (b *httpBus) Close() { b.client.CloseIdleConnections() }

func (b *httpBus) Publish(ctx context.Context, _ string, data []byte) error {
	if b.frames = append(b.frames, data); len(b.frames) < bodyFrames {
		return nil
	}
	return b.post(ctx)
}

func (b *httpBus) Flush(ctx context.Context) error {
	if err := b.post(ctx); err != nil {
		return err
	}
	err := <-b.under
	b.under <- nil
	return err
}

// post waits for the request that is under way and starts the next.
func (b *httpBus) post(ctx context.Context) error {
	if err := <-b.under; err != nil {
		b.under <- err
		return err
	}
	frames := b.frames
	b.frames = nil
	go func() { b.under <- b.sendAll(ctx, frames) }()
	return nil
}

func (b *httpBus) sendAll(ctx context.Context, frames [][]byte) error {
	for end := time.Now().Add(refusalMax); len(frames) > 0; {
		accepted, wait, err := b.send(ctx, frames)
		if accepted > 0 {
			frames, end = frames[accepted:], time.Now().Add(refusalMax)
		}
		switch {
		case err != nil && (wait == 0 || time.Now().After(end)):
			return err
		case err != nil:
			time.Sleep(wait)
		}
	}
	return nil
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
