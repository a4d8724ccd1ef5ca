// Package bare is the reference of the pipeline: rows that are in memory as columns, sorted into one block and inserted,
// one block after the other, into the same table of the same engine.
package bare

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/streamgauge/streamgauge/cmd/bench/generate"
	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// Lane is one that no server has, and firstRun a number of runs that nobody asks for.
	Lane     = math.MaxUint16
	firstRun = track.RunNumber(1) << 63
	// A block has so many frames of every run as batches of the consumers have when a load is ahead of them.
	frames = 15
	// frameMS is the time between two frames of a run when some 1.6 million points a second come.
	frameMS = 20
)

// Load says which rows are inserted: those of such frames.
type Load struct{ Runs, Keys, Steps int }

// Insert inserts blocks for that long and gives the rows and the time of sorting and inserting alone. The engine
// merges parts meanwhile, as it does under any load that goes on.
func (l Load) Insert(ctx context.Context, c clickhouse.Config, forAtLeast time.Duration) (rows int64, took time.Duration, err error) {
	lane := clickhouse.NewLane(c)
	defer lane.Close()
	known, err := lane.Marker(ctx, Lane)
	if err != nil {
		return 0, 0, err
	}
	for n := known.Last + 1; took < forAtLeast; n++ {
		f := l.frame(n)
		begin := time.Now()
		b := block(f)
		if err := lane.Write(ctx, b, fmt.Sprintf("%d:%d", Lane, n)); err != nil {
			return 0, 0, err
		}
		took += time.Since(begin)
		rows += int64(f.Rows)
	}
	return rows, took, nil
}

// frame has the rows of a block, in as many sections as the frames of a load have.
func (l Load) frame(n uint64) *consumers.Frame {
	now := time.Now().UnixMilli()
	f := &consumers.Frame{Seq: n, TimeMS: now, Writer: 1, Number: n, Rows: frames * l.Runs * l.Keys * l.Steps}
	for part := range frames {
		for run := range l.Runs {
			f.Sections = append(f.Sections, &feed.Section{
				Lane: Lane, Seq: n, Writer: 1, Frame: n, Run: firstRun + track.RunNumber(run),
				Points: l.points(int64(n)*frames+int64(part), now+int64(part*frameMS)),
			})
		}
	}
	return f
}

// points are those of the nth frame of a run.
func (l Load) points(n, timeMS int64) track.Points {
	rows := l.Keys * l.Steps
	p := track.Points{Key: make([]uint32, rows), Step: make([]int64, rows), TimeMS: make([]int64, rows), Value: make([]float64, rows)}
	for k := range l.Keys {
		p.Keys = append(p.Keys, fmt.Sprintf("layer_%03d/grad_norm", k))
	}
	for i := range rows {
		step, key := n*int64(l.Steps)+int64(i/l.Keys), i%l.Keys
		p.Key[i], p.Step[i], p.TimeMS[i], p.Value[i] = uint32(key), step, timeMS, float64(generate.Value(step, key))*generate.Unit
	}
	return p
}

// block is a batch as the consumers make it of frames.
func block(f *consumers.Frame) *consumers.Batch {
	writers := consumers.NewWriters(nil)
	writers.Add(f.Writer, f.Number, f.TimeMS, false)
	b := consumers.NewBatch(Lane, f.Seq, 1)
	b.Add(f)
	b.Seal(writers)
	return b
}
