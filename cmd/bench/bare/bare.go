// Package bare is the reference of the pipeline: rows that are sorted and in columns already, inserted one block
// after the other into the same table of the same engine.
package bare

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// Lane is one that no server has, and firstRun a number of runs that nobody asks for.
	Lane     = math.MaxUint16
	firstRun = track.RunNumber(1) << 63
	runs     = 10
	keys     = 100
	steps    = 492
	// BlockRows are the rows of a block.
	BlockRows = runs * keys * steps
)

// Insert inserts blocks for that long and gives the rows a second, the time of inserts alone.
func Insert(ctx context.Context, c clickhouse.Config, forAtLeast time.Duration) (float64, error) {
	lane := clickhouse.NewLane(c)
	defer lane.Close()
	known, err := lane.Marker(ctx, Lane)
	if err != nil {
		return 0, err
	}
	var took time.Duration
	rows := 0
	for n := known.Last + 1; took < forAtLeast; n++ {
		b := block(n)
		begin := time.Now()
		if err := lane.Write(ctx, b, fmt.Sprintf("%d:%d", Lane, n)); err != nil {
			return 0, err
		}
		took += time.Since(begin)
		rows += BlockRows
	}
	return float64(rows) / took.Seconds(), nil
}

// block is a batch as the consumers make it of frames, one section a run.
func block(n uint64) *consumers.Batch {
	f := &consumers.Frame{Seq: n, TimeMS: time.Now().UnixMilli(), Writer: 1, Number: n, Rows: BlockRows}
	for run := range track.RunNumber(runs) {
		p := track.Points{}
		for k := range uint32(keys) {
			p.Keys = append(p.Keys, fmt.Sprintf("layer_%03d/grad_norm", k))
		}
		for i := range keys * steps {
			p.Key = append(p.Key, uint32(i%keys))
			p.Step = append(p.Step, int64(n)*steps+int64(i/keys))
			p.TimeMS = append(p.TimeMS, f.TimeMS)
			p.Value = append(p.Value, float64(i*31%1000))
		}
		f.Sections = append(f.Sections, &feed.Section{Lane: Lane, Seq: n, Writer: 1, Frame: n, Run: firstRun + run, Points: p})
	}
	writers := consumers.NewWriters(nil)
	writers.Add(f.Writer, f.Number, f.TimeMS, false)
	b := consumers.NewBatch(Lane, n, 1)
	b.Add(f)
	b.Seal(writers)
	return b
}
