package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

const (
	// windowBytes is how much of a segment is looked at for a frame. A record has at most 2 MiB, a frame's records
	// mostly less; where that is not enough, all is read.
	windowBytes = 3 << 20
)

// File reads one segment on from a place. It is not safe for concurrent use.
type File struct {
	*Segment
	file *os.File
	// Size is where reading ends at the latest.
	Size int64
	// learnt is up to where the key sets are known.
	learnt int64
}

// Open reads a segment's header; ErrUnreadable, or an error of the file system.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{file: file, learnt: HeaderBytes}
	header := make([]byte, HeaderBytes)
	n, err := file.ReadAt(header, 0)
	if err == nil || errors.Is(err, io.EOF) {
		f.Segment, err = New(header[:n])
	}
	var info os.FileInfo
	if err == nil {
		info, err = file.Stat()
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.Size = info.Size() / word * word
	return f, nil
}

// Close closes the file.
func (f *File) Close() { f.file.Close() }

// Contents takes records from a place up to limit, as many as fit into a frame.
func (f *File) Contents(at, limit int64) (Contents, error) {
	limit = min(limit, f.Size)
	if err := f.learn(at); err != nil {
		return Contents{}, fmt.Errorf("%s: %w", f.file.Name(), err)
	}
	for window := int64(windowBytes); ; window = limit - at {
		end := min(limit, at+window)
		records, err := f.read(at, max(at, end))
		if err != nil {
			return Contents{}, err
		}
		c, err := f.Encode(records)
		if err != nil {
			return c, fmt.Errorf("%s, behind %d: %w", f.file.Name(), at, err)
		}
		// A window may end within a record, or behind nothing but key sets.
		if len(c.Sections) > 0 || c.Ended || end == limit || at >= limit {
			f.learnt = max(f.learnt, at+int64(c.Bytes))
			return c, nil
		}
	}
}

// learn reads the key sets that are defined before a place.
func (f *File) learn(at int64) error {
	for f.learnt < at {
		records, err := f.read(f.learnt, min(at, f.learnt+windowBytes))
		if err != nil {
			return err
		}
		n, err := f.Learn(records)
		if err != nil {
			return err
		}
		if n == 0 {
			return Unreadable("no whole record at %d, though frames were cut up to %d", f.learnt, at)
		}
		f.learnt += int64(n)
	}
	return nil
}

func (f *File) read(from, to int64) ([]byte, error) {
	b := make([]byte, to-from)
	n, err := f.file.ReadAt(b, from)
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

// Limit is how far a segment may be read.
func (c Committed) Limit(segment uint64, size int64) int64 {
	switch {
	case segment < c.Segment:
		return size
	case segment == c.Segment:
		return min(c.Position, size)
	}
	return 0
}

// ParseCommitted gives nothing for what is damaged, or not there yet.
func ParseCommitted(b []byte) (Committed, bool) {
	if len(b) < 20 || crc32.ChecksumIEEE(b[:16]) != binary.LittleEndian.Uint32(b[16:]) {
		return Committed{}, false
	}
	c := Committed{Segment: binary.LittleEndian.Uint64(b), Position: int64(binary.LittleEndian.Uint64(b[8:]))}
	return c, c.Position >= 0
}
