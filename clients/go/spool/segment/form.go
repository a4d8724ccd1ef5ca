package segment

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// narrowPointBytes of a point in fixed width: key, step, time, value.
	narrowPointBytes = 4 + 8 + 8 + 8
	// widePointBytes: the longest varint of an index into contentBytesMax of keys, two differences that are 0, a value.
	widePointBytes = 3 + 1 + 1 + 8
	// wideRecordBytes are the differences of a record's first point.
	wideRecordBytes = 20
)

// form is points of a frame in one of two forms, with a dictionary of its own: in fixed width, a key's points of
// consecutive records one after another; or short, steps and times as differences, which within a record are zeros.
type form struct {
	fixed bool

	index      map[string]uint32
	dictionary []byte
	// met has the key column of one record of a key set.
	met map[uint32][]byte

	key, step, time, value []byte
	lastStep, lastTime     int64
}

func (f *form) bytesOf(count int) int {
	if f.fixed {
		return count * narrowPointBytes
	}
	return count*widePointBytes + wideRecordBytes
}

// cost is what meeting a key set takes at most.
func (f *form) cost(id uint32, set *keySet) int {
	if f.met[id] != nil {
		return 0
	}
	return len(set.dictionary)
}

// meet makes the key set's column and gives the bytes that its new names take in the dictionary.
func (f *form) meet(id uint32, set *keySet) int {
	if f.met[id] != nil {
		return 0
	}
	if f.met == nil {
		f.met, f.index = make(map[uint32][]byte), make(map[string]uint32)
	}
	before := len(f.dictionary)
	var column []byte
	for _, name := range set.names {
		i, known := f.index[name]
		if !known {
			i = uint32(len(f.index))
			f.index[name] = i
			f.dictionary = appendChunk(f.dictionary, 1, name)
		}
		if f.fixed {
			column = binary.LittleEndian.AppendUint32(column, i)
		} else {
			column = protowire.AppendVarint(column, uint64(i))
		}
	}
	f.met[id] = column
	return len(f.dictionary) - before
}

// take adds n records of a key set that stand one behind the other.
func (f *form) take(records []byte, r record, n int) {
	if f.fixed {
		f.takeFixed(records, r, n)
		return
	}
	step, time := int64(binary.LittleEndian.Uint64(records[word:])), int64(binary.LittleEndian.Uint64(records[2*word:]))
	count := (r.size - pointsBytes) / word
	f.key = append(f.key, f.met[r.keySet]...)
	f.step = append(protowire.AppendVarint(f.step, protowire.EncodeZigZag(step-f.lastStep)), make([]byte, count-1)...)
	f.time = append(protowire.AppendVarint(f.time, protowire.EncodeZigZag(time-f.lastTime)), make([]byte, count-1)...)
	f.value = append(f.value, records[3*word:r.size-word]...)
	f.lastStep, f.lastTime = step, time
}

func (f *form) takeFixed(records []byte, r record, n int) {
	column := f.met[r.keySet]
	for i := range (r.size - pointsBytes) / word {
		for at := 0; at < n*r.size; at += r.size {
			f.key = append(f.key, column[4*i:4*i+4]...)
			f.step = append(f.step, records[at+word:at+2*word]...)
			f.time = append(f.time, records[at+2*word:at+3*word]...)
			value := at + (3+i)*word
			f.value = append(f.value, records[value:value+word]...)
		}
	}
}

// message is a Points, as a section's field.
func (f *form) message() []byte {
	key, step, time := protowire.Number(2), protowire.Number(3), protowire.Number(4)
	if f.fixed {
		key, step, time = 8, 9, 10
	}
	b := make([]byte, 0, len(f.dictionary)+len(f.key)+len(f.step)+len(f.time)+len(f.value)+64)
	b = append(b, f.dictionary...)
	b = appendChunk(b, key, f.key)
	b = appendChunk(b, step, f.step)
	b = appendChunk(b, time, f.time)
	b = appendChunk(b, 5, f.value)
	return appendChunk(make([]byte, 0, len(b)+16), sectionPoints, b)
}
