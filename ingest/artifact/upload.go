package artifact

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// discardBytesMax is how much of a refused upload is read so that its sender hears the answer.
const discardBytesMax = 64 << 20

// upload is a request's body. It remembers its end: the HTTP library's reader must not be asked again after it.
type upload struct {
	io.Reader
	// chunked is the connection of a body whose length was not told, else nil.
	chunked net.Conn
	ended   bool
}

func (u *upload) Read(p []byte) (int, error) {
	if u.ended {
		return 0, io.EOF
	}
	n, err := u.Reader.Read(p)
	u.ended = err != nil
	if errors.Is(err, io.EOF) && u.chunked != nil && hungUp(u.chunked) {
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

func (x *Proxy) put(c *fiber.Ctx) error {
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil { // there is none, or the HTTP library has read it already
		if len(c.Request().Body()) != max(length, 0) {
			return track.Errorf(track.InvalidParameterValue, "An artifact is sent as it is, not as a form")
		}
		stream = bytes.NewReader(c.Request().Body())
	}
	body := &upload{Reader: stream}
	if length < 0 {
		body.chunked = c.Context().Conn()
	}
	p, err := wildcard(c)
	if err == nil {
		err = x.store.Put(c.UserContext(), p, body, int64(length))
	}
	if err != nil {
		return refuse(c, body, err)
	}
	return empty(c)
}

// refuse answers an upload that is not wanted. What is left of it must not be taken for the next request on the
// connection.
func refuse(c *fiber.Ctx, body io.Reader, err error) error {
	if _, end := io.CopyN(io.Discard, body, discardBytesMax); !errors.Is(end, io.EOF) {
		c.Context().SetConnectionClose()
	}
	return err
}
