// Package segment reads the files in which the Python library keeps what a training logs, and makes frames of them.
//
// All but File is pure: frames depend on nothing but bytes, and are those that Python's shipper makes of them.
package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// HeaderBytes of a segment, behind which its records begin.
const HeaderBytes = 128

// The layout of a segment, docs/spool.md.
const (
	magic   = "SGSPOOL\x00"
	version = 1
	// fixedBytes are those of the header that its checksum covers.
	fixedBytes = 80
	word       = 8
	endBytes   = 2 * word
	// pointsBytes of a points record are beside its values: header, step, time, trailer.
	pointsBytes = 4 * word
	recordTag   = 0xFFF5
)

type kind uint8

const (
	kindKeys    kind = 1
	kindPoints  kind = 2
	kindSection kind = 3
	kindEnd     kind = 4
)

// ErrUnreadable: a file of a spool is not what it should be.
var ErrUnreadable = errors.New("unreadable spool")

// Unreadable is an ErrUnreadable that says why.
func Unreadable(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnreadable, fmt.Errorf(format, args...))
}

// Head is what all frames of a writer have in common.
type Head struct {
	Writer        uint64
	Run           string
	Rank, Attempt uint32
}

// parseHeader reads the begin of a segment: whose it is, and its number.
func parseHeader(b []byte) (h Head, number uint64, err error) {
	if len(b) < HeaderBytes {
		return h, 0, Unreadable("shorter than a segment's header")
	}
	if string(b[:8]) != magic || crc32.ChecksumIEEE(b[:fixedBytes]) != binary.LittleEndian.Uint32(b[fixedBytes:]) {
		return h, 0, Unreadable("no segment of a spool, or its header is damaged")
	}
	if v, size := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:]); v != version || size != HeaderBytes {
		return h, 0, Unreadable("a segment of version %d; this program knows %d", v, version)
	}
	h = Head{
		Writer: binary.LittleEndian.Uint64(b[16:]), Run: string(b[24:56]),
		Rank: binary.LittleEndian.Uint32(b[56:]), Attempt: binary.LittleEndian.Uint32(b[60:]),
	}
	return h, binary.LittleEndian.Uint64(b[64:]), nil
}

// record is a header word taken apart; size has both words in it, in bytes.
type record struct {
	kind   kind
	keySet uint32
	size   int
}

// parseRecord gives the record at a place; false if no whole one stands there before limit.
func parseRecord(b []byte, at, limit int) (record, bool) {
	if at+endBytes > limit {
		return record{}, false
	}
	first := binary.LittleEndian.Uint64(b[at:])
	size := int(first&0xFFFFFF) * word
	if first>>48 != recordTag || size < endBytes || at+size > limit {
		return record{}, false
	}
	if binary.LittleEndian.Uint64(b[at+size-word:]) != ^first {
		return record{}, false
	}
	return record{kind: kind(first >> 44 & 0xF), keySet: uint32(first >> 24 & 0xFFFFF), size: size}, true
}

// parseKeys gives the names that a keys record defines. They are copies.
func parseKeys(content []byte) ([]string, error) {
	if len(content) < 4 {
		return nil, Unreadable("a keys record of %d bytes", len(content))
	}
	count := int(binary.LittleEndian.Uint32(content))
	content = content[4:]
	if count > len(content)/2 {
		return nil, Unreadable("%d keys in a record of %d bytes", count, len(content))
	}
	keys := make([]string, 0, count)
	for range count {
		if len(content) < 2 {
			return nil, Unreadable("a keys record ends within a key")
		}
		n := int(binary.LittleEndian.Uint16(content))
		if content = content[2:]; n > len(content) {
			return nil, Unreadable("a keys record ends within a key")
		}
		keys = append(keys, string(content[:n]))
		content = content[n:]
	}
	return keys, nil
}

// parseSection gives a section's fields, and how many run events are among them. The fields are not copied.
func parseSection(content []byte) (fields []byte, events int, err error) {
	if len(content) < word {
		return nil, 0, Unreadable("a section record of %d bytes", len(content))
	}
	n := int(binary.LittleEndian.Uint32(content))
	if n > len(content)-word {
		return nil, 0, Unreadable("a section of %d bytes in a record of %d", n, len(content))
	}
	return content[word : word+n], int(binary.LittleEndian.Uint16(content[4:])), nil
}
