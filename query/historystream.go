package query

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/feed"
)

// streamHistory answers a history that is too long to be held: it is written while it is read. The first part is
// awaited, so that an error that comes early gets its status; one that comes late breaks the connection, and nobody
// takes a part for the whole.
func (q *Query) streamHistory(c *fiber.Ctx, id, key string, cursor history.Cursor, size int) error {
	ctx, cancel := within(sqlTimeout)
	read, snapshot, err := q.pin(ctx, id, key)
	if err != nil {
		cancel()
		return err
	}
	r, w := io.Pipe()
	go func() {
		out := bufio.NewWriterSize(w, streamBufferBytes)
		s := historyStream{out: out, key: key, skip: cursor.Offset, limited: size > 0, left: size}
		err := s.write(ctx, ordered{q.store, read, snapshot}, cursor.After)
		if err == nil {
			err = out.Flush()
		}
		w.CloseWithError(err)
	}()
	first := bufio.NewReaderSize(r, streamBufferBytes)
	if _, err := first.Peek(1); err != nil {
		cancel()
		_ = r.Close() // the writer has ended
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Context().SetBodyStream(piped{first, r, cancel}, -1)
	return nil
}

// streamBufferBytes is what is written at a time.
const streamBufferBytes = 256 << 10

// piped ends its writer when the answer is sent or its client gone.
type piped struct {
	*bufio.Reader
	pipe   *io.PipeReader
	cancel context.CancelFunc
}

func (p piped) Close() error {
	p.cancel()
	return p.pipe.Close()
}

// historyStream writes {"metrics": [...], "next_page_token": ...} piece by piece.
type historyStream struct {
	out *bufio.Writer
	key string
	// skip is how many points are passed over.
	skip int
	// limited says that only left more points are wanted.
	limited bool
	left    int
	// last is the last point written, nil before the first.
	last *history.Key
	next string
}

// errEnough ends a read whose page is full.
var errEnough = errors.New("the page is full")

func (s *historyStream) write(ctx context.Context, o ordered, after *history.Key) error {
	err := o.visit(ctx, after, func(p *history.Points) error {
		if err := s.points(p); err != nil {
			return err
		}
		if s.next != "" {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return s.end()
}

// ordered is a pinned history that is read part by part.
type ordered struct {
	store    Points
	read     history.Read
	snapshot feed.Snapshot
}

// visit calls f for its distinct points in order.
func (o ordered) visit(ctx context.Context, after *history.Key, f func(*history.Points) error) error {
	memory := history.Points{ByStep: o.read.ByStep}
	for _, sec := range o.snapshot.Sections {
		memory.AddSectionSteps(sec, o.read.Key, o.read.From, o.read.To)
	}
	merge := history.NewMerge(memory, after)
	err := o.store.HistoryOrdered(ctx, o.read, func(part *history.Points) error { return f(merge.Next(part)) })
	if err != nil {
		return fmt.Errorf("read history of %s: %w", o.read.Key, err)
	}
	return f(merge.End())
}

// points writes some points, and makes the token of the next page if they are more than are wanted.
func (s *historyStream) points(p *history.Points) error {
	skipped := min(s.skip, len(p.List))
	s.skip -= skipped
	some := *p
	some.List = p.List[skipped:]
	full := s.limited && len(some.List) > s.left
	if full {
		some.List = some.List[:s.left]
	}
	if n := len(some.List); n > 0 {
		if err := s.list(&some); err != nil {
			return err
		}
		k := p.KeyOf(some.List[n-1])
		s.last, s.left = &k, s.left-n
	}
	if full {
		s.next = s.last.Token()
	}
	return nil
}

func (s *historyStream) list(p *history.Points) error {
	w := jx.GetWriter()
	defer jx.PutWriter(w)
	if s.last == nil {
		w.RawStr(`{"metrics":[`)
	} else {
		w.Comma()
	}
	p.EncodeItems(w, s.key)
	_, err := s.out.Write(w.Buf)
	return err
}

func (s *historyStream) end() error {
	text := "]"
	if s.last == nil {
		text = "{"
	}
	if s.next != "" {
		text += `,"next_page_token":"` + s.next + `"` // a token is base64
	}
	_, err := s.out.WriteString(text + "}")
	return err
}
