package frames

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// BodyBytesMax and FramesMax bound one request: some seconds of a busy job.
	BodyBytesMax = 64 << 20
	FramesMax    = 16 << 10
	// readBytes is what is read ahead.
	readBytes = 64 << 10
)

// splitter reads frames that stand one after the other, each behind its length as a varint.
type splitter struct {
	r *bufio.Reader
	// offset is where the frame that next has read begins, with its length; end is where it ends.
	offset, end int64
	frames      int
}

func newSplitter(r io.Reader) *splitter {
	return &splitter{r: bufio.NewReaderSize(r, readBytes)}
}

// next gives the next frame, io.EOF behind the last one. The bytes belong to the caller.
func (s *splitter) next() ([]byte, error) {
	s.offset = s.end
	n, err := binary.ReadUvarint(counted{s})
	switch {
	case errors.Is(err, io.EOF) && s.end == s.offset:
		return nil, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, malformed("the body ends within the length of a frame")
	case err != nil && s.end-s.offset >= binary.MaxVarintLen64:
		return nil, malformed("the length of a frame is no varint")
	case err != nil:
		return nil, malformed("read the body: %v", err)
	case n == 0:
		return nil, malformed("the length of a frame is 0")
	case n > bus.FrameBytesMax:
		return nil, tooLarge("a frame has %d bytes; %d are the most, send several", n, bus.FrameBytesMax)
	case s.end+int64(n) > BodyBytesMax || s.frames == FramesMax:
		return nil, tooLarge("the request has more than %d bytes or %d frames; send the rest in another", BodyBytesMax, FramesMax)
	}
	var b bytes.Buffer // it grows as the bytes come: a length is a mere claim
	got, err := io.CopyN(&b, s.r, int64(n))
	s.end += got
	if err != nil {
		return nil, malformed("the body ends after %d of a frame's %d bytes: %v", got, n, err)
	}
	s.frames++
	return b.Bytes(), nil
}

// counted counts the bytes of a length.
type counted struct{ s *splitter }

func (c counted) ReadByte() (byte, error) {
	b, err := c.s.r.ReadByte()
	if err == nil {
		c.s.end++
	}
	return b, err
}

func malformed(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, "Malformed frame: %s", fmt.Sprintf(format, args...))
}

func tooLarge(format string, args ...any) error {
	return track.Errorf(track.RequestTooLarge, format, args...)
}
