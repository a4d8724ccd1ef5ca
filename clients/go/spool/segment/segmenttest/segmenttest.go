// Package segmenttest makes segments for tests, from the layout's description and not from the reader's code.
package segmenttest

import (
	"encoding/binary"
	"hash/crc32"
)

// The layout of a segment, docs/spool.md.
const (
	magic       = "SGSPOOL\x00"
	version     = 1
	headerBytes = 128
	fixedBytes  = 80
	word        = 8
	recordTag   = 0xFFF5
)

// Whole is a segment of some records.
func Whole(number uint64, records ...[]byte) []byte {
	b := append([]byte(magic), make([]byte, headerBytes-8)...)
	binary.LittleEndian.PutUint32(b[8:], version)
	binary.LittleEndian.PutUint32(b[12:], headerBytes)
	binary.LittleEndian.PutUint64(b[16:], 77)
	copy(b[24:], "0123456789abcdef0123456789abcdef")
	binary.LittleEndian.PutUint64(b[64:], number)
	binary.LittleEndian.PutUint32(b[fixedBytes:], crc32.ChecksumIEEE(b[:fixedBytes]))
	for _, r := range records {
		b = append(b, r...)
	}
	return append(b, make([]byte, 64)...)
}

// Record is one of a kind: 1 keys, 2 points, 3 section, 4 end.
func Record(k uint8, set uint32, content []byte) []byte {
	content = append(content, make([]byte, (word-len(content)%word)%word)...)
	first := uint64(recordTag)<<48 | uint64(k)<<44 | uint64(set)<<24 | uint64(len(content)+2*word)/word
	b := binary.LittleEndian.AppendUint64(nil, first)
	return binary.LittleEndian.AppendUint64(append(b, content...), ^first)
}

// Keys defines a key set.
func Keys(set uint32, keys ...string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(keys)))
	for _, k := range keys {
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(k))), k...)
	}
	return Record(1, set, b)
}

// Points is a record of values.
func Points(set uint32, step uint64, values ...uint64) []byte {
	b := binary.LittleEndian.AppendUint64(nil, step)
	b = binary.LittleEndian.AppendUint64(b, 1000)
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return Record(2, set, b)
}
