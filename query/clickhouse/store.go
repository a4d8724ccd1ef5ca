package clickhouse

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/refusal"
	"github.com/streamgauge/streamgauge/schemas/leave"
	"github.com/streamgauge/streamgauge/schemas/table"
)

//go:embed sql/*.sql
var files embed.FS

const (
	// connectionsMax: reads beyond it wait their turn; the engine has few cores.
	connectionsMax = 8
	dialTimeout    = 2 * time.Second
	// handshakeTimeout is for an engine that listens and does not answer.
	handshakeTimeout = 5 * time.Second
)

// Options say where ClickHouse is.
type Options struct {
	// Addr is host:port of the native protocol.
	Addr string
	ask.Options
}

// Store reads ClickHouse. It is safe for concurrent use.
type Store struct {
	opts  Options
	slots chan struct{}
	// streams are the slots of long answers, fewer than all slots.
	streams chan struct{}
	idle    chan *ch.Client
	// Asker runs users' own SQL.
	*ask.Asker
	// settings of every statement, for tests.
	settings []ch.Setting
}

// New makes a store; it connects when it is asked.
func New(opts Options) *Store {
	return &Store{
		opts: opts, slots: make(chan struct{}, connectionsMax), streams: make(chan struct{}, streamsMax),
		idle: make(chan *ch.Client, connectionsMax), Asker: ask.New(opts.Options),
	}
}

// Close closes idle connections.
func (s *Store) Close() {
	for {
		select {
		case c := <-s.idle:
			_ = c.Close() // nothing is lost with it
		default:
			s.Asker.Close()
			return
		}
	}
}

// do runs the statement that build makes; it may be called twice, and starts from nothing each time.
func (s *Store) do(ctx context.Context, what string, build func() ch.Query) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return refusal.Unavailable(what, context.Cause(ctx))
	}
	c, used, err := s.connection(ctx)
	if err != nil {
		return refusal.Unavailable(what, err)
	}
	err = askUntil(ctx, c, build())
	if used && lost(err) && ctx.Err() == nil {
		_ = c.Close() // it is dead
		s.Close()     // the others of its time too
		if c, err = s.dial(ctx); err != nil {
			return refusal.Unavailable(what, err)
		}
		err = askUntil(ctx, c, build())
	}
	s.release(c, err)
	switch {
	case err == nil:
		return nil
	case lost(err), ctx.Err() != nil, passes(err):
		return refusal.Unavailable(what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// askUntil gives up when ctx ends, whatever the engine does: inside a block the library reads without a deadline, and
// an engine that is stopped there would hold the connection as long as it stands.
func askUntil(ctx context.Context, c *ch.Client, q ch.Query) error {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	return c.Do(ctx, q)
}

// passes says whether ClickHouse refused for a reason that ends by itself.
func passes(err error) bool {
	var e *ch.Exception
	return errors.As(err, &e) && table.Passing(e.Code)
}

// lost says whether the connection broke.
func lost(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, ch.ErrClosed)
}

func (s *Store) connection(ctx context.Context) (c *ch.Client, used bool, err error) {
	select {
	case c := <-s.idle:
		return c, true, nil
	default:
		c, err := s.dial(ctx)
		return c, false, err
	}
}

func (s *Store) dial(ctx context.Context) (*ch.Client, error) {
	return leave.Dial(ctx, ch.Options{
		Address: s.opts.Addr, Database: table.Database, User: s.opts.User, Password: s.opts.Password,
		Compression: ch.CompressionDisabled, DialTimeout: dialTimeout, HandshakeTimeout: handshakeTimeout,
	})
}

func (s *Store) release(c *ch.Client, err error) {
	// After an exception the connection is as before it.
	if (err == nil || ch.IsException(err)) && !c.IsClosed() {
		select {
		case s.idle <- c:
			return
		default:
		}
	}
	_ = c.Close() // its state is unknown, or there are enough
}

// params are the named values of a statement.
type params map[string]any

// statement runs an embedded statement and calls each for every block of its result.
func (s *Store) statement(ctx context.Context, name string, p params, r result) error {
	text, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		return fmt.Errorf("read statement: %w", err)
	}
	return s.run(ctx, name, string(text), p, r)
}

// compiled runs a statement of package filter.
func (s *Store) compiled(ctx context.Context, name string, q filter.Query, r result) error {
	p := make(params, len(q.Params))
	for _, b := range q.Params {
		p[b.Name] = b.Value
	}
	return s.run(ctx, name, q.Text, p, r)
}

// result receives a statement's blocks.
type result interface {
	// columns are the columns to decode into, in order.
	columns() proto.Results
	// reset forgets what was taken.
	reset()
	// take copies the decoded block.
	take(rows int) error
}

// oneSnapshot: a statement that names a table twice sees one set of its parts; the tail protocol rests on it.
var oneSnapshot = []ch.Setting{ch.SettingInt("enable_shared_storage_snapshot_in_query", 1)}

func (s *Store) run(ctx context.Context, name, text string, p params, r result, settings ...ch.Setting) error {
	bound, err := p.encode()
	if err != nil {
		return fmt.Errorf("bind %s: %w", name, err)
	}
	return s.do(ctx, "read "+name, func() ch.Query {
		r.reset()
		return ch.Query{
			Body:       text,
			Parameters: bound,
			Settings:   slices.Concat(oneSnapshot, s.settings, settings),
			Result:     r.columns(),
			OnResult:   func(_ context.Context, b proto.Block) error { return r.take(b.Rows) },
		}
	})
}
