// Package files sends the files that wait in a spool to the artifacts of its run, through a server.
package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
)

const (
	artifactsFolder = "artifacts"
	// filePauseMin and filePauseMax bound the pauses between attempts to send a file, unless the server names another. The
	// first ones are short: a run is there a moment after its first frame.
	filePauseMin, filePauseMax = 100 * time.Millisecond, 5 * time.Second

	answerBytesMax = 1 << 20
	// fileTimeout bounds the sending of one file: a large one over a slow line.
	fileTimeout = time.Hour
	askTimeout  = 30 * time.Second
)

// File waits in a folder for its way to the run's artifacts: <n>.bin is its content, <n>.json says what it is.
type File struct {
	Path      string `json:"path"`
	SHA256    string `json:"sha256"`
	SizeBytes int64  `json:"size_bytes"`
	MediaType string `json:"media_type"`
	about     string
}

// Waiting are the descriptions of what waits in a spool, the oldest first. A file without its description is what a killed process has left
// half copied; it does not count.
func Waiting(spool string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(spool, artifactsFolder, "*.json"))
	slices.Sort(found)
	return found, err
}

func openFile(about string) (File, error) {
	b, err := os.ReadFile(about)
	if err != nil {
		return File{}, err
	}
	file := File{about: about}
	if err := json.Unmarshal(b, &file); err != nil {
		return file, segment.Unreadable("%s: %w", about, err)
	}
	return file, nil
}

func (f File) content() string { return strings.TrimSuffix(f.about, ".json") + ".bin" }

// Uploader sends files to the artifacts of runs, through a server.
type Uploader struct {
	url, token string
	client     *http.Client
}

// NewUploader sends to the server at that address, as in http://127.0.0.1:5000.
func NewUploader(server, token string, transport http.RoundTripper) *Uploader {
	return &Uploader{url: strings.TrimRight(server, "/"), token: token, client: &http.Client{Timeout: fileTimeout, Transport: transport}}
}

// Deliver sends a file until the server has it, and deletes it. It ends early only with the context, or where the file
// cannot be read. Trouble is told of each failed attempt, progress when more of the content goes than in any attempt
// before, for a large file takes long; nil tells nobody. Progress is told by another goroutine.
func (u *Uploader) Deliver(ctx context.Context, run, about string, trouble func(error), progress func()) error {
	file, err := openFile(about)
	if err != nil {
		return err
	}
	var furthest atomic.Int64
	read := func(at int64) {
		if at > furthest.Load() {
			furthest.Store(at)
			if progress != nil {
				progress()
			}
		}
	}
	for next := filePauseMin; ; next = min(2*next, filePauseMax) {
		err := u.send(ctx, run, file, read)
		if err == nil {
			break
		}
		if errors.Is(err, segment.ErrUnreadable) || ctx.Err() != nil {
			return err
		}
		if trouble != nil {
			trouble(err)
		}
		wait := next
		if later := (*streamgauge.Later)(nil); errors.As(err, &later) && later.After > 0 {
			wait = min(later.After, time.Minute)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
	// The description first: without it the content is nothing.
	return errors.Join(os.Remove(file.about), os.Remove(file.content()))
}

func (u *Uploader) send(ctx context.Context, run string, file File, read func(at int64)) error {
	root, err := u.root(ctx, run)
	if err != nil {
		return err
	}
	content, err := os.Open(file.content())
	if err != nil {
		return segment.Unreadable("%w", err)
	}
	defer content.Close()
	info, err := content.Stat()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.url+root+"/"+escape(file.Path), &sending{content, 0, read})
	if err != nil {
		return segment.Unreadable("%s: %w", file.about, err)
	}
	req.ContentLength = info.Size()
	if info.Size() == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", file.MediaType)
	_, err = u.ask(req)
	if err != nil {
		return fmt.Errorf("send artifact %s of run %s: %w", file.Path, run, err)
	}
	return nil
}

// sending is a file's content on its way; read is told how far it is.
type sending struct {
	content *os.File
	at      int64
	read    func(at int64)
}

func (s *sending) Read(b []byte) (int, error) {
	n, err := s.content.Read(b)
	if n > 0 {
		s.at += int64(n)
		s.read(s.at)
	}
	return n, err
}

// Close is io.Closer's.
func (s *sending) Close() error { return s.content.Close() }

// root is the route to the artifacts of a run.
func (u *Uploader) root(ctx context.Context, run string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url+"/api/2.0/mlflow/runs/get?run_id="+url.QueryEscape(run), nil)
	if err != nil {
		return "", err
	}
	said, err := u.ask(req)
	if err != nil {
		return "", fmt.Errorf("ask where artifacts of run %s are: %w", run, err)
	}
	var a struct {
		Run struct {
			Info struct {
				ArtifactURI string `json:"artifact_uri"`
			}
		}
	}
	if err := json.Unmarshal(said, &a); err != nil {
		return "", fmt.Errorf("ask where artifacts of run %s are: %w", run, err)
	}
	place, err := url.Parse(a.Run.Info.ArtifactURI)
	if err != nil || place.Scheme != "mlflow-artifacts" {
		return "", &streamgauge.Later{After: time.Minute, Reason: fmt.Errorf("artifacts of run %s are kept at %q, which this program cannot reach", run, a.Run.Info.ArtifactURI)}
	}
	return "/api/2.0/mlflow-artifacts/artifacts" + escape(place.Path), nil
}

// ask gives the body of an answer with status 200.
func (u *Uploader) ask(req *http.Request) ([]byte, error) {
	if u.token != "" {
		req.Header.Set("Authorization", "Bearer "+u.token)
	}
	resp, err := u.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return said, nil
	}
	reason := fmt.Errorf("status %d: %.300s", resp.StatusCode, said)
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		return nil, &streamgauge.Later{After: time.Duration(seconds) * time.Second, Reason: reason}
	}
	return nil, reason
}

// escape is a path for an address; slashes stay.
func escape(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
