package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	pb "google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/leave"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	dialTimeout = 2 * time.Second
	// handshakeTimeout is for an engine that listens and does not answer.
	handshakeTimeout = 5 * time.Second
	// idsMax is how many ids stand in a statement, which may have 256 KiB: an id has up to 250 characters, a
	// character up to 4 bytes.
	idsMax = 200
)

// insertSettings make an insert one block, one part, at once.
var insertSettings = []ch.Setting{
	{Key: "async_insert", Value: "0", Important: true},
	{Key: "min_insert_block_size_rows", Value: "0", Important: true},
	{Key: "min_insert_block_size_bytes", Value: "0", Important: true},
}

// Config says where ClickHouse is.
type Config struct {
	// Address is host:port of the native protocol.
	Address, User, Password string
}

// Store is one connection. It is for one goroutine.
type Store struct {
	config Config
	conn   *ch.Client
	traces *table.Traces
	spans  table.Spans
}

var _ write.Store = (*Store)(nil)

// New makes a store; it connects when it is asked.
func New(c Config) *Store { return &Store{config: c, traces: table.NewTraces()} }

// Close ends the connection.
func (s *Store) Close() error {
	if s.conn != nil {
		_ = s.conn.Close() // nothing is lost with it
		s.conn = nil
	}
	return nil
}

// do runs a statement on the connection, or on a new one if there is none.
func (s *Store) do(ctx context.Context, q ch.Query) error {
	if s.conn == nil || s.conn.IsClosed() {
		c, err := leave.Dial(ctx, ch.Options{
			Address: s.config.Address, Database: table.Database, User: s.config.User, Password: s.config.Password,
			Compression: ch.CompressionDisabled, DialTimeout: dialTimeout, HandshakeTimeout: handshakeTimeout,
		})
		if err != nil {
			return fmt.Errorf("connect to ClickHouse at %s: %w", s.config.Address, err)
		}
		s.conn = c
	}
	// Inside a block the library reads without a deadline: closing ends that too.
	c := s.conn
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if err := c.Do(ctx, q); err != nil {
		_ = s.Close()
		return err
	}
	return nil
}

// read runs a SELECT; on a connection that an engine of before left behind it is asked once more.
func (s *Store) read(ctx context.Context, build func() ch.Query) error {
	used := s.conn != nil
	err := s.do(ctx, build())
	if err != nil && used && !ch.IsException(err) && ctx.Err() == nil {
		err = s.do(ctx, build())
	}
	return err
}

// Load implements write.Store.
func (s *Store) Load(ctx context.Context, ids []string) (map[string]write.Stored, error) {
	out := make(map[string]write.Stored, len(ids))
	for some := range slices.Chunk(ids, idsMax) {
		err := s.read(ctx, func() ch.Query {
			var document proto.ColBytes
			var revision proto.ColUInt64
			return ch.Query{
				// The row that a move left behind is always the older one.
				Body:   "SELECT document, revision FROM traces WHERE trace_id IN " + texts(some) + " ORDER BY revision DESC LIMIT 1 BY trace_id",
				Result: proto.Results{{Name: "document", Data: &document}, {Name: "revision", Data: &revision}},
				OnResult: func(_ context.Context, b proto.Block) error {
					return take(out, b.Rows, &document, &revision)
				},
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func take(into map[string]write.Stored, rows int, document *proto.ColBytes, revision *proto.ColUInt64) error {
	for i := range rows {
		t := new(sgpb.Trace)
		if err := pb.Unmarshal(document.Row(i), t); err != nil {
			return fmt.Errorf("decode trace of revision %d: %w", revision.Row(i), err)
		}
		into[t.GetInfo().GetTraceId()] = write.Stored{Trace: t, Revision: revision.Row(i)}
	}
	return nil
}

// Write implements write.Store.
func (s *Store) Write(ctx context.Context, l *write.Lot) error {
	s.spans.Reset()
	s.traces.Reset()
	for _, x := range l.Spans {
		s.spans.Append(&x.Span, l.Revision)
	}
	for _, m := range l.Moved {
		experiment, _ := track.ParseExperimentID(m.Experiment)
		s.traces.AppendMoved(experiment, m.TraceID, l.Revision-1)
	}
	for _, t := range l.Traces {
		// Equal traces have equal bytes: an export of them can be compared.
		encoded, err := pb.MarshalOptions{Deterministic: true}.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode trace %s: %w", t.GetInfo().GetTraceId(), err)
		}
		s.traces.Append(t, encoded, l.Revision)
	}
	if s.conn != nil {
		// A connection that is dead must show before an insert, of which nobody knows then whether it is there.
		if err := s.conn.Ping(ctx); err != nil {
			_ = s.Close()
		}
	}
	if s.spans.Rows() > 0 {
		if err := s.insert(ctx, "spans", s.spans.Input()); err != nil {
			return err
		}
	}
	return s.insert(ctx, "traces", s.traces.Input())
}

func (s *Store) insert(ctx context.Context, name string, in proto.Input) error {
	if err := s.do(ctx, ch.Query{Body: "INSERT INTO " + name + " " + in.Columns() + " VALUES", Input: in, Settings: insertSettings}); err != nil {
		return fmt.Errorf("insert into %s: %w", name, err)
	}
	return nil
}

// Select implements write.Store.
func (s *Store) Select(ctx context.Context, sel write.Selection) ([]string, error) {
	if len(sel.IDs) == 0 {
		return s.choose(ctx, sel)
	}
	// An id that is named twice must not be found by two statements.
	ids := slices.Compact(slices.Sorted(slices.Values(sel.IDs)))
	var out []string
	for some := range slices.Chunk(ids, idsMax) {
		sel.IDs = some
		found, err := s.choose(ctx, sel)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// choose selects by one statement.
func (s *Store) choose(ctx context.Context, sel write.Selection) ([]string, error) {
	where := "experiment = " + strconv.FormatUint(uint64(sel.Experiment), 10)
	if len(sel.IDs) > 0 {
		where += " AND trace_id IN " + texts(sel.IDs)
	}
	if sel.UntilMS != nil {
		where += " AND request_ms <= " + strconv.FormatInt(*sel.UntilMS, 10)
	}
	text := "SELECT trace_id FROM traces FINAL WHERE " + where + " ORDER BY request_ms, trace_id"
	if sel.Max != nil {
		text += " LIMIT " + strconv.FormatInt(max(*sel.Max, 0), 10)
	}
	var out []string
	err := s.read(ctx, func() ch.Query {
		out = nil
		var id proto.ColStr
		return ch.Query{
			Body: text, Result: proto.Results{{Name: "trace_id", Data: &id}},
			OnResult: func(_ context.Context, b proto.Block) error {
				for i := range b.Rows {
					out = append(out, id.Row(i))
				}
				return nil
			},
		}
	})
	return out, err
}

// Delete implements write.Store. The spans go first: a trace without spans is seen and can be deleted again.
func (s *Store) Delete(ctx context.Context, ids []string) error {
	for some := range slices.Chunk(ids, idsMax) {
		for _, name := range []string{"spans", "traces"} {
			if err := s.do(ctx, ch.Query{Body: "DELETE FROM " + name + " WHERE trace_id IN " + texts(some)}); err != nil {
				return fmt.Errorf("delete from %s: %w", name, err)
			}
		}
	}
	return nil
}

// quotes are those of a quoted literal.
var quotes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`)

// texts is a list of literals. It stands in the statement itself: the id of a trace is bounded, and so is the list.
func texts(list []string) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("'" + quotes.Replace(s) + "'")
	}
	return "(" + b.String() + ")"
}
