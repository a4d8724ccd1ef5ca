package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
)

// careful is a Transport that notes at once what became of frames, and lets none be dropped: what the server will
// never take is kept in a file, and who may not write now may be let to later.
type careful courier

// Send is Transport's.
func (t *careful) Send(ctx context.Context, frames [][]byte) (int, error) {
	c := (*courier)(t)
	if err := c.place(ctx, frames[0]); err != nil {
		return 0, err
	}
	n, err := c.to.Send(ctx, frames)
	counts := c.counts
	for i, f := range frames[:n] {
		counts.Frames++
		counts.Bytes += int64(len(f))
		counts.Points += c.ledger.Cuts[i].Points
	}
	if failed := c.take(n); failed != nil {
		return 0, failed
	}
	c.counts = counts
	var refused *streamgauge.Refused
	switch refusal := errors.As(err, &refused); {
	case refusal && errors.Is(err, streamgauge.ErrForbidden):
		err = &streamgauge.Later{After: refusedPause, Reason: refused.Reason} // a Refused within would still be one
	case refusal:
		if err = c.setAside(frames[n], refused.Reason); err == nil {
			n++
		}
	}
	if n > 0 {
		c.told.progress(c.counts)
	}
	return n, err
}

// place holds the writer to one lane, also beyond the life of this process.
func (c *courier) place(ctx context.Context, f []byte) error {
	to, ok := c.to.(streamgauge.Laned)
	if c.placed || !ok {
		return nil
	}
	path := filepath.Join(c.folder.Path, laneFile)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		lane, err := to.Lane(ctx, f)
		if refused := (*streamgauge.Refused)(nil); errors.As(err, &refused) {
			return nil // it shows in Send
		}
		if err == nil {
			err = writeNew(path, strconv.AppendUint(nil, uint64(lane), 10))
		}
		c.placed = err == nil
		return err
	case err != nil:
		return err
	}
	lane, err := strconv.ParseUint(string(b), 10, 16)
	if err != nil {
		return segment.Unreadable("%s: %w", path, err)
	}
	to.Stay(f, uint16(lane))
	c.placed = true
	return nil
}

// setAside keeps the oldest frame for a person to look at, and goes on behind it.
func (c *courier) setAside(f []byte, why error) error {
	folder := filepath.Join(filepath.Dir(c.folder.Path), rejectedFolder)
	cut := c.ledger.Cuts[0]
	path := filepath.Join(folder, fmt.Sprintf("%s-%d.frame", c.folder.Name(), cut.Number))
	err := os.MkdirAll(folder, 0o700)
	if err == nil {
		err = writeNew(path, f)
	}
	if err != nil {
		return fmt.Errorf("keep a frame that the server refuses (%w): %w", why, err)
	}
	if err := c.take(1); err != nil {
		return err
	}
	c.counts.Rejected++
	if c.told.News != nil {
		c.told.News(fmt.Sprintf("the server has refused a frame of %d points: %v; it is kept as %s", cut.Points, why, path))
	}
	return nil
}
