package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/clients/go/spool/ledger"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
)

const (
	// sendFramesMax are cut at once, sendBytesMax about what they take: the ledger is synced once for them, and that much
	// is held in memory of each folder.
	sendFramesMax = 8
	sendBytesMax  = 2 << 20
	// refusedPause is between attempts where a person's hand must help first.
	refusedPause = 30 * time.Second
)

// Counts say what became of a folder's frames. Points and Bytes are those of frames that the server took.
type Counts struct {
	Frames, Rejected, Retries int
	Points                    uint64
	Bytes                     int64
	Files                     int
}

// Add sums up.
func (c *Counts) Add(o Counts) {
	c.Frames += o.Frames
	c.Rejected += o.Rejected
	c.Retries += o.Retries
	c.Points += o.Points
	c.Bytes += o.Bytes
	c.Files += o.Files
}

// Told hears what a person may want to know. The zero value tells nobody.
type Told struct {
	// News is of what became of frames: one that was set aside, a warning of the server.
	News func(text string)
	// Trouble is of each failed attempt, Progress of what was not in vain, parts of a large file too; from any goroutine.
	Trouble  func(err error)
	Progress func(Counts)
}

func (t Told) trouble(err error) {
	if t.Trouble != nil {
		t.Trouble(err)
	}
}

func (t Told) progress(c Counts) {
	if t.Progress != nil {
		t.Progress(c)
	}
}

// courier brings one folder's frames to a server: it cuts them, sends them, notes what is acknowledged, and deletes
// segments. A frame is cut once and for good before it is first sent. Who has the folder's lock uses it, and nobody else.
type courier struct {
	folder Folder
	to     streamgauge.Transport
	told   Told
	// committed says how far a segment may be read; nil: the writer is gone, and all may.
	committed func() segment.Committed
	ledger    *ledger.Ledger
	reader    *segment.File
	// ready are the frames of cuts, by number, until they are acknowledged.
	ready  map[uint64][]byte
	counts Counts
	// placed: the writer's lane is known and noted, if it must be.
	placed bool
}

func newCourier(f Folder, to streamgauge.Transport, told Told) (*courier, error) {
	l, err := ledger.Open(filepath.Join(f.Path, ledgerFile))
	if err != nil {
		return nil, err
	}
	return &courier{folder: f, to: to, told: told, ledger: l, ready: make(map[uint64][]byte)}, nil
}

func (c *courier) close() {
	c.leave()
	_ = c.ledger.Close() // what counts was synced
}

func (c *courier) leave() {
	if c.reader != nil {
		c.reader.Close()
		c.reader = nil
	}
}

// started: the server knows the run.
func (c *courier) started() bool { return c.ledger.Acknowledged.Number > 0 }

// ship sends some frames, until they are durable or set aside, and gives their bytes; 0: there was nothing. With last, what is
// there now is the writer's end. ErrUnreadable or an error of the file system if the folder cannot be read; else it
// ends early only with the context.
func (c *courier) ship(ctx context.Context, last bool) (bytes int, err error) {
	if len(c.ledger.Cuts) == 0 {
		if err := c.cut(last); err != nil {
			return 0, err
		}
	}
	frames, err := c.pending()
	if err != nil {
		return 0, err
	}
	for _, f := range frames {
		bytes += len(f)
	}
	err = streamgauge.Deliver(ctx, (*careful)(c), frames, streamgauge.Delivery{Trouble: func(err error) {
		c.counts.Retries++
		c.told.trouble(err)
	}})
	return bytes, err
}

// drain ships until nothing is left.
func (c *courier) drain(ctx context.Context, last bool) error {
	for {
		sent, err := c.ship(ctx, last)
		if err != nil || sent == 0 {
			return err
		}
	}
}

// cut ends frames where the records are now.
func (c *courier) cut(last bool) error {
	at := c.ledger.Last()
	if at.Closes {
		return nil
	}
	var cuts []ledger.Cut
	for size := 0; len(cuts) < sendFramesMax && size < sendBytesMax; {
		contents, err := c.contents(at.Segment, at.End)
		if err != nil {
			return err
		}
		if len(contents.Sections) > 0 {
			at.Number++
			at.End += uint64(contents.Bytes)
			at.Points = uint64(contents.Points)
			cuts = append(cuts, at)
			f := c.reader.Head.Frame(at.Number, contents.Sections, false)
			c.ready[at.Number] = f
			size += len(f)
		}
		if contents.Ended {
			at.Segment, at.End = at.Segment+1, segment.HeaderBytes
			continue
		}
		if len(contents.Sections) == 0 {
			if last {
				cuts = append(cuts, ledger.Cut{Number: at.Number + 1, Segment: at.Segment, Closes: true, End: at.End})
			}
			break
		}
	}
	if len(cuts) == 0 {
		return nil
	}
	return c.ledger.Cut(cuts)
}

// contents reads what stands in a segment behind a place. A segment that is not there yet has nothing.
func (c *courier) contents(number uint32, at uint64) (segment.Contents, error) {
	if err := c.turn(number); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return segment.Contents{}, err
	}
	limit := c.reader.Size
	if c.committed != nil {
		limit = c.committed().Limit(uint64(number), limit)
	}
	return c.reader.Contents(int64(at), limit)
}

// turn opens a segment.
func (c *courier) turn(number uint32) error {
	if c.reader != nil && c.reader.Number == uint64(number) {
		return nil
	}
	c.leave()
	var err error
	path := filepath.Join(c.folder.Path, fmt.Sprintf("%06d.seg", number))
	if c.reader, err = segment.Open(path); err != nil {
		return err
	}
	if c.reader.Number != uint64(number) {
		defer c.leave()
		return segment.Unreadable("%s says that it is segment %d", path, c.reader.Number)
	}
	return nil
}

// pending are the frames that are cut and not acknowledged, in order, as many as are sent at once.
func (c *courier) pending() ([][]byte, error) {
	var frames [][]byte
	size := 0
	before := c.ledger.Acknowledged
	for _, cut := range c.ledger.Cuts {
		f, err := c.frame(before, cut)
		if err != nil {
			return nil, err
		}
		if size += len(f); len(frames) == sendFramesMax || len(frames) > 0 && size > sendBytesMax {
			break
		}
		frames = append(frames, f)
		before = cut
	}
	return frames, nil
}

// frame is that of a cut, made anew if an earlier process has cut it.
func (c *courier) frame(before, cut ledger.Cut) ([]byte, error) {
	if f, known := c.ready[cut.Number]; known {
		return f, nil
	}
	if err := c.turn(cut.Segment); err != nil {
		return nil, err
	}
	at := int64(segment.HeaderBytes)
	if before.Segment == cut.Segment {
		at = int64(before.End)
	}
	var sections [][]byte
	if end := int64(cut.End); at != end {
		contents, err := c.reader.Contents(at, end)
		if err != nil {
			return nil, err
		}
		if at+int64(contents.Bytes) != end {
			return nil, segment.Unreadable("%s: frame %d ends at %d, not at %d as it was cut", c.folder.Path, cut.Number, at+int64(contents.Bytes), end)
		}
		sections = contents.Sections
	}
	f := c.reader.Head.Frame(cut.Number, sections, cut.Closes)
	c.ready[cut.Number] = f
	return f, nil
}

// shed deletes the segments of a folder that stays for its files alone.
func (c *courier) shed() error {
	c.leave()
	found, _ := filepath.Glob(filepath.Join(c.folder.Path, "*.seg")) // the pattern is well
	for _, path := range found {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// take notes the oldest frames as acknowledged and deletes the segments before.
func (c *courier) take(n int) error {
	taken := slices.Clone(c.ledger.Cuts[:n])
	first := c.ledger.Acknowledged.Segment
	if err := c.ledger.Acknowledge(n); err != nil {
		return fmt.Errorf("note what is acknowledged: %w", err)
	}
	for _, cut := range taken {
		delete(c.ready, cut.Number)
	}
	for s := first; s < c.ledger.Acknowledged.Segment; s++ {
		// One that stays takes disk and is never read again; it goes with the folder.
		_ = os.Remove(filepath.Join(c.folder.Path, fmt.Sprintf("%06d.seg", s)))
	}
	return nil
}
