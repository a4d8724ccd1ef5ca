package body

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// Stream is a request's body, read as it comes. It remembers its end: the HTTP library's reader must not be asked
// again after it.
type Stream struct {
	r io.Reader
	// Length is how long the body is, negative if that was not told.
	Length int64
	// chunked is the connection of a body whose length was not told, else nil.
	chunked net.Conn
	ended   bool
}

// NewStream takes a request's body as it is, whatever its type.
func NewStream(c *fiber.Ctx) (*Stream, error) {
	s := &Stream{r: c.Context().RequestBodyStream(), Length: int64(c.Request().Header.ContentLength())}
	if s.Length < 0 {
		s.chunked = c.Context().Conn()
	}
	if c.Context().RequestBodyStream() == nil { // there is none, or the HTTP library has read it already
		b := c.Request().Body()
		if int64(len(b)) != max(s.Length, 0) {
			return nil, track.Errorf(track.InvalidParameterValue, "An artifact is sent as it is, not as a form")
		}
		s.r = bytes.NewReader(b)
	}
	return s, nil
}

func (s *Stream) Read(p []byte) (int, error) {
	if s.ended {
		return 0, io.EOF
	}
	n, err := s.r.Read(p)
	s.ended = err != nil
	if errors.Is(err, io.EOF) && s.chunked != nil && hungUp(s.chunked) {
		// The library takes a connection that ends between two chunks for the end of the body.
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// hungUp says whether the other side sends nothing any more. It looks without reading and without waiting.
func hungUp(conn net.Conn) bool {
	// Under TLS the socket holds records; who reads them says whether the last one came.
	if secured, ok := conn.(interface{ Ended() bool }); ok {
		return secured.Ended()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	ended := false
	err = raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		waiting := errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
		ended = n == 0 && err == nil || err != nil && !waiting
		return true
	})
	return ended || err != nil
}

// Refuse answers a request whose body is not wanted; see the function of this name.
func (s *Stream) Refuse(c *fiber.Ctx, err error) error {
	if _, end := io.CopyN(io.Discard, s, discardBytesMax); !errors.Is(end, io.EOF) {
		c.Context().SetConnectionClose()
	}
	return err
}
