// Package leave ends connections to ClickHouse so that the engine outlives it. Who closes a socket in the middle of an answer
// has the kernel reset the connection; the engine, which looks while a query runs whether its client is still there, does not
// expect that, and ends with all its queries (seen with 26.7: "Terminate called for uncaught exception: Connection reset by
// peer"). So a connection says first that nothing more comes, and takes what is still under way.
package leave

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go"
)

// patience is how long the rest of an answer is taken: a cancelled query ends within a block.
const patience = 5 * time.Second

// Dial connects as ch.Dial does, and a connection that comes to nothing ends so, too: the library would leave it to the
// collector of garbage.
func Dial(ctx context.Context, o ch.Options) (*ch.Client, error) {
	conn, err := connect(ctx, o.Address, o.DialTimeout)
	if err != nil {
		return nil, err
	}
	c, err := ch.Connect(ctx, conn, o)
	if err != nil {
		_ = conn.Close() // the error before it counts
		return nil, err
	}
	return c, nil
}

func connect(ctx context.Context, address string, timeout time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: timeout}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp}, nil
	}
	return c, nil
}

type conn struct {
	*net.TCPConn
	// reading is held by who reads.
	reading sync.Mutex
	// mu guards the deadlines, which are nobody else's once the connection is closed.
	mu     sync.Mutex
	closed bool
}

func (c *conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Read reads until the connection is closed by either side.
func (c *conn) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	n, err := c.TCPConn.Read(b)
	if err != nil && c.isClosed() {
		err = net.ErrClosed
	}
	return n, err
}

// SetReadDeadline bounds reads that are under way, and later ones.
func (c *conn) SetReadDeadline(t time.Time) error { return c.until(t, c.TCPConn.SetReadDeadline) }

// SetDeadline bounds writes, too.
func (c *conn) SetDeadline(t time.Time) error { return c.until(t, c.TCPConn.SetDeadline) }

func (c *conn) until(t time.Time, set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	return set(t)
}

// Close returns at once; who reads is woken. What is left to do ends by itself within the patience.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	if err := c.CloseWrite(); err != nil { // the other side is gone, and hears nothing any more
		return c.TCPConn.Close()
	}
	_ = c.TCPConn.SetReadDeadline(time.Unix(1, 0)) // wakes the reader; a connection that is broken has none
	go func() {
		c.linger()
		_, _ = io.Copy(io.Discard, c.TCPConn)
		_ = c.TCPConn.Close()
	}()
	return nil
}

// linger gives the rest its time, once who reads is away; who comes later finds the connection closed.
func (c *conn) linger() {
	c.reading.Lock()
	defer c.reading.Unlock()
	_ = c.TCPConn.SetReadDeadline(time.Now().Add(patience))
}
