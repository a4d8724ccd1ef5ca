package table

import (
	"github.com/ClickHouse/ch-go/proto"
)

// Points are the columns of table points. The zero value is ready.
type Points struct {
	Run        proto.ColUInt64
	Key        Dictionary
	Rank       proto.ColUInt32
	Attempt    proto.ColUInt32
	Step       proto.ColInt64
	TS         proto.ColInt64
	Value      proto.ColFloat64
	Experiment proto.ColUInt32
	Model      Dictionary
	Dataset    Dictionary
	Lane       proto.ColUInt16
	Batch      proto.ColUInt64
	Seq        proto.ColUInt64
	Writer     proto.ColUInt64
	Frame      proto.ColUInt64
	Month      proto.ColUInt32
}

// Series is what all rows of one series in one batch have in common.
type Series struct {
	Run        uint64
	Key        string
	Rank       uint32
	Attempt    uint32
	Experiment uint32
}

// Origin is what all rows of one insert have in common: the lane, the first sequence of the batch, and the
// month of the batch on the bus, as yyyymm, which is the partition.
type Origin struct {
	Lane  uint16
	Batch uint64
	Month uint32
}

// Grow makes room for n more rows, so that a batch allocates each column once.
func (p *Points) Grow(n int) {
	p.Run = grow(p.Run, n)
	p.Key.rows = grow(p.Key.rows, n)
	p.Rank = grow(p.Rank, n)
	p.Attempt = grow(p.Attempt, n)
	p.Step = grow(p.Step, n)
	p.TS = grow(p.TS, n)
	p.Value = grow(p.Value, n)
	p.Experiment = grow(p.Experiment, n)
	p.Model.rows = grow(p.Model.rows, n)
	p.Dataset.rows = grow(p.Dataset.rows, n)
	p.Lane = grow(p.Lane, n)
	p.Batch = grow(p.Batch, n)
	p.Seq = grow(p.Seq, n)
	p.Writer = grow(p.Writer, n)
	p.Frame = grow(p.Frame, n)
	p.Month = grow(p.Month, n)
}

// AppendSeries fills the columns that are constant over n rows. The caller appends n values each to Step,
// TS, Value, Model, Dataset, Seq, Writer and Frame.
func (p *Points) AppendSeries(s Series, o Origin, n int) {
	p.Run = appendN(p.Run, s.Run, n)
	p.Key.AppendNumber(p.Key.Number(s.Key), n)
	p.Rank = appendN(p.Rank, s.Rank, n)
	p.Attempt = appendN(p.Attempt, s.Attempt, n)
	p.Experiment = appendN(p.Experiment, s.Experiment, n)
	p.Lane = appendN(p.Lane, o.Lane, n)
	p.Batch = appendN(p.Batch, o.Batch, n)
	p.Month = appendN(p.Month, o.Month, n)
}

// AppendFrame fills the columns that say where n rows come from.
func (p *Points) AppendFrame(seq, writer, frame uint64, n int) {
	p.Seq = appendN(p.Seq, seq, n)
	p.Writer = appendN(p.Writer, writer, n)
	p.Frame = appendN(p.Frame, frame, n)
}

// Rows in the columns, bookkeeping included.
func (p *Points) Rows() int { return len(p.Run) }

// Input names the columns for an insert.
func (p *Points) Input() proto.Input {
	return proto.Input{
		{Name: "run", Data: &p.Run},
		{Name: "key", Data: &p.Key},
		{Name: "rank", Data: &p.Rank},
		{Name: "attempt", Data: &p.Attempt},
		{Name: "step", Data: &p.Step},
		{Name: "ts", Data: &p.TS},
		{Name: "v", Data: &p.Value},
		{Name: "experiment", Data: &p.Experiment},
		{Name: "model", Data: &p.Model},
		{Name: "dataset", Data: &p.Dataset},
		{Name: "lane", Data: &p.Lane},
		{Name: "batch", Data: &p.Batch},
		{Name: "seq", Data: &p.Seq},
		{Name: "writer", Data: &p.Writer},
		{Name: "frame", Data: &p.Frame},
		{Name: "month", Data: &p.Month},
	}
}

// Reset empties the columns and keeps their memory.
func (p *Points) Reset() {
	for _, c := range p.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
