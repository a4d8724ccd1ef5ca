package watch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// eventBytesMax bounds one event of the stream.
	eventBytesMax = 64 << 20
	// firstWait is before the stream is asked for again, doubled up to longestWait.
	firstWait   = 500 * time.Millisecond
	longestWait = 10 * time.Second
)

// news gathers which metrics have new points.
type news struct {
	mu   sync.Mutex
	keys map[string]bool
	all  bool
}

func (n *news) add(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.keys == nil {
		n.keys = make(map[string]bool)
	}
	n.keys[key] = true
}

func (n *news) everything() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = true
}

// take answers those of the keys that have news, and forgets them.
func (n *news) take(keys []string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := slices.Clone(keys)
	if !n.all {
		out = slices.DeleteFunc(out, func(k string) bool { return !n.keys[k] })
	}
	n.keys, n.all = nil, false
	return out
}

// stream follows the server's events: hello tells the id that subscriptions go to, points what has news.
type stream struct {
	server Server
	news   *news
	hello  func(id string)
	// state is told nil when the stream is open, else why it is not.
	state func(error)
}

// run connects again whenever the connection ends, until ctx does.
func (s *stream) run(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		opened, err := s.follow(ctx)
		if opened {
			wait = firstWait
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.state(err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, longestWait)
	}
}

// follow reads one connection to its end. A stream that the server ends in order, as it does every 15 minutes, is no error.
func (s *stream) follow(ctx context.Context) (opened bool, err error) {
	body, err := s.server.Send(ctx, http.MethodGet, "/v1/live", "", nil)
	if err != nil {
		return false, err
	}
	defer body.Close()
	in := bufio.NewScanner(body)
	in.Buffer(nil, eventBytesMax)
	event := ""
	for in.Scan() {
		line := in.Text()
		if name, ok := strings.CutPrefix(line, "event:"); ok {
			event = strings.TrimSpace(name)
			continue
		}
		data, ok := strings.CutPrefix(line, "data:")
		if !ok {
			continue
		}
		if err := s.event(event, []byte(data)); err != nil {
			return opened, err
		}
		opened = true
	}
	if err := in.Err(); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return opened, fmt.Errorf("follow the run: %w", err)
	}
	return opened, nil
}

func (s *stream) event(name string, data []byte) error {
	var e struct {
		ID    string `json:"id"`
		Lines []struct {
			Key string `json:"key"`
		} `json:"lines"`
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("read an event of the stream: %w", err)
	}
	switch name {
	case "hello":
		s.state(nil)
		s.hello(e.ID)
		s.news.everything() // what came between is read
	case "points":
		for _, l := range e.Lines {
			s.news.add(l.Key)
		}
	case "reset":
		s.news.everything()
	}
	return nil
}

// subscribe says what the stream shall bring: each line at the width that it is drawn with, so that little is sent.
func (r reader) subscribe(ctx context.Context, id string, lines map[string]Line, keys []string, axis string) error {
	type subscription struct {
		RunID string   `json:"run_id"`
		Keys  []string `json:"keys"`
		Rank  string   `json:"rank"`
		Axis  string   `json:"axis"`
		Width int64    `json:"bucket_width"`
	}
	byWidth := make(map[int64][]string)
	for _, k := range keys {
		w := lines[k].width
		byWidth[w] = append(byWidth[w], k)
	}
	all := []subscription{}
	for _, w := range slices.Sorted(maps.Keys(byWidth)) {
		all = append(all, subscription{r.run, byWidth[w], "lowest", axis, w})
	}
	return r.ask(ctx, http.MethodPost, "/v1/live/"+id, map[string]any{"subscriptions": all}, nil)
}
