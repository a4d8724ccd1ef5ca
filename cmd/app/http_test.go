package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestHTTPAnswersBeforeAndAfterItOpens(t *testing.T) {
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &health{}
	h.add("engine", func() error { return errors.New("is starting") })
	w := newWeb(listen, headTimeout, h, slog.New(slog.DiscardHandler))
	url := "http://" + listen.Addr().String()
	if status, _, body := get(t, url+"/health"); status != http.StatusServiceUnavailable || !strings.Contains(body, "engine: is starting") {
		t.Errorf("before: %d %s", status, body)
	}
	if status, header, body := get(t, url+"/any"); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(body, "TEMPORARILY_UNAVAILABLE") {
		t.Errorf("before: %d %s", status, body)
	}

	w.app.Get("/panics", func(*fiber.Ctx) error { panic("oh") })
	w.app.Post("/given", func(c *fiber.Ctx) error { return c.SendString("taken") })
	w.app.Get("/full", func(*fiber.Ctx) error { return track.Unavailable(track.ResourceExhausted, 7, "full") })
	w.app.Get("/wrapped", func(*fiber.Ctx) error {
		return errors.Join(errors.New("x"), track.Errorf(track.InvalidParameterValue, "bad"))
	})
	w.open()
	for _, tt := range []struct {
		path   string
		status int
		code   string
	}{
		{"/panics", http.StatusInternalServerError, "INTERNAL_ERROR"},
		{"/full", http.StatusTooManyRequests, "RESOURCE_EXHAUSTED"},
		{"/wrapped", http.StatusBadRequest, "INVALID_PARAMETER_VALUE"},
		{"/nothing", http.StatusNotFound, "ENDPOINT_NOT_FOUND"},
		{"/" + strings.Repeat("x", headBytesMax), http.StatusRequestHeaderFieldsTooLarge, "REQUEST_LIMIT_EXCEEDED"},
	} {
		status, header, body := get(t, url+tt.path)
		if status != tt.status || !strings.Contains(body, `"error_code":"`+tt.code+`"`) {
			t.Errorf("%.20s: got %d %s", tt.path, status, body)
		}
		if header.Get("Content-Type") != "application/json" {
			t.Errorf("%.20s: type %s", tt.path, header.Get("Content-Type"))
		}
		if tt.path == "/full" && header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After is %q, want 7", header.Get("Retry-After"))
		}
	}
	status, header, body := get(t, url+"/given")
	if status != http.StatusMethodNotAllowed || header.Get("Allow") != "POST, OPTIONS" || !strings.Contains(body, "ENDPOINT_NOT_FOUND") {
		t.Errorf("GET of what takes POST: %d, Allow %q, %s", status, header.Get("Allow"), body)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
	if err := <-w.served; err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestAHeadHasLittleTimeAndABodyMuch(t *testing.T) {
	const short = 100 * time.Millisecond
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWeb(listen, short, &health{}, slog.New(slog.DiscardHandler))
	w.app.Post("/echo", func(c *fiber.Ctx) error {
		body, err := io.ReadAll(c.Context().RequestBodyStream())
		if err != nil {
			return err
		}
		return c.Send(body)
	})
	w.open()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", listen.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		// Beyond this nothing here was closed in time.
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	send := func(conn net.Conn, text string) {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	waits := func(conn net.Conn) { // reads until the server closes
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("a head that does not end: %v", err)
		}
	}

	first := dial()
	send(first, "G")
	waits(first)

	later := dial()
	answers := bufio.NewReader(later)
	for range 2 { // the second request comes after a pause that a head may not make
		send(later, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nsl")
		time.Sleep(3 * short)
		send(later, "ow")
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "slow" {
			t.Errorf("a slow body: %q %v", body, err)
		}
		time.Sleep(3 * short)
	}
	send(later, "G")
	waits(later)
	if err := w.close(); err != nil {
		t.Error(err)
	}
}
