package table

import "github.com/ClickHouse/ch-go/proto"

// Refusal is a row of quarantine: something of a message that could not be read or was refused.
type Refusal struct {
	Lane uint16
	Seq  uint64
	// Part is 0 for the whole message, else 1 + the index of the section.
	Part    uint32
	TimeMS  int64
	Subject string
	Reason  string
	Bytes   []byte
}

// Quarantine are the columns of table quarantine. The zero value is ready.
type Quarantine struct {
	lane    proto.ColUInt16
	seq     proto.ColUInt64
	part    proto.ColUInt32
	timeMS  proto.ColInt64
	subject proto.ColStr
	reason  proto.ColStr
	bytes   proto.ColBytes
}

// Append adds a row.
func (q *Quarantine) Append(r Refusal) {
	q.lane.Append(r.Lane)
	q.seq.Append(r.Seq)
	q.part.Append(r.Part)
	q.timeMS.Append(r.TimeMS)
	q.subject.Append(r.Subject)
	q.reason.Append(r.Reason)
	q.bytes.Append(r.Bytes)
}

// Rows in the columns.
func (q *Quarantine) Rows() int { return len(q.seq) }

// Keys are the rows' (sequence, part).
func (q *Quarantine) Keys() [][2]uint64 {
	out := make([][2]uint64, len(q.seq))
	for i := range out {
		out[i] = [2]uint64{q.seq[i], uint64(q.part[i])}
	}
	return out
}

// Input names the columns for an insert.
func (q *Quarantine) Input() proto.Input {
	return proto.Input{
		{Name: "lane", Data: &q.lane},
		{Name: "seq", Data: &q.seq},
		{Name: "part", Data: &q.part},
		{Name: "time_ms", Data: &q.timeMS},
		{Name: "subject", Data: &q.subject},
		{Name: "reason", Data: &q.reason},
		{Name: "bytes", Data: &q.bytes},
	}
}

// Reset empties the columns and keeps their memory.
func (q *Quarantine) Reset() {
	for _, c := range q.Input() {
		c.Data.(interface{ Reset() }).Reset()
	}
}
