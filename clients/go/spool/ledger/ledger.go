// Package ledger is the file in a spool that says which frames were cut, and which of them are acknowledged.
package ledger

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"slices"

	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
)

// The layout of the ledger, docs/spool.md.
const (
	ledgerMagic = "SGLEDGER"
	slotBytes   = 64
	slotFixed   = 32
	firstCut    = 3 * slotBytes
	// CutsMax is how many frames may be cut and not acknowledged.
	CutsMax     = 256
	ledgerBytes = firstCut + CutsMax*slotBytes
	flagClose   = 1
	version     = 1
)

// Cut is the end of a frame: its number, and segment and place behind its last record.
type Cut struct {
	Number  uint64
	Segment uint32
	// Closes the writer.
	Closes bool
	End    uint64
	Points uint64
}

// start is what is acknowledged in the beginning.
var start = Cut{Segment: 1, End: segment.HeaderBytes}

// parseLedger gives what is acknowledged and the cuts that follow it without a gap.
func parseLedger(b []byte) (acknowledged Cut, cuts []Cut, err error) {
	if len(b) < ledgerBytes || string(b[:8]) != ledgerMagic || binary.LittleEndian.Uint32(b[8:]) != version {
		return Cut{}, nil, segment.Unreadable("no ledger of version %d", version)
	}
	acknowledged = start
	for i := 1; i <= 2; i++ {
		if c, ok := parseSlot(b[i*slotBytes:]); ok && c.Number > acknowledged.Number {
			acknowledged = c
		}
	}
	for at := firstCut; at < ledgerBytes; at += slotBytes {
		if c, ok := parseSlot(b[at:]); ok && c.Number > acknowledged.Number {
			cuts = append(cuts, c)
		}
	}
	slices.SortFunc(cuts, func(a, b Cut) int { return cmp.Compare(a.Number, b.Number) })
	for i, c := range cuts {
		if c.Number != acknowledged.Number+uint64(i)+1 {
			return acknowledged, cuts[:i], nil
		}
	}
	return acknowledged, cuts, nil
}

func parseSlot(b []byte) (Cut, bool) {
	c := Cut{
		Number: binary.LittleEndian.Uint64(b), Segment: binary.LittleEndian.Uint32(b[8:]),
		Closes: binary.LittleEndian.Uint32(b[12:])&flagClose != 0,
		End:    binary.LittleEndian.Uint64(b[16:]), Points: binary.LittleEndian.Uint64(b[24:]),
	}
	return c, c.Number != 0 && crc32.ChecksumIEEE(b[:slotFixed]) == binary.LittleEndian.Uint32(b[slotFixed:])
}

func (c Cut) format() []byte {
	b := binary.LittleEndian.AppendUint64(nil, c.Number)
	b = binary.LittleEndian.AppendUint32(b, c.Segment)
	flags := uint32(0)
	if c.Closes {
		flags = flagClose
	}
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = binary.LittleEndian.AppendUint64(b, c.End)
	b = binary.LittleEndian.AppendUint64(b, c.Points)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// Ledger is the file. Who holds the folder's lock uses it, and nobody else.
type Ledger struct {
	file *os.File
	// Acknowledged is the newest frame that the server has.
	Acknowledged Cut
	// Cuts are those behind it, without a gap.
	Cuts []Cut
}

// Open opens it, or makes it; segment.ErrUnreadable if it is damaged.
func Open(path string) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l := &Ledger{file: f}
	if err := l.read(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func (l *Ledger) read() error {
	b := make([]byte, ledgerBytes)
	if n, _ := l.file.ReadAt(b, 0); n < ledgerBytes {
		// Nothing was ever cut: the file is written and synced whole before the first cut. All of its bytes are there
		// from then on, so that a later sync leaves the file system's journal alone.
		clear(b)
		copy(b, ledgerMagic)
		binary.LittleEndian.PutUint32(b[8:], version)
		if _, err := l.file.WriteAt(b, 0); err != nil {
			return err
		}
		if err := l.file.Sync(); err != nil {
			return err
		}
	}
	var err error
	l.Acknowledged, l.Cuts, err = parseLedger(b)
	return err
}

// Last is the newest cut: the next frame begins behind it.
func (l *Ledger) Last() Cut {
	if len(l.Cuts) > 0 {
		return l.Cuts[len(l.Cuts)-1]
	}
	return l.Acknowledged
}

// Cut remembers the ends of new frames for good.
func (l *Ledger) Cut(cuts []Cut) error {
	if len(l.Cuts)+len(cuts) > CutsMax {
		return fmt.Errorf("more than %d frames without acknowledgement", CutsMax)
	}
	for _, c := range cuts {
		if _, err := l.file.WriteAt(c.format(), int64(firstCut+c.Number%CutsMax*slotBytes)); err != nil {
			return err
		}
	}
	if err := syncData(l.file); err != nil {
		return err
	}
	l.Cuts = append(l.Cuts, cuts...)
	return nil
}

// Acknowledge: the oldest n frames have it now. It is not synced: what a dying machine forgets is sent again.
func (l *Ledger) Acknowledge(n int) error {
	if n == 0 {
		return nil
	}
	c := l.Cuts[n-1]
	if _, err := l.file.WriteAt(c.format(), int64((1+c.Number%2)*slotBytes)); err != nil {
		return err
	}
	if c.Segment > l.Acknowledged.Segment {
		// Whoever is told so deletes the segments before. After a power cut that must not be all that is known of them.
		if err := syncData(l.file); err != nil {
			return err
		}
	}
	l.Acknowledged, l.Cuts = c, l.Cuts[n:]
	return nil
}

// Close closes the file; what counts was synced.
func (l *Ledger) Close() error { return l.file.Close() }
