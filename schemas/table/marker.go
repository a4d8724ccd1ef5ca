package table

// Rows of run 0 and key ” in points are bookkeeping, written in the same block as the points they speak
// of. Primary key (run, key, rank, attempt, step) makes them the first granules of a part, so that
//
//	WHERE run = 0 AND key = '' AND rank = 0 AND attempt = <lane> AND step > <known sequence>
//
// reads next to nothing. Columns of the two kinds:
//
//	column   marker of a batch (rank 0)      writer's range (rank 1)
//	attempt  lane                            lane
//	step     last sequence of the batch      first frame number of the range
//	ts       bus time of the last frame, ms  the same
//	v        number of point rows            1 once the writer has closed, else 0
//	batch    first sequence of the batch     the same
//	seq      last sequence of the batch      the same
//	writer   epoch of the lane's owner       writer
//	frame    0                               last frame number of the range
//
// The writer's ranges of a batch are all ranges of frame numbers seen so far of each writer that the batch
// has frames of, up to the batch and not beyond; the union over all rows is what was seen of a writer.
const (
	MarkerRank = 0
	WriterRank = 1
)

// Marker says that one batch of a lane is in the table. The zero Marker stands before the first batch.
type Marker struct {
	First  uint64
	Last   uint64
	TimeMS int64
	Rows   int
	Epoch  uint64
}

// WriterRange is a range of frame numbers that were seen of a writer.
type WriterRange struct {
	Writer uint64
	First  uint64
	Last   uint64
	TimeMS int64
	Closed bool
}

// AppendMarker adds the marker's row. It comes before every other row of the batch.
func (p *Points) AppendMarker(o Origin, m Marker) {
	p.AppendSeries(Series{Rank: MarkerRank, Attempt: uint32(o.Lane)}, o, 1)
	p.AppendFrame(m.Last, m.Epoch, 0, 1)
	p.appendBookkeeping(int64(m.Last), m.TimeMS, float64(m.Rows))
}

// AppendWriterRange adds the row of one range. Rows come ordered by their first number, after the marker
// m of the same batch.
func (p *Points) AppendWriterRange(o Origin, m Marker, r WriterRange) {
	closed := 0.0
	if r.Closed {
		closed = 1
	}
	p.AppendSeries(Series{Rank: WriterRank, Attempt: uint32(o.Lane)}, o, 1)
	p.AppendFrame(m.Last, r.Writer, r.Last, 1)
	p.appendBookkeeping(int64(r.First), m.TimeMS, closed)
}

func (p *Points) appendBookkeeping(step, timeMS int64, v float64) {
	p.Step.Append(step)
	p.TS.Append(timeMS)
	p.Value.Append(v)
	p.Model.Append("")
	p.Dataset.Append("")
}
