package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// Past says what was known of the writers of a lane at an earlier place of its log.
type Past struct{ client *Client }

// NewPast has a connection of its own.
func NewPast(c Config) *Past { return &Past{client: NewClient(c.bounded())} }

// Close ends the connection.
func (p *Past) Close() error { return p.client.Close() }

// Writers answers what was seen of a lane's writers up to the end of the last batch that ends at or before a sequence, and
// where that is; 0 before the first.
func (p *Past) Writers(ctx context.Context, lane uint16, seq uint64) (*consumers.Writers, uint64, error) {
	var m table.Marker
	err := p.client.selectRows(ctx, fmt.Sprintf(`
		SELECT toUInt64(step) AS last, ts
		FROM %s.points
		WHERE run = 0 AND key = '' AND rank = %d AND attempt = %d AND step <= %d
		ORDER BY step DESC LIMIT 1`, table.Database, table.MarkerRank, lane, seq),
		func(r proto.Results) error {
			m.Last, m.TimeMS = uint64At(r, 0, 0), int64At(r, 1, 0)
			return nil
		})
	if err != nil {
		return nil, 0, fmt.Errorf("read the marker of lane %d at %d: %w", lane, seq, err)
	}
	seen, err := ranges(ctx, p.client, lane, m.Last, m.TimeMS-consumers.WriterIdleMax.Milliseconds())
	if err != nil {
		return nil, 0, err
	}
	return consumers.NewWriters(seen), m.Last, nil
}
