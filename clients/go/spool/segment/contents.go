package segment

import (
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// contentBytesMax is what a frame holds beside its head, so that it stays below bus.FrameBytesMax.
	contentBytesMax = 960 << 10
	// eventsMax of a frame; the server takes more.
	eventsMax = 500
	// narrowKeysMax: up to here a key set's points are sent in fixed width, above with steps and times as differences.
	narrowKeysMax = 3
	// Fields of a Section in frame.proto.
	sectionPoints protowire.Number = 4
)

// Contents are what a frame says: its sections' fields, how many bytes of records they come from, whether the segment
// ends there too, and the number of points.
type Contents struct {
	Sections [][]byte
	Bytes    int
	Ended    bool
	Points   int
}

// Segment is what must be known of a segment to read on in it: whose it is, and the key sets that were defined so
// far. It is not safe for concurrent use.
type Segment struct {
	Head   Head
	Number uint64
	sets   map[uint32]*keySet
}

type keySet struct {
	names []string
	// dictionary is the names as fields of Points.
	dictionary []byte
}

// New begins one with its header.
func New(header []byte) (*Segment, error) {
	head, number, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	return &Segment{Head: head, Number: number, sets: make(map[uint32]*keySet)}, nil
}

// Learn reads the key sets that records define, and gives how many bytes the whole records among them have.
func (s *Segment) Learn(records []byte) (bytes int, err error) {
	for {
		r, ok := parseRecord(records, bytes, len(records))
		if !ok {
			return bytes, nil
		}
		if err := s.meet(r, records[bytes:bytes+r.size]); err != nil {
			return bytes, err
		}
		bytes += r.size
	}
}

// meet remembers the key set that a record defines, if it does.
func (s *Segment) meet(r record, whole []byte) error {
	if r.kind != kindKeys {
		return nil
	}
	names, err := parseKeys(content(whole))
	if err != nil {
		return err
	}
	set := &keySet{names: names}
	for _, name := range names {
		set.dictionary = appendChunk(set.dictionary, 1, name)
	}
	s.sets[r.keySet] = set
	return nil
}

// content is a record without its two words.
func content(whole []byte) []byte { return whole[word : len(whole)-word] }

// Encode takes records, as many as fit into a frame. They begin where those that it or Learn has taken end.
func (s *Segment) Encode(records []byte) (Contents, error) {
	e := encoder{segment: s, records: records, room: contentBytesMax, narrow: form{fixed: true}}
	for !e.full {
		r, ok := parseRecord(records, e.at, len(records))
		if !ok {
			break
		}
		if r.kind == kindEnd {
			e.ended = true
			break
		}
		if err := e.take(r); err != nil {
			return Contents{}, err
		}
	}
	return Contents{Sections: e.sections(), Bytes: e.at, Ended: e.ended, Points: e.points}, nil
}

// encoder makes one frame's contents.
type encoder struct {
	segment *Segment
	records []byte
	at      int
	// room is left in the frame; full: the next record does not fit.
	room        int
	full, ended bool

	points, events int
	// said are fields that share a section; alone has points with a context, whose columns protobuf would join.
	said         []byte
	parts        int
	alone        [][]byte
	narrow, wide form
}

func (e *encoder) take(r record) error {
	switch r.kind {
	case kindPoints:
		return e.takePoints(r)
	case kindKeys:
		if err := e.segment.meet(r, e.records[e.at:e.at+r.size]); err != nil {
			return err
		}
	case kindSection:
		if err := e.takeSection(r); err != nil || e.full {
			return err
		}
	default:
		return Unreadable("a record of kind %d at %d; a newer version has written it", r.kind, e.at)
	}
	e.at += r.size
	return nil
}

func (e *encoder) takeSection(r record) error {
	fields, events, err := parseSection(content(e.records[e.at : e.at+r.size]))
	if err != nil {
		return err
	}
	if e.parts > 0 && (len(fields) > e.room || e.events+events > eventsMax) {
		e.full = true
		return nil
	}
	if len(fields) > 0 && fields[0] == byte(protowire.EncodeTag(sectionPoints, protowire.BytesType)) {
		e.alone = append(e.alone, fields)
	} else {
		e.said = append(e.said, fields...)
	}
	e.parts++
	e.room -= len(fields)
	e.events += events
	return nil
}

// takePoints takes a record of points, and those like it that follow.
func (e *encoder) takePoints(r record) error {
	set := e.segment.sets[r.keySet]
	if set == nil {
		return Unreadable("points of key set %d at %d, which is not defined before", r.keySet, e.at)
	}
	count := len(set.names)
	if r.size != pointsBytes+count*word || count == 0 {
		return Unreadable("a record of %d bytes at %d for %d points", r.size, e.at, count)
	}
	f := &e.wide
	if count <= narrowKeysMax {
		f = &e.narrow
	}
	if e.room < f.cost(r.keySet, set)+f.bytesOf(count) {
		e.full = true
		return nil
	}
	e.room -= f.meet(r.keySet, set)
	most := 1
	if f.fixed {
		most = min((len(e.records)-e.at)/r.size, e.room/f.bytesOf(count))
	}
	n := e.alike(r, most)
	f.take(e.records[e.at:e.at+n*r.size], r, n)
	e.at += n * r.size
	e.room -= n * f.bytesOf(count)
	e.points += n * count
	return nil
}

// alike is how many records like this one follow each other, this one included.
func (e *encoder) alike(r record, most int) int {
	n := 1
	for n < most {
		next, ok := parseRecord(e.records, e.at+n*r.size, len(e.records))
		if !ok || next != r {
			break
		}
		n++
	}
	return n
}

// sections are the fields of the frame's sections.
func (e *encoder) sections() [][]byte {
	var out [][]byte
	if e.parts > len(e.alone) {
		out = append(out, e.said)
	}
	out = append(out, e.alone...)
	for _, f := range []*form{&e.wide, &e.narrow} {
		if len(f.value) > 0 {
			out = append(out, f.message())
		}
	}
	return out
}

func appendChunk[T string | []byte](b []byte, field protowire.Number, content T) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(content)))
	return append(b, content...)
}
