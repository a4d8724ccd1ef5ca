package clickhouse

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// errorBytesMax is how much of ClickHouse's complaint is shown.
	errorBytesMax = 8 << 10
	// bufferBytes of an answer are held back, so that an error that comes early still gets its status.
	bufferBytes = 1 << 20
)

// Answer is what a user's SQL gave. The reader must be closed; it fails if the statement does.
type Answer struct {
	io.ReadCloser
	ContentType string
}

// Ask runs a user's SQL, one statement, as the read-only user. format is a format of ClickHouse that counts if
// the statement names none.
func (s *Store) Ask(ctx context.Context, text, format string) (Answer, error) {
	args := url.Values{
		"database": {table.Database}, "default_format": {format}, "buffer_size": {strconv.Itoa(bufferBytes)},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.opts.HTTPAddr+"/?"+args.Encode(), strings.NewReader(text))
	if err != nil {
		return Answer{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("X-ClickHouse-User", s.opts.ReaderUser)
	req.Header.Set("X-ClickHouse-Key", s.opts.ReaderPassword)
	resp, err := s.http.Do(req)
	if err != nil {
		return Answer{}, unavailable("run the statement", err)
	}
	if resp.StatusCode == http.StatusOK {
		return Answer{resp.Body, resp.Header.Get("Content-Type")}, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, errorBytesMax))
	if err != nil {
		return Answer{}, unavailable("read ClickHouse's answer", err)
	}
	return Answer{}, track.Errorf(track.InvalidParameterValue, "%s", strings.TrimSpace(string(b)))
}
