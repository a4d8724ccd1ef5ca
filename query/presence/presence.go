// Package presence notices that a client has left while the server works for it. The HTTP library does not tell, and a
// handler that has nothing to write yet cannot find out by writing. So the socket is looked at, without reading from it.
package presence

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// lookEvery is how late the leaving is noticed at most; a look takes some microseconds.
const lookEvery = 250 * time.Millisecond

// ErrLeft is the cause of a context whose client has left.
var ErrLeft = errors.New("the client has left")

// Watch gives a context that ends with ErrLeft when the other side of the connection is gone, and a function that ends the
// watch and the context. A connection that cannot be looked at is never seen to end.
func Watch(ctx context.Context, conn net.Conn) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if inner, ok := conn.(interface{ NetConn() net.Conn }); ok { // under TLS
		conn = inner.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return ctx, func() { cancel(context.Canceled) }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if left(socket) {
					cancel(ErrLeft)
					return
				}
			}
		}
	}()
	return ctx, func() {
		cancel(context.Canceled)
		<-done
	}
}

// left says whether the other side has closed.
func left(socket syscall.Conn) bool {
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	if err := raw.Control(func(fd uintptr) { gone = hungUp(int(fd)) }); err != nil {
		return true
	}
	return gone
}
