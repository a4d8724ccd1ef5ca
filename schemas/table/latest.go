package table

import (
	"math"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// Latest are the columns of table latest. The zero value is ready.
type Latest struct {
	Experiment proto.ColUInt32
	Key        Dictionary
	Run        proto.ColUInt64

	minusRank  proto.ColInt64
	step       proto.ColInt64
	ts         proto.ColInt64
	comparable proto.ColFloat64
	value      proto.ColFloat64
}

// Append adds a row: the greatest value of a metric of a run that its batch has.
func (l *Latest) Append(experiment uint32, key string, run uint64, v track.Latest) {
	l.Experiment.Append(experiment)
	l.Key.Append(key)
	l.Run.Append(run)
	l.minusRank.Append(-int64(v.Rank))
	l.step.Append(v.Step)
	l.ts.Append(v.TimeMS)
	if math.IsNaN(v.Value) {
		l.comparable.Append(0)
	} else {
		l.comparable.Append(v.Value)
	}
	l.value.Append(v.Value)
}

// Row gives back what Append took, for tests and for readers of a batch.
func (l *Latest) Row(i int) (experiment uint32, key string, run uint64, v track.Latest) {
	return l.Experiment[i], l.Key.Text(i), l.Run[i],
		track.Latest{Rank: uint32(-l.minusRank[i]), Step: l.step[i], TimeMS: l.ts[i], Value: l.value[i]}
}

// Rows in the columns.
func (l *Latest) Rows() int { return len(l.Run) }

// Input names the columns for an insert.
func (l *Latest) Input() proto.Input {
	return proto.Input{
		{Name: "experiment", Data: &l.Experiment},
		{Name: "key", Data: &l.Key},
		{Name: "run", Data: &l.Run},
		{Name: "value", Data: proto.ColTuple{&l.minusRank, &l.step, &l.ts, &l.comparable, &l.value}},
	}
}

// Reset empties the columns and keeps their memory.
func (l *Latest) Reset() {
	for _, c := range l.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
