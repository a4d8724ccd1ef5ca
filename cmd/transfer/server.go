package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Server is asked over HTTP. Send gives the body of a good answer; what was refused is an error that may be a Refusal. A
// body is nil, a *bytes.Reader or an *os.File.
type Server interface {
	Send(ctx context.Context, method, path, contentType string, body io.Reader) (io.ReadCloser, error)
}

// Refusal is an error that knows the status of the answer.
type Refusal interface {
	error
	StatusCode() int
}

const (
	// triesMax is how often something is asked for while the server says that it cannot now; with waits from firstWait,
	// doubled up to longestWait, that is some ten minutes.
	triesMax    = 25
	firstWait   = time.Second
	longestWait = 30 * time.Second
	// brokenMax is how often an answer that breaks off is asked for again.
	brokenMax = 3

	jsonType = "application/json"
)

// Absent says whether there is nothing under an address.
func Absent(err error) bool {
	var r Refusal
	return errors.As(err, &r) && r.StatusCode() == http.StatusNotFound
}

// Forbidden says whether a token may not ask that.
func Forbidden(err error) bool {
	var r Refusal
	return errors.As(err, &r) && r.StatusCode() == http.StatusForbidden
}

// Busy says whether the server could not do it now and may later.
func Busy(err error) bool {
	var r Refusal
	return errors.As(err, &r) && (r.StatusCode() == http.StatusTooManyRequests || r.StatusCode() == http.StatusServiceUnavailable)
}

// Again asks until the server is not busy.
func Again(ctx context.Context, ask func() error) error {
	wait := firstWait
	for try := 1; ; try++ {
		err := ask()
		if err == nil || !Busy(err) || try == triesMax {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
		wait = min(2*wait, longestWait)
	}
}

// Ask sends JSON and reads JSON.
func Ask(ctx context.Context, s Server, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode a request: %w", err)
	}
	return Again(ctx, func() error {
		answer, err := s.Send(ctx, http.MethodPost, path, jsonType, bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer answer.Close()
		if err := json.NewDecoder(answer).Decode(out); err != nil {
			return fmt.Errorf("read the answer of %s: %w", path, err)
		}
		return nil
	})
}

// Get reads JSON.
func Get(ctx context.Context, s Server, path string, out any) error {
	return Again(ctx, func() error {
		answer, err := s.Send(ctx, http.MethodGet, path, "", nil)
		if err != nil {
			return err
		}
		defer answer.Close()
		return json.NewDecoder(answer).Decode(out)
	})
}

// Query asks SQL whose columns are all texts.
func Query(ctx context.Context, s Server, query string) ([][]string, error) {
	var answer struct {
		Data [][]string `json:"data"`
	}
	err := Ask(ctx, s, "/v1/sql", map[string]string{"query": query, "format": "json"}, &answer)
	return answer.Data, err
}

// Parquet asks SQL and writes the answer to a file. An answer that breaks off is asked for again.
func Parquet(ctx context.Context, s Server, query, name string) error {
	body, err := json.Marshal(map[string]string{"query": query, "format": "parquet"})
	if err != nil {
		return fmt.Errorf("encode a query: %w", err)
	}
	for try := 1; ; try++ {
		err := Again(ctx, func() error {
			return WriteFile(name, func(w io.Writer) error {
				answer, err := s.Send(ctx, http.MethodPost, "/v1/sql", jsonType, bytes.NewReader(body))
				if err != nil {
					return err
				}
				defer answer.Close()
				_, err = io.Copy(w, answer)
				return err
			})
		})
		if err == nil || try == brokenMax || !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
	}
}

// Line is a document of an export.
type Line struct {
	Document json.RawMessage   `json:"document"`
	Changes  []json.RawMessage `json:"changes"`
	Of       string            `json:"of"`
	End      *struct {
		Documents int `json:"documents"`
	} `json:"end"`
}

// Documents reads all documents of a kind, or those of the ids, and gives each to visit.
func Documents(ctx context.Context, s Server, kind string, ids []string, visit func(*Line) error) error {
	in := map[string]any{"kind": kind}
	if ids != nil {
		in["ids"] = ids
	}
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode a request: %w", err)
	}
	var answer io.ReadCloser
	err = Again(ctx, func() error {
		answer, err = s.Send(ctx, http.MethodPost, "/v1/export", jsonType, bytes.NewReader(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("read documents of kind %s: %w", kind, err)
	}
	defer answer.Close()
	lines := json.NewDecoder(answer)
	for n := 0; ; n++ {
		line := new(Line)
		if err := lines.Decode(line); err != nil {
			return fmt.Errorf("read documents of kind %s: the answer broke off after %d: %w", kind, n, err)
		}
		if line.End != nil {
			if line.End.Documents != n {
				return fmt.Errorf("read documents of kind %s: %d came of %d", kind, n, line.End.Documents)
			}
			return nil
		}
		if err := visit(line); err != nil {
			return err
		}
	}
}

// Frames sends native frames, each behind its length.
func Frames(ctx context.Context, s Server, frames []byte) (warnings []string, err error) {
	var answer struct {
		Warnings []struct {
			RunID   string `json:"run_id"`
			Message string `json:"message"`
		} `json:"warnings"`
	}
	err = Again(ctx, func() error {
		// What was taken before a refusal comes again and is noticed by its numbers.
		body, err := s.Send(ctx, http.MethodPost, "/v1/frames", "application/x-protobuf", bytes.NewReader(frames))
		if err != nil {
			return err
		}
		defer body.Close()
		return json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&answer)
	})
	for _, w := range answer.Warnings {
		warnings = append(warnings, w.RunID+": "+w.Message)
	}
	return warnings, err
}

// ArtifactRoute is where a file of the server's own store is read and written.
func ArtifactRoute(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "/api/2.0/mlflow-artifacts/artifacts/" + strings.Join(parts, "/")
}
