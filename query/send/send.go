// Package send answers with a body of any length: a short one whole, a longer one in chunks as it comes.
package send

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	// wholeBytesMax is the largest answer that is sent as one, with its length and the connection kept.
	wholeBytesMax = 256 << 10
	// chunkBytes is how much of a longer answer is sent at a time. The HTTP library would send 4 KiB at a time, and each by
	// itself: that takes seven times as long.
	chunkBytes = 256 << 10
	// frameBytes are about a chunk: its length in hex, and two ends of lines.
	frameBytes = 32
)

// Stream answers what comes from a reader, which it closes, within a time that begins when the answer does. A long answer takes the connection over, and closes it. One
// that fails on its way breaks off without its end, so that nobody takes a part for the whole.
func Stream(c *fiber.Ctx, body io.ReadCloser, within time.Duration) error {
	head := make([]byte, wholeBytesMax)
	n, err := fill(body, head)
	if errors.Is(err, io.EOF) {
		c.Response().SetBody(head[:n])
		return body.Close()
	}
	c.Response().Header.SetContentLength(-1)
	c.Context().SetConnectionClose()
	header := bytes.Clone(c.Response().Header.Header())
	c.Context().HijackSetNoResponse(true)
	c.Context().Hijack(func(conn net.Conn) {
		defer body.Close()
		_ = sendChunks(conn, header, &ahead{head[:n], err, body}, within) // nobody is left to be told
	})
	return nil
}

// fill reads until b is full or the reader ends, which is io.EOF here and nothing else.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var more int
		more, err = r.Read(b[n:])
		n += more
	}
	return n, err
}

// ahead is a reader of which something was read already, and how that ended.
type ahead struct {
	read []byte
	err  error
	rest io.Reader
}

func (a *ahead) Read(p []byte) (int, error) {
	if len(a.read) > 0 {
		n := copy(p, a.read)
		a.read = a.read[n:]
		return n, nil
	}
	if a.err != nil {
		return 0, a.err
	}
	return a.rest.Read(p)
}

// sendChunks writes an answer of HTTP in chunks. Without an error its last one is out.
func sendChunks(conn net.Conn, header []byte, body io.Reader, within time.Duration) error {
	if err := conn.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := conn.Write(header); err != nil {
		return err
	}
	b, chunk := make([]byte, chunkBytes), make([]byte, 0, chunkBytes+frameBytes)
	for {
		n, err := fill(body, b)
		if n > 0 {
			chunk = append(strconv.AppendInt(chunk[:0], int64(n), 16), '\r', '\n')
			chunk = append(append(chunk, b[:n]...), '\r', '\n')
			if _, err := conn.Write(chunk); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			_, err = io.WriteString(conn, "0\r\n\r\n")
			return err
		}
		if err != nil {
			return err
		}
	}
}
