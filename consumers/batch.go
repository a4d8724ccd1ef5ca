package consumers

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Batch is what one insert brings into the tables: the rows of many frames, merged into the order of the
// table, with the marker. It is pure: add frames in sequence order, seal, read the columns.
type Batch struct {
	Lane       uint16
	Marker     table.Marker
	Points     table.Points
	Latest     table.Latest
	Quarantine table.Quarantine
	// Values and Console are nil while there are none: most batches have none.
	Values  *table.SmallValues
	Console *table.Console
	Frames  int
	Repeats int
	// LogBytes is what the frames take on the log.
	LogBytes int

	month   uint32
	series  map[seriesKey]*series
	writers []uint64
	touched map[uint64]struct{}
	counts  []uint32
	rows    []row
}

type seriesKey struct {
	run           track.RunNumber
	key           string
	rank, attempt uint32
}

// series gathers the points of one series as slices of sections, in sequence order.
type series struct {
	seriesKey
	experiment uint32
	chunks     []chunk
	n          int
}

// chunk is some points of a section, by index.
type chunk struct {
	section *feed.Section
	points  []uint32
}

// row is a point of an unsorted series: its step and where it is.
type row struct {
	step         int64
	chunk, point uint32
}

// NewBatch starts the batch whose first sequence is first.
func NewBatch(lane uint16, first, epoch uint64) *Batch {
	return &Batch{
		Lane: lane, Marker: table.Marker{First: first, Epoch: epoch},
		series: make(map[seriesKey]*series), touched: make(map[uint64]struct{}),
	}
}

// MonthOf is the partition of a batch whose first frame came at that time: yyyymm.
func MonthOf(timeMS int64) uint32 {
	t := time.UnixMilli(timeMS).UTC()
	return uint32(t.Year())*100 + uint32(t.Month())
}

// Add takes the next frame. The caller cuts batches at the end of a month.
func (b *Batch) Add(f *Frame) {
	if b.month == 0 {
		b.month = MonthOf(f.TimeMS)
	}
	b.Frames++
	b.LogBytes += f.LogBytes
	b.Marker.Last, b.Marker.TimeMS = f.Seq, f.TimeMS
	b.Marker.Rows += f.Rows
	for _, r := range f.Refusals {
		b.Quarantine.Append(r)
	}
	b.addBeside(f)
	if f.Repeat {
		b.Repeats++
	}
	if _, known := b.touched[f.Writer]; f.Writer != 0 && !known {
		b.touched[f.Writer] = struct{}{}
		b.writers = append(b.writers, f.Writer)
	}
	for _, s := range f.Sections {
		b.addSection(s)
	}
}

func (b *Batch) addBeside(f *Frame) {
	if len(f.Values) > 0 && b.Values == nil {
		b.Values = table.NewSmallValues()
	}
	for i := range f.Values {
		b.Values.Append(&f.Values[i])
	}
	if len(f.Lines) > 0 && b.Console == nil {
		b.Console = new(table.Console)
	}
	for i := range f.Lines {
		b.Console.Append(&f.Lines[i])
	}
}

// addSection deals a section's points out to their series: counting sort by key, which keeps their order.
func (b *Batch) addSection(s *feed.Section) {
	counts := slices.Grow(b.counts[:0], len(s.Points.Keys)+1)[:len(s.Points.Keys)+1]
	clear(counts)
	b.counts = counts
	for _, k := range s.Points.Key {
		counts[k+1]++
	}
	for k := range s.Points.Keys {
		counts[k+1] += counts[k]
	}
	order := make([]uint32, s.Points.Len())
	for i, k := range s.Points.Key {
		order[counts[k]] = uint32(i)
		counts[k]++
	}
	from := uint32(0)
	for k, key := range s.Points.Keys {
		if to := counts[k]; to > from {
			b.addChunk(s, key, order[from:to:to])
			from = to
		}
	}
}

func (b *Batch) addChunk(s *feed.Section, key string, points []uint32) {
	id := seriesKey{run: s.Run, key: key, rank: s.Rank, attempt: s.Attempt}
	e := b.series[id]
	if e == nil {
		e = &series{seriesKey: id, experiment: s.Experiment}
		b.series[id] = e
	}
	e.chunks = append(e.chunks, chunk{section: s, points: points})
	e.n += len(points)
}

// Seal fills the columns. writers has seen exactly the frames up to the end of the batch.
func (b *Batch) Seal(writers *Writers) {
	o := table.Origin{Lane: b.Lane, Batch: b.Marker.First, Month: b.month}
	var seen []table.WriterRange
	for _, w := range b.writers {
		seen = append(seen, writers.Ranges(w)...)
	}
	slices.SortFunc(seen, func(x, y table.WriterRange) int {
		return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Writer, y.Writer))
	})
	b.Points.Grow(1 + len(seen) + b.Marker.Rows)
	b.Points.AppendMarker(o, b.Marker)
	for _, r := range seen {
		b.Points.AppendWriterRange(o, b.Marker, r)
	}
	var shown *series
	var latest track.Latest
	for _, s := range b.sorted() {
		b.appendSeries(o, s)
		l := b.latestOf(s)
		switch {
		case shown != nil && shown.run == s.run && shown.key == s.key:
			if l.Compare(latest) > 0 {
				latest = l
			}
			continue
		case shown != nil:
			b.Latest.Append(shown.experiment, shown.key, shown.run, latest)
		}
		shown, latest = s, l
	}
	if shown != nil {
		b.Latest.Append(shown.experiment, shown.key, shown.run, latest)
	}
	b.series, b.touched, b.rows = nil, nil, nil
}

func (b *Batch) sorted() []*series {
	all := make([]*series, 0, len(b.series))
	for _, s := range b.series {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y *series) int {
		if x.run != y.run {
			return cmp.Compare(x.run, y.run)
		}
		if c := strings.Compare(x.key, y.key); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.attempt, y.attempt))
	})
	return all
}

// appendSeries appends the rows of one series in the order of steps, equal steps in sequence order.
func (b *Batch) appendSeries(o table.Origin, s *series) {
	b.Points.AppendSeries(table.Series{Run: s.run, Key: s.key, Rank: s.rank, Attempt: s.attempt, Experiment: s.experiment}, o, s.n)
	if !s.ordered() {
		b.appendSorted(s)
		return
	}
	for _, c := range s.chunks {
		p := &c.section.Points
		for _, i := range c.points {
			b.Points.Step = append(b.Points.Step, p.Step[i])
		}
		for _, i := range c.points {
			b.Points.TS = append(b.Points.TS, p.TimeMS[i])
		}
		for _, i := range c.points {
			b.Points.Value = append(b.Points.Value, p.Value[i])
		}
		b.Points.AppendFrame(c.section.Seq, c.section.Writer, c.section.Frame, len(c.points))
		b.appendContexts(p, c.points)
	}
}

func (s *series) ordered() bool {
	last, first := int64(0), true
	for _, c := range s.chunks {
		for _, i := range c.points {
			step := c.section.Points.Step[i]
			if !first && step < last {
				return false
			}
			last, first = step, false
		}
	}
	return true
}

func (b *Batch) appendSorted(s *series) {
	rows := b.rows[:0]
	for c, k := range s.chunks {
		for _, i := range k.points {
			rows = append(rows, row{step: k.section.Points.Step[i], chunk: uint32(c), point: i})
		}
	}
	slices.SortStableFunc(rows, func(x, y row) int { return cmp.Compare(x.step, y.step) })
	for _, r := range rows {
		k := s.chunks[r.chunk]
		p := &k.section.Points
		b.Points.Step.Append(r.step)
		b.Points.TS.Append(p.TimeMS[r.point])
		b.Points.Value.Append(p.Value[r.point])
		b.Points.AppendFrame(k.section.Seq, k.section.Writer, k.section.Frame, 1)
		b.appendContexts(p, []uint32{r.point})
	}
	b.rows = rows
}

func (b *Batch) appendContexts(p *track.Points, points []uint32) {
	if len(p.Context) == 0 {
		b.Points.Model.AppendNumber(b.Points.Model.Number(""), len(points))
		b.Points.Dataset.AppendNumber(b.Points.Dataset.Number(""), len(points))
		return
	}
	for _, i := range points {
		c := p.ContextOf(int(i))
		b.Points.Model.Append(c.ModelID)
		b.Points.Dataset.Append(c.Dataset())
	}
}

// latestOf reads the greatest value off the rows that appendSeries has just appended: they end with the
// greatest step.
func (b *Batch) latestOf(s *series) track.Latest {
	var best track.Latest
	last := len(b.Points.Step) - 1
	for i := last; i > last-s.n && b.Points.Step[i] == b.Points.Step[last]; i-- {
		l := track.Latest{Rank: s.rank, Step: b.Points.Step[i], TimeMS: b.Points.TS[i], Value: b.Points.Value[i]}
		if i == last || l.Compare(best) > 0 {
			best = l
		}
	}
	return best
}
