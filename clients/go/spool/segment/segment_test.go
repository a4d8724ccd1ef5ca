package segment

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/streamgauge/streamgauge/clients/go/spool/segment/segmenttest"
)

func TestCommittedIsTheWriterSWord(t *testing.T) {
	b := binary.LittleEndian.AppendUint64(nil, 3)
	b = binary.LittleEndian.AppendUint64(b, 4096)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	c, ok := ParseCommitted(b)
	if !ok || c.Limit(2, 9000) != 9000 || c.Limit(3, 9000) != 4096 || c.Limit(4, 9000) != 0 {
		t.Errorf("%+v, %v", c, ok)
	}
	for i := range b {
		torn := append([]byte(nil), b...)
		torn[i] ^= 0x10
		if _, ok := ParseCommitted(torn); ok {
			t.Errorf("byte %d is damaged, and nobody sees it", i)
		}
	}
}

func FuzzRecordsAreReadOrRefused(f *testing.F) {
	f.Add(segmenttest.Whole(1, segmenttest.Keys(1, "a", "b"), segmenttest.Points(1, 3, 4, 5), segmenttest.Record(4, 0, nil)))
	f.Add(segmenttest.Whole(1, segmenttest.Keys(1, "a", "b", "c", "d"), segmenttest.Points(1, 3, 4, 5, 6, 7), segmenttest.Record(3, 0, make([]byte, 16))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < HeaderBytes {
			_, _ = New(b)
			return
		}
		copy(b, segmenttest.Whole(1)[:HeaderBytes])
		s, err := New(b)
		if err != nil {
			t.Fatal(err)
		}
		records := b[HeaderBytes : len(b)/word*word]
		for len(records) > 0 {
			c, err := s.Encode(records)
			if err != nil {
				if !errors.Is(err, ErrUnreadable) {
					t.Fatal(err)
				}
				return
			}
			if c.Bytes%word != 0 || c.Bytes > len(records) || c.Points > len(records)/word {
				t.Fatalf("%d bytes and %d points of %d", c.Bytes, c.Points, len(records))
			}
			again, err := mustSegment(t, b).after(b, len(b)/word*word-len(records), c.Bytes)
			if err == nil && len(again.Sections) != len(c.Sections) {
				t.Fatalf("%d sections, and %d at the second time", len(c.Sections), len(again.Sections))
			}
			if c.Bytes == 0 {
				return
			}
			records = records[c.Bytes:]
		}
	})
}

func mustSegment(t *testing.T, b []byte) *Segment {
	s, err := New(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// after encodes what stands at a place as one does who has not read what is before it.
func (s *Segment) after(b []byte, at, bytes int) (Contents, error) {
	if _, err := s.Learn(b[HeaderBytes:at]); err != nil {
		return Contents{}, err
	}
	return s.Encode(b[at : at+bytes])
}
