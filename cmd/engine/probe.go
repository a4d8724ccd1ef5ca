package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// answerBytesMax of an answer are read: numbers, versions, complaints.
const answerBytesMax = 4 << 10

// prober asks an engine over HTTP as app; a program that took the port by chance does not know our password.
type prober struct {
	o Options
	c Credentials

	mu    sync.Mutex
	asked time.Time
	err   error
}

// status says whether the engine answers; many askers share one question.
func (p *prober) status() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.asked) < statusAge {
		return p.err
	}
	if _, err := p.ask(context.Background(), "SELECT 1"); err != nil {
		p.err = fmt.Errorf("the ClickHouse engine does not answer: %w", err)
	} else {
		p.err = nil
	}
	p.asked = time.Now()
	return p.err
}

// ask runs one statement as app.
func (p *prober) ask(ctx context.Context, query string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return Ask(ctx, p.o.HTTPListen, AppUser, p.c.App, query)
}

// Ask runs one statement over HTTP and gives its text without the newline at the end.
func Ask(ctx context.Context, addr, user, password, query string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/", strings.NewReader(query))
	if err != nil {
		return "", fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("X-ClickHouse-User", user)
	req.Header.Set("X-ClickHouse-Key", password)
	// An engine that ends waits for connections that are open.
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask the engine: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax))
	if err != nil {
		return "", fmt.Errorf("read the engine's answer: %w", err)
	}
	text := strings.TrimSpace(string(b))
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the engine answered %s: %s", resp.Status, text)
	}
	return text, nil
}

// Exec and Scalar are what migrations need.
func (s *Supervisor) Exec(ctx context.Context, query string) error {
	_, err := Ask(ctx, s.o.HTTPListen, AppUser, s.c.App, query)
	return err
}

// Scalar reads one number.
func (s *Supervisor) Scalar(ctx context.Context, query string) (uint64, error) {
	text, err := Ask(ctx, s.o.HTTPListen, AppUser, s.c.App, query)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(text, 10, 64)
}

func (o Options) versionFile() string { return filepath.Join(o.Folder(), "version") }

// checkWritten refuses data that another version wrote.
func checkWritten(o Options) error {
	b, err := os.ReadFile(o.versionFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the engine's version: %w", err)
	}
	if written := strings.TrimSpace(string(b)); !sameMinor(written) {
		return fmt.Errorf("the data in %s was written by ClickHouse %s and this streamgauge runs %s: use the streamgauge that wrote it, or another --data folder", o.Dir, written, Version)
	}
	return nil
}

// recordVersion checks the running engine's version and remembers it beside the data.
func recordVersion(o Options, version string) error {
	if !sameMinor(version) {
		return fmt.Errorf("%s is ClickHouse %s and this streamgauge needs %s: run `streamgauge engine install`", o.Library, version, Version)
	}
	return writeFile(o.versionFile(), []byte(version+"\n"))
}

func sameMinor(version string) bool { return strings.HasPrefix(version, Version+".") }
