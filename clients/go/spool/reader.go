package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

const (
	// windowBytes is how much of a segment is looked at for a frame. A record has at most 2 MiB, a frame's records
	// mostly less; where that is not enough, all is read.
	windowBytes   = 3 << 20
	committedFile = "committed"
)

// reader reads one segment's file on from a place.
type reader struct {
	segment *Segment
	file    *os.File
	size    int64
	// learnt is up to where the key sets are known.
	learnt int64
}

func openReader(path string) (*reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &reader{file: f, learnt: headerBytes}
	header := make([]byte, headerBytes)
	n, err := f.ReadAt(header, 0)
	if err == nil || errors.Is(err, io.EOF) {
		r.segment, err = NewSegment(header[:n])
	}
	var info os.FileInfo
	if err == nil {
		info, err = f.Stat()
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.size = info.Size() / word * word
	return r, nil
}

func (r *reader) close() { r.file.Close() }

// contents takes records from a place up to limit, as many as fit into a frame.
func (r *reader) contents(at, limit int64) (Contents, error) {
	limit = min(limit, r.size)
	if err := r.learn(at); err != nil {
		return Contents{}, fmt.Errorf("%s: %w", r.file.Name(), err)
	}
	for window := int64(windowBytes); ; window = limit - at {
		end := min(limit, at+window)
		records, err := r.read(at, max(at, end))
		if err != nil {
			return Contents{}, err
		}
		c, err := r.segment.Encode(records)
		if err != nil {
			return c, fmt.Errorf("%s, behind %d: %w", r.file.Name(), at, err)
		}
		// A window may end within a record, or behind nothing but key sets.
		if len(c.Sections) > 0 || c.Ended || end == limit || at >= limit {
			r.learnt = max(r.learnt, at+int64(c.Bytes))
			return c, nil
		}
	}
}

// learn reads the key sets that are defined before a place.
func (r *reader) learn(at int64) error {
	for r.learnt < at {
		records, err := r.read(r.learnt, min(at, r.learnt+windowBytes))
		if err != nil {
			return err
		}
		n, err := r.segment.Learn(records)
		if err != nil {
			return err
		}
		if n == 0 {
			return unreadable("no whole record at %d, though frames were cut up to %d", r.learnt, at)
		}
		r.learnt += int64(n)
	}
	return nil
}

func (r *reader) read(from, to int64) ([]byte, error) {
	b := make([]byte, to-from)
	n, err := r.file.ReadAt(b, from)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n/word*word], err
}

// Committed is how far a living writer's records may be read: it is the writer who knows which of them are whole.
type Committed struct {
	Segment  uint64
	Position int64
}

// limit is how far a segment may be read.
func (c Committed) limit(segment uint64, size int64) int64 {
	switch {
	case segment < c.Segment:
		return size
	case segment == c.Segment:
		return min(c.Position, size)
	}
	return 0
}

// parseCommitted gives nothing for what is damaged, or not there yet.
func parseCommitted(b []byte) (Committed, bool) {
	if len(b) < 20 || crc32.ChecksumIEEE(b[:16]) != binary.LittleEndian.Uint32(b[16:]) {
		return Committed{}, false
	}
	c := Committed{Segment: binary.LittleEndian.Uint64(b), Position: int64(binary.LittleEndian.Uint64(b[8:]))}
	return c, c.Position >= 0
}

// committed reads what the writer says.
func (f Folder) committed() (Committed, bool) {
	b, err := os.ReadFile(filepath.Join(f.Path, committedFile))
	if err != nil {
		return Committed{}, false
	}
	return parseCommitted(b)
}
