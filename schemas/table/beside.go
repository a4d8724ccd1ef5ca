package table

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// Kinds of small values.
const (
	KindText      = "text"
	KindHistogram = "histogram"
	KindJSON      = "json"
	KindArtifact  = "artifact"
)

// Placed says whose a row is, and which place of which frame it came from; a row of the same place is the same row.
type Placed struct {
	Run           track.RunNumber
	Experiment    uint32
	Rank, Attempt uint32
	Lane          uint16
	Seq           uint64
	Writer, Frame uint64
	// Index counts the frame's values, or its lines, from 0.
	Index uint32
}

// placed are the columns of Placed.
type placed struct {
	run                proto.ColUInt64
	experiment         proto.ColUInt32
	rank, attempt      proto.ColUInt32
	lane               proto.ColUInt16
	seq, writer, frame proto.ColUInt64
	index              proto.ColUInt32
}

func (p *placed) append(x Placed) {
	p.run.Append(x.Run)
	p.experiment.Append(x.Experiment)
	p.rank.Append(x.Rank)
	p.attempt.Append(x.Attempt)
	p.lane.Append(x.Lane)
	p.seq.Append(x.Seq)
	p.writer.Append(x.Writer)
	p.frame.Append(x.Frame)
	p.index.Append(x.Index)
}

func (p *placed) input() proto.Input {
	return proto.Input{
		{Name: "run", Data: &p.run}, {Name: "experiment", Data: &p.experiment},
		{Name: "rank", Data: &p.rank}, {Name: "attempt", Data: &p.attempt}, {Name: "lane", Data: &p.lane},
		{Name: "seq", Data: &p.seq}, {Name: "writer", Data: &p.writer}, {Name: "frame", Data: &p.frame}, {Name: "idx", Data: &p.index},
	}
}

// places are the rows' (writer, frame, index).
func (p *placed) places() [][3]uint64 {
	out := make([][3]uint64, len(p.run))
	for i := range out {
		out[i] = [3]uint64{p.writer[i], p.frame[i], uint64(p.index[i])}
	}
	return out
}

// SmallValue is a row of table small_values.
type SmallValue struct {
	Placed
	Key      string
	Step, TS int64
	// Kind says which of the following count.
	Kind string
	// Body is the text, the JSON, or the artifact's path.
	Body          string
	Edges, Counts []float64
	SHA256        string
	SizeBytes     int64
	MediaType     string
}

// SmallValues are the columns of table small_values. The zero value is not ready.
type SmallValues struct {
	placed
	key           Dictionary
	step, ts      proto.ColInt64
	kind          Dictionary
	body          proto.ColStr
	edges, counts *proto.ColArr[float64]
	sha256        proto.ColStr
	size          proto.ColInt64
	mediaType     Dictionary
}

// NewSmallValues makes empty columns.
func NewSmallValues() *SmallValues {
	return &SmallValues{edges: new(proto.ColFloat64).Array(), counts: new(proto.ColFloat64).Array()}
}

// Append adds a row.
func (c *SmallValues) Append(v *SmallValue) {
	c.append(v.Placed)
	c.key.Append(v.Key)
	c.step.Append(v.Step)
	c.ts.Append(v.TS)
	c.kind.Append(v.Kind)
	c.body.Append(v.Body)
	c.edges.Append(v.Edges)
	c.counts.Append(v.Counts)
	c.sha256.Append(v.SHA256)
	c.size.Append(v.SizeBytes)
	c.mediaType.Append(v.MediaType)
}

// Rows in the columns.
func (c *SmallValues) Rows() int { return len(c.run) }

// Places are the rows' (writer, frame, index).
func (c *SmallValues) Places() [][3]uint64 { return c.places() }

// Input names the columns for an insert.
func (c *SmallValues) Input() proto.Input {
	return append(c.input(), proto.Input{
		{Name: "key", Data: &c.key}, {Name: "step", Data: &c.step}, {Name: "ts", Data: &c.ts}, {Name: "kind", Data: &c.kind},
		{Name: "body", Data: &c.body}, {Name: "edges", Data: c.edges}, {Name: "counts", Data: c.counts},
		{Name: "sha256", Data: &c.sha256}, {Name: "size_bytes", Data: &c.size}, {Name: "media_type", Data: &c.mediaType},
	}...)
}

// Reset empties the columns and keeps their memory.
func (c *SmallValues) Reset() { resetAll(c.Input()) }

// ConsoleLine is a row of table console.
type ConsoleLine struct {
	Placed
	TS     int64
	Stream uint8
	Number uint64
	Text   string
}

// Console are the columns of table console. The zero value is ready.
type Console struct {
	placed
	ts     proto.ColInt64
	stream proto.ColUInt8
	number proto.ColUInt64
	text   proto.ColStr
}

// Append adds a row.
func (c *Console) Append(l *ConsoleLine) {
	c.append(l.Placed)
	c.ts.Append(l.TS)
	c.stream.Append(l.Stream)
	c.number.Append(l.Number)
	c.text.Append(l.Text)
}

// Rows in the columns.
func (c *Console) Rows() int { return len(c.run) }

// Places are the rows' (writer, frame, index).
func (c *Console) Places() [][3]uint64 { return c.places() }

// Input names the columns for an insert.
func (c *Console) Input() proto.Input {
	return append(c.input(), proto.Input{
		{Name: "ts", Data: &c.ts}, {Name: "stream", Data: &c.stream}, {Name: "number", Data: &c.number}, {Name: "text", Data: &c.text},
	}...)
}

// Reset empties the columns and keeps their memory.
func (c *Console) Reset() { resetAll(c.Input()) }

func resetAll(in proto.Input) {
	for _, c := range in {
		c.Data.(interface{ Reset() }).Reset()
	}
}
