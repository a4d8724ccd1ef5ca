package sheet

import (
	"slices"
	"sync"
	"unsafe"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Sheet is the runs of one experiment. It is safe for concurrent use. Lock order: Set.mu before Sheet.mu.
type Sheet struct {
	// loading is held by the one goroutine that loads the sheet.
	loading chan struct{}
	// large is closed when the sheet is found to be one that searches do not wait for.
	large chan struct{}

	mu      sync.RWMutex
	rows    []row
	numbers map[track.RunNumber]int
	params  columns[uint32]
	tags    columns[uint32]
	metrics columns[track.Latest]
	texts   texts
	// datasets are those of the rows' inputs: runs of one experiment mostly share them.
	datasets map[datasetKey]*sgpb.Dataset
	// bytes is the size without the texts.
	bytes int64

	// The rest belongs to Set.mu.
	whole bool
	used  uint64
	size  int64
}

// row is a run without what columns hold.
type row struct {
	// run is its document without params and tags; nil if there is none, or none yet.
	run      *sgpb.Run
	revision uint64
	bytes    int64
	// params, tags and metrics are the numbers of the columns in which the run has a value.
	params, tags, metrics []uint32
}

type datasetKey struct{ name, digest string }

func newSheet() *Sheet {
	return &Sheet{
		loading: make(chan struct{}, 1), large: make(chan struct{}),
		numbers: make(map[track.RunNumber]int), datasets: make(map[datasetKey]*sgpb.Dataset),
		texts: texts{numbers: make(map[string]uint32)}, bytes: sheetBytes,
	}
}

func (s *Sheet) measure() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.bytes + s.texts.bytes
}

// rowOf finds or makes the row of a run.
func (s *Sheet) rowOf(number track.RunNumber) int {
	i, ok := s.numbers[number]
	if !ok {
		i = len(s.rows)
		s.rows = append(s.rows, row{})
		s.numbers[number] = i
		s.bytes += rowBytes
	}
	return i
}

// joinDocument takes a document if it is newer. A nil document is a deleted one.
func (s *Sheet) joinDocument(number track.RunNumber, run *sgpb.Run, revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.rowOf(number)
	r := &s.rows[i]
	if revision <= r.revision {
		return
	}
	s.bytes -= r.bytes
	r.run, r.revision, r.bytes = nil, revision, 0
	r.params = s.setTexts(&s.params, r.params, i, run.GetParams())
	r.tags = s.setTexts(&s.tags, r.tags, i, run.GetTags())
	if run != nil {
		var shared int
		r.run, shared = s.bare(run)
		// Decoded, a message is about twice as large.
		r.bytes = 2 * int64(proto.Size(r.run)-shared)
		s.bytes += r.bytes
	}
}

const (
	// ownBytes is a row's note of a column, with the room of the list that holds it.
	ownBytes = 8
	// textValueBytes is what a text of a row costs beside the text.
	textValueBytes = int64(unsafe.Sizeof(uint32(0))) + ownBytes
)

// setTexts makes a row's texts be what a map says; own are the columns in which it has texts, before and after.
func (s *Sheet) setTexts(in *columns[uint32], own []uint32, row int, values map[string]string) []uint32 {
	own = slices.DeleteFunc(own, func(number uint32) bool {
		c := in.list[number]
		n := c.at(row)
		if text, ok := values[c.key]; ok && text == s.texts.list[*n] {
			return false
		}
		s.texts.release(*n)
		c.remove(row)
		s.bytes -= textValueBytes
		return true
	})
	for key, text := range values {
		c, made := in.make(key)
		if made {
			s.bytes += columnBytes + int64(len(key))
		}
		if c.at(row) == nil {
			s.bytes += grow(c, row) + textValueBytes
			c.put(row, s.texts.use(text))
			own = append(own, c.number)
		}
	}
	return own
}

// grow is what a column's pieces grow by if a row is put.
func grow[T any](c *column[T], row int) int64 {
	return int64(max(0, row/pieceRows+1-len(c.pieces))) * int64(unsafe.Sizeof(piece[T]{}))
}

// shallow is a run's document without params and tags; all else is shared with it.
func shallow(run *sgpb.Run) *sgpb.Run {
	out := new(sgpb.Run)
	from, to := run.ProtoReflect(), out.ProtoReflect()
	from.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Name() != "params" && f.Name() != "tags" {
			to.Set(f, v)
		}
		return true
	})
	to.SetUnknown(from.GetUnknown())
	return out
}

// bare is a run's document as a row keeps it. shared is the size of those of its datasets that other rows have too.
func (s *Sheet) bare(run *sgpb.Run) (out *sgpb.Run, shared int) {
	out = shallow(run)
	if len(run.GetInputs()) == 0 {
		return out, 0
	}
	out.Inputs = make([]*sgpb.DatasetInput, len(run.GetInputs()))
	for i, in := range run.GetInputs() {
		out.Inputs[i] = in
		if d := in.GetDataset(); s.knows(d) {
			out.Inputs[i] = &sgpb.DatasetInput{Dataset: s.datasets[keyOf(d)], Tags: in.GetTags()}
			shared += proto.Size(d)
		}
	}
	return out, shared
}

// knows says whether a dataset is one that is held for all rows; the first of its name and digest will be.
func (s *Sheet) knows(d *sgpb.Dataset) bool {
	known := s.datasets[keyOf(d)]
	if known == nil {
		s.datasets[keyOf(d)] = d
		s.bytes += 2 * int64(proto.Size(d))
		return true
	}
	return proto.Equal(known, d)
}

func keyOf(d *sgpb.Dataset) datasetKey { return datasetKey{d.GetName(), d.GetDigest()} }

// joinValues joins latest values.
func (s *Sheet) joinValues(values []hot.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range values {
		v := &values[i]
		s.join(s.rowOf(v.Run), v.Key, v.Latest)
	}
}

func (s *Sheet) join(row int, key string, l track.Latest) {
	c, made := s.metrics.make(key)
	if made {
		s.bytes += columnBytes + int64(len(key))
	}
	if old := c.at(row); old == nil {
		s.bytes += grow(c, row) + int64(unsafe.Sizeof(l)) + ownBytes
		c.put(row, l)
		s.rows[row].metrics = append(s.rows[row].metrics, c.number)
	} else if l.Compare(*old) > 0 {
		*old = l
	}
}
