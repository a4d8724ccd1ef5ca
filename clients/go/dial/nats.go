package dial

import (
	"context"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
)

// reconnectMax is the longest pause between attempts to reach NATS.
const reconnectMax = 5 * time.Second

func toNATS(u *url.URL, o Options) (*Server, error) {
	plain := Plain(u.String())
	var last atomic.Pointer[error]
	remember := func(_ *nats.Conn, err error) {
		if err != nil {
			last.Store(&err)
		}
	}
	options := []nats.Option{
		nats.Name("streamgauge spool"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.CustomReconnectDelay(func(attempts int) time.Duration {
			return min(time.Duration(attempts)*250*time.Millisecond, reconnectMax)
		}),
		// What cannot be sent now stays in the spool, not in the connection's memory.
		nats.ReconnectBufSize(-1),
		nats.ReconnectErrHandler(remember), nats.DisconnectErrHandler(remember),
		nats.ErrorHandler(func(c *nats.Conn, _ *nats.Subscription, err error) { remember(c, err) }),
	}
	if o.Token != "" && u.User == nil {
		options = append(options, nats.Token(o.Token))
	}
	conn, err := nats.Connect(u.String(), options...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", plain, err)
	}
	return &Server{Address: plain, close: conn.Close, open: func() (streamgauge.Transport, func(), error) {
		to, err := streamgauge.NewNATS(conn)
		return &overNATS{NATS: to, conn: conn, server: plain, last: &last}, func() {}, err
	}}, nil
}

// overNATS says that there is no connection, and why, where the client library speaks of its buffers.
type overNATS struct {
	*streamgauge.NATS
	conn   *nats.Conn
	server string
	last   *atomic.Pointer[error]
}

func (t *overNATS) connected() error {
	if t.conn.IsConnected() {
		return nil
	}
	if why := t.last.Load(); why != nil {
		return fmt.Errorf("no connection to %s: %w", t.server, *why)
	}
	return fmt.Errorf("no connection to %s yet", t.server)
}

// Send is Transport's.
func (t *overNATS) Send(ctx context.Context, frames [][]byte) (int, error) {
	if err := t.connected(); err != nil {
		return 0, err
	}
	return t.NATS.Send(ctx, frames)
}

// Lane is Laned's.
func (t *overNATS) Lane(ctx context.Context, frame []byte) (uint16, error) {
	if err := t.connected(); err != nil {
		return 0, err
	}
	return t.NATS.Lane(ctx, frame)
}
