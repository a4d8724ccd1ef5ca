package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/leave"
	"github.com/streamgauge/streamgauge/schemas/table"
)

const (
	// pollEvery is how often a waiting request looks whether its context has ended.
	pollEvery = 500 * time.Millisecond
	dialMax   = 5 * time.Second
	// handshakeMax is for an engine that listens and does not answer.
	handshakeMax = 10 * time.Second
	// requestMaxDefault is for a connection that stays open and says nothing any more. The longest insert, a full
	// batch on a busy disk, takes some seconds.
	requestMaxDefault = 2 * time.Minute
)

// Config says where ClickHouse is.
type Config struct {
	// Address is host:port of the native protocol.
	Address  string
	User     string
	Password string
	// RequestMax bounds a request; after it the connection is given up and what became of the request is to be
	// found out. 0: a lane's and the documents' own limit.
	RequestMax time.Duration
	// Metrics may be nil.
	Metrics *Metrics
}

// Client is one connection, made when it is needed and again after an error. Requests wait for each other.
type Client struct {
	config Config
	mu     sync.Mutex
	conn   *ch.Client
	// dialed counts connections.
	dialed int
}

var _ table.Client = (*Client)(nil)

// NewClient does not connect yet.
func NewClient(c Config) *Client { return &Client{config: c} }

// Close ends the connection. A later request makes a new one.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
	return nil
}

// Do runs one query.
func (c *Client) Do(ctx context.Context, q ch.Query) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.config.RequestMax > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.config.RequestMax, errHung)
		defer cancel()
	}
	if c.conn == nil || c.conn.IsClosed() {
		conn, err := leave.Dial(ctx, ch.Options{
			Address: c.config.Address, User: c.config.User, Password: c.config.Password,
			Compression: ch.CompressionDisabled, // on loopback and in a rack it costs more than it saves
			ReadTimeout: pollEvery, DialTimeout: dialMax, HandshakeTimeout: handshakeMax,
		})
		if err != nil {
			return fmt.Errorf("connect to ClickHouse at %s: %w", c.config.Address, err)
		}
		c.conn = conn
		c.dialed++
	}
	// Inside a block the library reads without a deadline: closing ends that too.
	conn := c.conn // the function may run when c has given it up already
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	err := conn.Do(ctx, q)
	stop()
	if err != nil {
		c.drop()
		if cause := context.Cause(ctx); errors.Is(cause, errHung) {
			return fmt.Errorf("%w within %v: %w", cause, c.config.RequestMax, err)
		}
		return explain(err)
	}
	return nil
}

// errHung: a request was given up. Its context's end alone would pass for the end of the one who asked.
var errHung = errors.New("ClickHouse did not answer")

// bounded gives requests a limit if the configuration sets none.
func (c Config) bounded() Config {
	if c.RequestMax == 0 {
		c.RequestMax = requestMaxDefault
	}
	return c
}

// connection says which connection is in use, 0 if none.
func (c *Client) connection() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil || c.conn.IsClosed() {
		return 0
	}
	return c.dialed
}

// drop gives the connection up. The lock is held.
func (c *Client) drop() {
	if c.conn != nil {
		_ = c.conn.Close() // it is of no use any more, whatever it says
		c.conn = nil
	}
}

// Exec implements table.Client.
func (c *Client) Exec(ctx context.Context, query string) error {
	return c.Do(ctx, ch.Query{Body: query})
}

// Scalar implements table.Client.
func (c *Client) Scalar(ctx context.Context, query string) (uint64, error) {
	var out uint64
	err := c.selectRows(ctx, query, func(r proto.Results) error {
		numbers, ok := r[0].Data.(*proto.ColUInt64)
		if !ok || numbers.Rows() != 1 {
			return fmt.Errorf("want one UInt64")
		}
		out = numbers.Row(0)
		return nil
	})
	return out, err
}

// selectRows runs a query whose columns are found out by themselves.
func (c *Client) selectRows(ctx context.Context, query string, each func(proto.Results) error) error {
	var results proto.Results
	return c.Do(ctx, ch.Query{Body: query, Result: results.Auto(), OnResult: func(_ context.Context, b proto.Block) error {
		if b.Rows == 0 {
			return nil
		}
		return each(results)
	}})
}
