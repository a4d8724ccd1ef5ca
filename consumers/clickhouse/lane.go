package clickhouse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// Lane writes the batches of a lane. It implements consumers.Sink.
type Lane struct {
	client *Client
	// known is the greatest marker read so far: looking only from there on reads one granule a part.
	known table.Marker
	// over is the connection that known came over. An engine cannot start anew without breaking it.
	over int
}

var _ consumers.Sink = (*Lane)(nil)

// NewLane has a connection of its own, so that lanes do not wait for each other.
func NewLane(c Config) *Lane { return &Lane{client: NewClient(c.bounded())} }

// Close ends the connection.
func (l *Lane) Close() error { return l.client.Close() }

// errNewConnection: the marker is to be read before the next insert.
var errNewConnection = errors.New("the connection to ClickHouse is new")

// senderGoneAfter is how long the engine waits for the rest of an insert that has begun. A lane sends it at once.
const senderGoneAfter = 10 * time.Second

// insertSettings make an insert one block, one part, at once.
var insertSettings = []ch.Setting{
	{Key: "async_insert", Value: "0", Important: true},
	{Key: "max_partitions_per_insert_block", Value: "1", Important: true},
	{Key: "min_insert_block_size_rows", Value: "0", Important: true},
	{Key: "min_insert_block_size_bytes", Value: "0", Important: true},
	// An insert whose sender is gone, its machine with it, holds the lane until the engine gives it up.
	{Key: "receive_timeout", Value: strconv.Itoa(int(senderGoneAfter.Seconds())), Important: true},
	// The projection's aggregation over many keys is faster in one level.
	{Key: "group_by_two_level_threshold", Value: "0", Important: true},
	{Key: "group_by_two_level_threshold_bytes", Value: "0", Important: true},
}

// Write implements consumers.Sink.
func (l *Lane) Write(ctx context.Context, b *consumers.Batch, token string) error {
	if c := l.client.connection(); c == 0 || c != l.over {
		return errNewConnection
	}
	if err := l.aside(ctx, b); err != nil {
		return err
	}
	settings := append(insertSettings[:len(insertSettings):len(insertSettings)],
		ch.Setting{Key: "insert_deduplication_token", Value: token, Important: true})
	return insert(ctx, l.client, "points", b.Points.Input(), settings, queryPrefix(b.Lane)+token+"-"+random())
}

// aside inserts what goes in before the points: rows that are the same rows when they are inserted again.
func (l *Lane) aside(ctx context.Context, b *consumers.Batch) error {
	into := func(name string, rows int, in func() proto.Input) error {
		if rows == 0 {
			return nil
		}
		return insert(ctx, l.client, name, in(), insertSettings, "")
	}
	if err := into("quarantine", b.Quarantine.Rows(), b.Quarantine.Input); err != nil {
		return err
	}
	if b.Values != nil {
		if err := into("small_values", b.Values.Rows(), b.Values.Input); err != nil {
			return err
		}
	}
	if b.Console != nil {
		if err := into("console", b.Console.Rows(), b.Console.Input); err != nil {
			return err
		}
	}
	return into("latest", b.Latest.Rows(), b.Latest.Input)
}

func insert(ctx context.Context, c *Client, name string, in proto.Input, settings []ch.Setting, queryID string) error {
	start := time.Now()
	err := c.Do(ctx, ch.Query{
		Body: "INSERT INTO " + table.Database + "." + name + " " + in.Columns() + " VALUES", Input: in,
		Settings: settings, QueryID: queryID,
	})
	if err != nil {
		return fmt.Errorf("insert into %s: %w", name, err)
	}
	c.config.Metrics.inserted(name, in[0].Data.Rows(), start)
	return nil
}

// queryPrefix begins the query ids of all inserts of points of a lane.
func queryPrefix(lane uint16) string { return fmt.Sprintf("streamgauge-lane-%d-", lane) }

func random() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Fence implements consumers.Sink.
func (l *Lane) Fence(ctx context.Context, lane uint16) error {
	condition := fmt.Sprintf("startsWith(query_id, '%s')", queryPrefix(lane))
	running, err := l.client.Scalar(ctx, "SELECT count() AS x FROM system.processes WHERE "+condition)
	if err != nil {
		return fmt.Errorf("look for inserts of lane %d: %w", lane, err)
	}
	if running == 0 {
		return nil
	}
	// SYNC returns when they have ended, one way or the other.
	if err := l.client.Exec(ctx, "KILL QUERY WHERE "+condition+" SYNC FORMAT Null"); err != nil {
		return fmt.Errorf("end inserts of lane %d: %w", lane, err)
	}
	running, err = l.client.Scalar(ctx, "SELECT count() AS x FROM system.processes WHERE "+condition)
	if err != nil {
		return fmt.Errorf("look for inserts of lane %d: %w", lane, err)
	}
	if running > 0 {
		return fmt.Errorf("%d inserts of lane %d are still running", running, lane)
	}
	return nil
}

// Marker implements consumers.Sink.
func (l *Lane) Marker(ctx context.Context, lane uint16) (table.Marker, error) {
	m, err := l.markerFrom(ctx, lane, l.known.Last)
	if err == nil && m.Last == 0 && l.known.Last > 0 {
		m, err = l.markerFrom(ctx, lane, 0) // the table has lost what it had
	}
	if err == nil {
		l.known, l.over = m, l.client.connection()
	}
	return m, err
}

func (l *Lane) markerFrom(ctx context.Context, lane uint16, from uint64) (table.Marker, error) {
	var m table.Marker
	err := l.client.selectRows(ctx, fmt.Sprintf(`
		SELECT batch, toUInt64(step) AS last, ts, toUInt64(v) AS rows, writer
		FROM %s.points
		WHERE run = 0 AND key = '' AND rank = %d AND attempt = %d AND step >= %d
		ORDER BY step DESC LIMIT 1`, table.Database, table.MarkerRank, lane, from),
		func(r proto.Results) error {
			m = table.Marker{
				First: uint64At(r, 0, 0), Last: uint64At(r, 1, 0), TimeMS: int64At(r, 2, 0),
				Rows: int(uint64At(r, 3, 0)), Epoch: uint64At(r, 4, 0),
			}
			return nil
		})
	if err != nil {
		return m, fmt.Errorf("read marker of lane %d: %w", lane, err)
	}
	return m, nil
}

// Ranges implements consumers.Sink. Every batch has all ranges of its writers, so the newest rows of a
// writer say all; older ones are parts of the same ranges.
func (l *Lane) Ranges(ctx context.Context, lane uint16, sinceMS int64) ([]table.WriterRange, error) {
	return ranges(ctx, l.client, lane, math.MaxUint64, sinceMS)
}

// ranges are those of the batches that end at or before a sequence.
func ranges(ctx context.Context, c *Client, lane uint16, last uint64, sinceMS int64) ([]table.WriterRange, error) {
	var out []table.WriterRange
	err := c.selectRows(ctx, fmt.Sprintf(`
		SELECT writer, toUInt64(step) AS first, max(frame) AS last, max(ts) AS time, toUInt64(max(v)) AS closed
		FROM %s.points
		WHERE run = 0 AND key = '' AND rank = %d AND attempt = %d AND ts >= %d AND seq <= %d
		GROUP BY writer, step`, table.Database, table.WriterRank, lane, sinceMS, last),
		func(r proto.Results) error {
			for i := range r.Rows() {
				out = append(out, table.WriterRange{
					Writer: uint64At(r, 0, i), First: uint64At(r, 1, i), Last: uint64At(r, 2, i),
					TimeMS: int64At(r, 3, i), Closed: uint64At(r, 4, i) == 1,
				})
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read writers of lane %d: %w", lane, err)
	}
	return out, nil
}

func uint64At(r proto.Results, column, row int) uint64 {
	return r[column].Data.(*proto.ColUInt64).Row(row)
}

func int64At(r proto.Results, column, row int) int64 {
	return r[column].Data.(*proto.ColInt64).Row(row)
}
