package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/double"
)

const (
	// urlDefault is where `up` listens if nothing else is said.
	urlDefault = "http://127.0.0.1:5000"
	urlEnv     = "STREAMGAUGE_URL"
	// callTimeout is beyond the longest query that the server allows.
	callTimeout = 90 * time.Second
	// answerBytesMax bounds what one answer may take of our memory.
	answerBytesMax = 512 << 20
	// complaintBytesMax is how much of a refusal is read.
	complaintBytesMax = 1 << 20
)

// client asks a server over HTTP.
type client struct {
	// url is empty until it is looked for.
	url string
	// proof shows who asks.
	proof proof
}

// addURL defines --url and gives the client that it names.
func addURL(cmd *cobra.Command, getenv func(string) string) *client {
	c := &client{proof: proof{getenv: getenv}}
	cmd.Flags().StringVar(&c.url, "url", getenv(urlEnv), "address of the server, also "+urlEnv+" (default: that of the server that 'up' starts with the settings here, "+urlDefault+")")
	if cmd.Flags().Lookup("data") == nil {
		cmd.Flags().StringVar(&c.proof.dir, "data", "", "data folder of the server; its owner needs no token (default: that of 'up' with the settings here)")
	}
	return c
}

// locate looks for the server if none is named, and refuses what is no address.
func (c *client) locate() error {
	if c.url == "" || c.proof.dir == "" {
		s, err := settings(c.proof.getenv, configFile("", c.proof.getenv))
		switch {
		case err == nil:
			s.Data = cmp.Or(c.proof.dir, s.Data)
			c.proof.dir = s.Data
			c.url = cmp.Or(c.url, serverURL(s))
		case c.url == "":
			return err
		}
	}
	if u, err := url.Parse(c.url); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the server's address %q is not one; want http://host:port, as in %s", c.url, urlDefault)
	}
	return nil
}

// apiError is what the server refused.
type apiError struct {
	Status  int    `json:"-"`
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

// StatusCode makes it a transfer.Refusal.
func (e *apiError) StatusCode() int { return e.Status }

// get reads JSON.
func (c *client) get(ctx context.Context, path string, args url.Values, out any) error {
	if len(args) > 0 {
		path += "?" + args.Encode()
	}
	return c.json(ctx, http.MethodGet, path, nil, out)
}

// post sends JSON and reads JSON.
func (c *client) post(ctx context.Context, path string, in, out any) error {
	return c.json(ctx, http.MethodPost, path, in, out)
}

func (c *client) json(ctx context.Context, method, path string, in, out any) error {
	body, err := c.raw(ctx, method, path, in)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read the answer of %s%s: %w", c.url, path, err)
	}
	return nil
}

// raw sends a request and gives the body of a good answer, and what came of one that broke off.
func (c *client) raw(ctx context.Context, method, path string, in any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	body, err := c.open(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	answer, err := io.ReadAll(io.LimitReader(body, answerBytesMax+1))
	if err != nil {
		return answer, fmt.Errorf("read the answer of %s: %w", c.url, err)
	}
	if len(answer) > answerBytesMax {
		return nil, fmt.Errorf("the answer of %s is larger than %d MiB; ask for less", c.url, answerBytesMax>>20)
	}
	return answer, nil
}

// open sends a request and gives the body of a good answer as it comes; ctx holds until it is closed.
func (c *client) open(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	return c.Send(ctx, method, path, "application/json", body)
}

// Send is open for any body; it makes a client a transfer.Server.
func (c *client) Send(ctx context.Context, method, path, contentType string, body io.Reader) (io.ReadCloser, error) {
	if err := c.locate(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.url, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("the server's address %q is not one: %w", c.url, err)
	}
	if f, ok := body.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			req.ContentLength = info.Size()
		}
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := c.proof.send(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, complaintBytesMax))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.url, err)
	}
	e := &apiError{Status: resp.StatusCode}
	if json.Unmarshal(answer, e) != nil || e.Message == "" {
		e.Message = fmt.Sprintf("%s answered %s: %s", c.url, resp.Status, strings.TrimSpace(string(answer)))
	}
	return nil, e
}

func (c *client) unreachable(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return fmt.Errorf("no server answers at %s (%w); start one with `streamgauge up`, or name it with --url or %s", c.url, err, urlEnv)
}

// number is a double of an answer.
type number = double.Value
