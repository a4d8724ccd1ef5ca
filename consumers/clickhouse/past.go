package clickhouse

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/alerts"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// Past says what was known of the writers of a lane at an earlier place of its log, and of running runs.
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

// runningMax bounds Running: those that have been silent for longest, who are the ones to tell of.
const runningMax = 10_000

// Running answers runs of experiments, and single ones, that say they are running and began or logged a metric at or after a time,
// milliseconds since the epoch. A sign is the later of the two: the job's clock is believed as far as it is not ahead.
func (p *Past) Running(ctx context.Context, experiments []uint32, runs []string, sinceMS int64) ([]alerts.Sign, error) {
	ids := make([]string, 0, len(runs))
	for _, id := range runs {
		ids = append(ids, "unhex('"+hex.EncodeToString([]byte(id))+"')")
	}
	numbers := make([]string, 0, len(experiments))
	for _, n := range experiments {
		numbers = append(numbers, strconv.FormatUint(uint64(n), 10))
	}
	// No list is empty: experiment 4294967295 and run '' are none.
	running := fmt.Sprintf(`SELECT run_id, run, experiment, start_ms FROM %s.runs FINAL
		WHERE status = 'RUNNING' AND lifecycle = 'active' AND run_id != '' AND (experiment IN (%s) OR run_id IN (%s))`,
		table.Database, strings.Join(append(numbers, "4294967295"), ","), strings.Join(append(ids, "''"), ","))
	var out []alerts.Sign
	err := p.client.selectRows(ctx, fmt.Sprintf(`
		SELECT r.run_id AS run_id, r.experiment AS experiment, greatest(r.start_ms, l.ms) AS seen
		FROM (%[1]s) AS r
		LEFT JOIN (SELECT run, max(tupleElement(value, 3)) AS ms FROM %[2]s.latest WHERE run IN (SELECT run FROM (%[1]s)) GROUP BY run) AS l
			ON l.run = r.run
		WHERE seen >= %[3]d ORDER BY seen LIMIT %[4]d`, running, table.Database, sinceMS, runningMax),
		func(r proto.Results) error {
			now := time.Now().UnixMilli()
			for i := range r.Rows() {
				out = append(out, alerts.Sign{
					RunID: r[0].Data.(*proto.ColStr).Row(i), Experiment: r[1].Data.(*proto.ColUInt32).Row(i), SeenMS: min(int64At(r, 2, i), now), State: "RUNNING",
				})
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read running runs: %w", err)
	}
	return out, nil
}
