package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/schemas/frame"
)

// segment is a whole one of some records.
func segment(number uint64, records ...[]byte) []byte {
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

func recordOf(k kind, set uint32, content []byte) []byte {
	content = append(content, make([]byte, (word-len(content)%word)%word)...)
	first := uint64(recordTag)<<48 | uint64(k)<<44 | uint64(set)<<24 | uint64(len(content)+2*word)/word
	b := binary.LittleEndian.AppendUint64(nil, first)
	return binary.LittleEndian.AppendUint64(append(b, content...), ^first)
}

func keysOf(set uint32, keys ...string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(keys)))
	for _, k := range keys {
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(k))), k...)
	}
	return recordOf(kindKeys, set, b)
}

func pointsOf(set uint32, step uint64, values ...uint64) []byte {
	b := binary.LittleEndian.AppendUint64(nil, step)
	b = binary.LittleEndian.AppendUint64(b, 1000)
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return recordOf(kindPoints, set, b)
}

// folder is a spool with one segment.
func folder(t *testing.T, records ...[]byte) Folder {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spools", "one")
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path, "000001.seg"), segment(1, records...))
	write(t, filepath.Join(path, aboutFile), []byte(`{"run_id":"0123456789abcdef0123456789abcdef","mode":"online"}`))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func threeFrames(t *testing.T) Folder {
	t.Helper()
	records := [][]byte{keysOf(1, "a")}
	// Each section is a frame of its own, by its number of events.
	for range 3 {
		s := binary.LittleEndian.AppendUint32(nil, 0)
		s = binary.LittleEndian.AppendUint16(s, eventsMax)
		records = append(records, pointsOf(1, 1, 2), recordOf(kindSection, 0, append(s, 0, 0)))
	}
	return folder(t, records...)
}

func TestAFrameIsSentAgainUntilItIsTaken(t *testing.T) {
	f := threeFrames(t)
	failures := 0
	s := &taker{each: func(n int) error {
		if n == 1 && failures < 3 {
			failures++
			return errors.New("away")
		}
		return nil
	}}
	counts, err := Drain(t.Context(), f, s.way(), Told{})
	if err != nil || counts.Retries != 3 || counts.Frames != 4 || counts.Points != 3 {
		t.Errorf("%+v, %v", counts, err)
	}
	if last, err := frame.Decode(s.frames[3]); err != nil || !last.Close || last.Number != 4 {
		t.Errorf("the last frame is %+v, %v", last, err)
	}
}

func TestWhatIsNeverTakenIsKeptInAFile(t *testing.T) {
	f := threeFrames(t)
	refused := 0
	s := &taker{each: func(n int) error {
		if n == 1 && refused == 0 {
			refused++
			return &streamgauge.Refused{Reason: errors.New("malformed")}
		}
		return nil
	}}
	var news []string
	counts, err := Drain(t.Context(), f, s.way(), Told{News: func(text string) { news = append(news, text) }})
	if err != nil || counts.Rejected != 1 || counts.Frames != 3 || counts.Points != 2 {
		t.Errorf("%+v, %v", counts, err)
	}
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(f.Path), rejectedFolder, "one-2.frame"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := frame.Decode(kept); err != nil || got.Number != 2 || len(news) != 1 || !strings.Contains(news[0], "malformed") {
		t.Errorf("%+v, %v, %q", got, err, news)
	}
}

func TestWhatATokenMayNotSendWaitsForAnother(t *testing.T) {
	f := threeFrames(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := &taker{each: func(int) error {
		return &streamgauge.Refused{Reason: fmt.Errorf("%w: experiment 3", streamgauge.ErrForbidden)}
	}}
	_, err := Drain(ctx, f, s.way(), Told{Trouble: func(error) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.each = nil
	if counts, err := Drain(t.Context(), f, s.way(), Told{}); err != nil || counts.Frames != 4 || counts.Rejected != 0 {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestAFolderIsLeftToItsProcessAndToItsShipper(t *testing.T) {
	f := threeFrames(t)
	s := &taker{}
	for _, lock := range []func() (*Lock, error){f.Owner, f.Shipper} {
		held, err := lock()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Drain(t.Context(), f, s.way(), Told{}); !errors.Is(err, ErrBusy) {
			t.Errorf("drained under a lock: %v", err)
		}
		held.Release()
	}
	if len(s.frames) != 0 {
		t.Errorf("%d frames were sent", len(s.frames))
	}
}

func TestFilesStayWhereThereIsNoHTTP(t *testing.T) {
	f := threeFrames(t)
	if err := os.Mkdir(filepath.Join(f.Path, artifactsFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(f.Path, artifactsFolder, "000001.json"), []byte(`{"path":"a"}`))
	s := &taker{}
	for range 2 {
		if _, err := Drain(t.Context(), f, s.way(), Told{}); !errors.Is(err, ErrFilesStay) {
			t.Fatal(err)
		}
		if len(s.frames) != 4 || !f.segments() {
			t.Errorf("%d frames, segments %v", len(s.frames), f.segments())
		}
	}
}

func TestDamageIsNamedAndNothingIsDeleted(t *testing.T) {
	damage := map[string]func(t *testing.T, f Folder){
		"000001.seg is shorter": func(t *testing.T, f Folder) { write(t, filepath.Join(f.Path, "000001.seg"), []byte("short")) },
		"checksum of the header": func(t *testing.T, f Folder) {
			b := segment(1)
			b[30] ^= 1
			write(t, filepath.Join(f.Path, "000001.seg"), b)
		},
		"another segment's number": func(t *testing.T, f Folder) { write(t, filepath.Join(f.Path, "000001.seg"), segment(2)) },
		"the ledger": func(t *testing.T, f Folder) {
			write(t, filepath.Join(f.Path, ledgerFile), make([]byte, ledgerBytes))
		},
		"points of an unknown key set": func(t *testing.T, f Folder) {
			write(t, filepath.Join(f.Path, "000001.seg"), segment(1, pointsOf(9, 1, 2)))
		},
		"a record of a newer version": func(t *testing.T, f Folder) {
			write(t, filepath.Join(f.Path, "000001.seg"), segment(1, recordOf(9, 0, nil)))
		},
		"a frame that was cut elsewhere": func(t *testing.T, f Folder) {
			l, err := openLedger(filepath.Join(f.Path, ledgerFile))
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			if err := l.cut([]Cut{{Number: 1, Segment: 1, End: headerBytes + 16}}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			f := threeFrames(t)
			do(t, f)
			s := &taker{}
			if _, err := Drain(t.Context(), f, s.way(), Told{}); !errors.Is(err, ErrUnreadable) {
				t.Errorf("got %v", err)
			}
			if !f.segments() || len(s.frames) != 0 {
				t.Errorf("segments %v, %d frames", f.segments(), len(s.frames))
			}
		})
	}
}

// A record larger than the window, and a window of nothing but key sets, are read with all that follows.
func TestWhatIsLargerThanTheWindowIsRead(t *testing.T) {
	records := [][]byte{}
	for i := range uint32(2000) {
		records = append(records, keysOf(i+1, strings.Repeat("k", 1000), fmt.Sprint(i), strings.Repeat("l", 1000)))
	}
	records = append(records, pointsOf(2000, 1, 2, 3, 4))
	f := folder(t, records...)
	s := &taker{}
	if counts, err := Drain(t.Context(), f, s.way(), Told{}); err != nil || counts.Points != 3 {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestCommittedIsTheWriterSWord(t *testing.T) {
	b := binary.LittleEndian.AppendUint64(nil, 3)
	b = binary.LittleEndian.AppendUint64(b, 4096)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	c, ok := parseCommitted(b)
	if !ok || c.limit(2, 9000) != 9000 || c.limit(3, 9000) != 4096 || c.limit(4, 9000) != 0 {
		t.Errorf("%+v, %v", c, ok)
	}
	for i := range b {
		torn := append([]byte(nil), b...)
		torn[i] ^= 0x10
		if _, ok := parseCommitted(torn); ok {
			t.Errorf("byte %d is damaged, and nobody sees it", i)
		}
	}
}

func FuzzRecordsAreReadOrRefused(f *testing.F) {
	f.Add(segment(1, keysOf(1, "a", "b"), pointsOf(1, 3, 4, 5), recordOf(kindEnd, 0, nil)))
	f.Add(segment(1, keysOf(1, "a", "b", "c", "d"), pointsOf(1, 3, 4, 5, 6, 7), recordOf(kindSection, 0, make([]byte, 16))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headerBytes {
			_, _ = NewSegment(b)
			return
		}
		copy(b, segment(1)[:headerBytes])
		s, err := NewSegment(b)
		if err != nil {
			t.Fatal(err)
		}
		records := b[headerBytes : len(b)/word*word]
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
	s, err := NewSegment(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// after encodes what stands at a place as one does who has not read what is before it.
func (s *Segment) after(b []byte, at, bytes int) (Contents, error) {
	if _, err := s.Learn(b[headerBytes:at]); err != nil {
		return Contents{}, err
	}
	return s.Encode(b[at : at+bytes])
}

func FuzzLedgersAreReadOrRefused(f *testing.F) {
	l := make([]byte, ledgerBytes)
	copy(l, ledgerMagic)
	l[8] = version
	copy(l[slotBytes:], Cut{Number: 1, Segment: 1, End: 160, Points: 3}.format())
	copy(l[firstCut+2*slotBytes:], Cut{Number: 2, Segment: 1, End: 260, Points: 3}.format())
	f.Add(l)
	f.Fuzz(func(t *testing.T, b []byte) {
		acknowledged, cuts, err := parseLedger(b)
		if err != nil {
			return
		}
		for i, c := range cuts {
			if c.Number != acknowledged.Number+uint64(i)+1 {
				t.Fatalf("cut %d follows %d", c.Number, acknowledged.Number)
			}
		}
	})
}
