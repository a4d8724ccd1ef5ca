package live

import (
	"bufio"
	"context"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/chart"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// pace is the least time between two events of a stream: what comes meanwhile shares one.
	pace = 50 * time.Millisecond
	// heartbeat is how often something is written, for only that tells that a browser is gone.
	heartbeat = 10 * time.Second
	// streamAge ends a connection: its browser comes back by itself, and its token is looked at anew.
	streamAge = 15 * time.Minute
	// writeTimeout ends a connection whose reader takes nothing: TCP alone would hold it, and its stream, for many minutes.
	writeTimeout = 30 * time.Second
	// readTimeout ends the look at documents for a subscription.
	readTimeout = 10 * time.Second
)

// Server answers the routes.
type Server struct {
	hub  *Hub
	runs chart.Runs
	// patience is writeTimeout, less in tests.
	patience time.Duration
}

// NewServer wires a Server.
func NewServer(hub *Hub, runs chart.Runs) *Server { return &Server{hub, runs, writeTimeout} }

// Routes registers the handlers.
func (s *Server) Routes(r fiber.Router) {
	r.Get("/v1/live", s.getLive)
	r.Post("/v1/live/:id", s.postLive)
}

func (s *Server) getLive(c *fiber.Ctx) error {
	last, _, _ := strings.Cut(strings.Clone(c.Get("Last-Event-ID")), ".")
	st, connection, resumed, err := s.hub.open(last, strings.Clone(track.CallerOf(c.UserContext()).Name))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no")
	// The deadline stays on the connection, so no other request may come on it.
	c.Context().SetConnectionClose()
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.hub.leave(st, connection)
		// One that fails says that the connection is closed, and so does the write that follows.
		s.write(w, st, connection, resumed, func() { _ = conn.SetWriteDeadline(time.Now().Add(s.patience)) })
	})
	return nil
}

// write sends events until the connection, the server or the time of the stream ends. Before each it calls extend, which
// gives the reader more time.
func (s *Server) write(w *bufio.Writer, st *stream, connection int, resumed bool, extend func()) {
	extend()
	fmt.Fprintf(w, "retry: 1000\nid: %s.0\nevent: hello\ndata: {\"id\":%q,\"resumed\":%v}\n\n", st.id, st.id, resumed)
	if w.Flush() != nil {
		return
	}
	beat, end := time.NewTicker(heartbeat), time.NewTimer(streamAge)
	defer beat.Stop()
	defer end.Stop()
	for {
		select {
		case <-st.wake:
		case <-beat.C:
			extend()
			if _, err := w.WriteString(":\n\n"); err != nil || w.Flush() != nil {
				return
			}
			continue
		case <-end.C:
			return
		}
		b := s.hub.take(st, connection)
		if b.ended {
			return
		}
		extend()
		if b.send(w, st) != nil {
			return
		}
		time.Sleep(pace)
	}
}

// send writes a reset, or rows, or nothing if nothing of it is wanted.
func (b *batch) send(w *bufio.Writer, st *stream) error {
	if b.reset != "" {
		fmt.Fprintf(w, "id: %s.%d\nevent: reset\ndata: {\"reason\":%q}\n\n", st.id, b.event, b.reset)
		return w.Flush()
	}
	st.rows.Lock()
	ids, lines := rowsOf(b.sections, b.wants)
	st.rows.Unlock()
	if len(ids) == 0 {
		return nil
	}
	e := jx.GetEncoder()
	defer jx.PutEncoder(e)
	encodeLines(e, ids, lines)
	fmt.Fprintf(w, "id: %s.%d\nevent: points\ndata: ", st.id, b.event)
	_, _ = w.Write(e.Bytes()) // Flush gives the error
	_, _ = w.WriteString("\n\n")
	return w.Flush()
}

func (s *Server) postLive(c *fiber.Ctx) error {
	f, err := chart.ReadFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), readTimeout)
	defer cancel()
	wants, err := s.parse(ctx, f)
	if err != nil {
		return err
	}
	if err := s.hub.subscribe(strings.Clone(c.Params("id")), track.CallerOf(ctx).Name, wants); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.SendString("{}")
}

// parse reads subscriptions, and the starts of their runs.
func (s *Server) parse(ctx context.Context, f mlflow.Fields) (map[string][]want, error) {
	all, err := f.Objects("subscriptions")
	if err != nil {
		return nil, err
	}
	out, pairs := make(map[string][]want), 0
	var ids []string
	for _, one := range all {
		id, err := one.RequiredID("run_id")
		if err != nil {
			return nil, err
		}
		w, err := parseWant(one)
		if err != nil {
			return nil, err
		}
		if pairs += len(w.keys); pairs > pairsMax {
			return nil, track.Errorf(track.InvalidParameterValue, "'subscriptions' are of more than %d runs and keys; leave out what is not on the screen", pairsMax)
		}
		ids = append(ids, id)
		out[id] = append(out[id], w)
	}
	docs, err := s.runs.RunDocuments(ctx, ids)
	if err != nil {
		return nil, err
	}
	for id, wants := range out {
		if docs[id] == nil {
			return nil, track.Errorf(track.ResourceDoesNotExist, "Run with id=%.40s not found", id)
		}
		for i := range wants {
			wants[i].startMS = docs[id].GetStartMs()
			for key := range wants[i].keys {
				if l, ok := s.runs.LatestInMemory(id, key); ok {
					wants[i].lowest[key] = l.Rank
				}
			}
		}
	}
	return out, nil
}

func parseWant(f mlflow.Fields) (w want, err error) {
	keys, err := f.Strings("keys")
	if err != nil {
		return w, err
	}
	if len(keys) == 0 {
		return w, mlflow.MissingParameter("keys")
	}
	w.keys, w.lowest = make(map[string]bool, len(keys)), make(map[string]uint32)
	for _, k := range keys {
		w.keys[k] = true
	}
	rank := ""
	if f.Has("rank") {
		if rank, err = f.ID("rank"); err != nil {
			return w, err
		}
	}
	if w.ranks, err = chart.ParseRanks(rank); err != nil {
		return w, err
	}
	axis, err := f.String("axis")
	if err != nil {
		return w, err
	}
	if axis == "" {
		axis = "step"
	}
	if w.grid.Axis, err = series.ParseAxis(axis); err != nil {
		return w, track.Errorf(track.InvalidParameterValue, "%v", err)
	}
	width, err := f.Int64("bucket_width", 0)
	if err != nil {
		return w, err
	}
	if width < 0 || width&(width-1) != 0 {
		return w, track.Errorf(track.InvalidParameterValue, "'bucket_width' must be 0 or a power of two, as the line that was read has it, not %d", width)
	}
	w.grid.Raw = width == 0
	if width > 0 {
		w.grid.Shift = uint8(bits.TrailingZeros64(uint64(width)))
	}
	return w, nil
}
