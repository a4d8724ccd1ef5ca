package app

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

// A body that no handler read must never be taken for the next request of its connection.
func TestUnreadBodyIsNoRequest(t *testing.T) {
	for name, pad := range map[string]int{"short rest": 64 << 10, "long rest": 4 * unreadBytesMax} {
		t.Run(name, func(t *testing.T) {
			listen, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			w := newWeb(listen, headTimeout, &health{}, slog.New(slog.DiscardHandler))
			smuggled := false
			w.app.Delete("/victim", func(*fiber.Ctx) error { smuggled = true; return nil })
			w.app.Get("/after", func(c *fiber.Ctx) error { return c.SendString("after") })
			w.open()
			conn, err := net.Dial("tcp", listen.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			body := strings.Repeat("\r\n", pad/2) + "DELETE /victim HTTP/1.1\r\nHost: x\r\n\r\n"
			go fmt.Fprintf(conn, "PUT /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%sGET /after HTTP/1.1\r\nHost: x\r\n\r\n", len(body), body)
			answers := bufio.NewReader(conn)
			first, err := http.ReadResponse(answers, nil)
			if err != nil || first.StatusCode != http.StatusNotFound {
				t.Fatalf("first answer: %v %v", first, err)
			}
			if !first.Close {
				_ = first.Write(new(strings.Builder))
				second, err := http.ReadResponse(answers, nil)
				if err != nil || second.StatusCode != http.StatusOK {
					t.Fatalf("second answer: %v %v", second, err)
				}
			}
			if err := w.close(); err != nil {
				t.Error(err)
			}
			if smuggled {
				t.Error("a part of the body was carried out")
			}
		})
	}
}
