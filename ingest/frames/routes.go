package frames

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/semaphore"

	"github.com/streamgauge/streamgauge/ingest/body"
	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/ingest/quota"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// heldBytesMax is what all requests together may have on their way to the bus.
	heldBytesMax = 64 << 20
	// heldWaitMax is how long a frame waits for the room of others.
	heldWaitMax       = 10 * time.Second
	retryAfterSeconds = 1
)

// contentTypes are the types of a body: what no page of another site can send without being asked whether it may.
var contentTypes = []string{"application/x-protobuf", "application/octet-stream"}

// Options of an Edge; Space and Lanes are required.
type Options struct {
	// Experiments are needed where callers can be confined to some.
	Experiments Experiments
	// Space is asked before anything is accepted; its error is the answer. It must be cheap.
	Space func() error
	// Lanes is how many lanes new runs are spread over.
	Lanes uint16
	// Quota limits how fast runs and tokens may write; nil: it does not.
	Quota *quota.Quota
	// Meter counts points.
	Meter *lane.Meter
}

// Edge takes frames in. Its methods may be called at once by many.
type Edge struct {
	runs  Runs
	lanes *lane.Lanes
	Options
	held *semaphore.Weighted
}

// New makes an edge that passes frames on to lanes.
func New(runs Runs, lanes *lane.Lanes, o Options) *Edge {
	return &Edge{runs: runs, lanes: lanes, Options: o, held: semaphore.NewWeighted(heldBytesMax)}
}

// Routes registers POST /v1/frames.
func (e *Edge) Routes(r fiber.Router) { r.Post("/v1/frames", e.post) }

func (e *Edge) post(c *fiber.Ctx) error {
	if err := checkHead(c); err != nil {
		return body.Refuse(c, err)
	}
	stream, err := body.NewStream(c)
	if err != nil {
		return err
	}
	result := e.take(c.UserContext(), stream)
	if result.err == nil {
		return answer(c, result)
	}
	return stream.Refuse(c, answer(c, result))
}

func checkHead(c *fiber.Ctx) error {
	kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	for _, t := range contentTypes {
		if strings.EqualFold(strings.TrimSpace(kind), t) {
			if c.Get(fiber.HeaderContentEncoding) != "" {
				return track.Errorf(track.InvalidParameterValue, "Content-Encoding: frames are sent as they are, without one")
			}
			return nil
		}
	}
	return track.Errorf(track.InvalidParameterValue, "Content-Type must be one of %s", strings.Join(contentTypes, ", "))
}

// result is what became of a request's frames.
type result struct {
	accepted        int
	bytes           int64
	warnings        []warning
	warningsLeftOut int
	// err is why the frame at offset was not accepted, nil if all were.
	err    error
	offset int64
}

// take reads frames until the end, or until one cannot be accepted.
func (e *Edge) take(ctx context.Context, r io.Reader) result {
	split, sending := newSplitter(r), newSending(e.pass)
	admission := &admission{runs: e.runs, experiments: e.Experiments, lanes: e.Lanes, byWriter: make(map[uint64]uint16)}
	var end error
	for !sending.failed.Load() {
		p, err := e.read(ctx, split, admission)
		if err != nil {
			end = err
			break
		}
		sending.send(ctx, p)
	}
	out := result{offset: split.offset, bytes: split.offset, warnings: admission.warnings, warningsLeftOut: admission.unwarned}
	if !errors.Is(end, io.EOF) {
		out.err = end
	}
	accepted, failed := sending.wait()
	out.accepted = accepted
	if failed != nil {
		out.err, out.offset, out.bytes = failed.err, failed.offset, failed.offset
	}
	return out
}

// read gives the next frame, checked and with its lane.
func (e *Edge) read(ctx context.Context, split *splitter, a *admission) (*parcel, error) {
	b, err := split.next()
	if err != nil {
		return nil, err
	}
	if err := e.Space(); err != nil {
		return nil, err
	}
	f, err := frame.Decode(b)
	if err != nil {
		return nil, malformed("%v", err)
	}
	laneNumber, err := a.admit(ctx, split.frames-1, f)
	if err != nil {
		return nil, err
	}
	p := &parcel{lane: laneNumber, writer: f.GetWriter(), frame: b, offset: split.offset, ordered: f.GetClose()}
	spent := make(map[string]int)
	for _, s := range f.GetSections() {
		n := len(s.GetPoints().GetKey())
		p.points += n
		p.ordered = p.ordered || len(s.GetEvents()) > 0
		spent[s.GetRunId()] += n + entries(s.GetEvents()) + len(s.GetValues()) + len(s.GetConsole())
	}
	if err := e.Quota.Take(time.Now(), track.CallerOf(ctx), spent); err != nil {
		e.Meter.RefuseRate()
		return nil, err
	}
	return p, nil
}

// entries is how much of a run's rate its events spend: each by itself, and the params and tags in it.
func entries(events []*sgpb.RunEvent) int {
	n := len(events)
	for _, e := range events {
		n += len(e.GetParams().GetParams()) + len(e.GetTags().GetTags()) + len(e.GetStarted().GetTags())
	}
	return n
}

// pass makes a frame durable.
func (e *Edge) pass(ctx context.Context, p *parcel) error {
	bytes := int64(len(p.frame))
	wait, cancel := context.WithTimeout(ctx, heldWaitMax)
	defer cancel()
	if e.held.Acquire(wait, bytes) != nil {
		return track.Unavailable(track.ResourceExhausted, retryAfterSeconds, "too many frames are on their way to the message bus; come back in a moment")
	}
	defer e.held.Release(bytes)
	err := e.lanes.Pass(ctx, p.lane, p.frame)
	if err == nil {
		e.Meter.Count(p.points)
	}
	return err
}

// answer writes a result as JSON.
func answer(c *fiber.Ctx, r result) error {
	status := fiber.StatusOK
	var w jx.Encoder
	w.ObjStart()
	if r.err != nil {
		status = refuse(c, &w, r.err)
	}
	w.FieldStart("accepted")
	w.Int(r.accepted)
	w.FieldStart("bytes")
	w.Int64(r.bytes)
	if r.err != nil {
		w.FieldStart("offset")
		w.Int64(r.offset)
	}
	if len(r.warnings) > 0 {
		w.Field("warnings", func(w *jx.Encoder) { encodeWarnings(w, r.warnings) })
		w.FieldStart("warnings_left_out")
		w.Int(r.warningsLeftOut)
	}
	w.ObjEnd()
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Status(status).Send(w.Bytes())
}

// refuse writes an error's code and message and answers the status that goes with them.
func refuse(c *fiber.Ctx, w *jx.Encoder, err error) (status int) {
	var e *track.Error
	if !errors.As(err, &e) {
		e = &track.Error{Code: track.InternalError, Message: err.Error()}
	}
	w.FieldStart("error_code")
	w.Str(string(e.Code))
	w.FieldStart("message")
	w.Str(e.Message)
	if e.RetryAfterSeconds > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(e.RetryAfterSeconds))
	}
	if e.Code == track.RequestTooLarge {
		return fiber.StatusRequestEntityTooLarge
	}
	return mlflow.Status(e.Code)
}

func encodeWarnings(w *jx.Encoder, warnings []warning) {
	w.Arr(func(w *jx.Encoder) {
		for _, x := range warnings {
			w.Obj(func(w *jx.Encoder) {
				w.FieldStart("frame")
				w.Int(x.frame)
				w.FieldStart("run_id")
				w.Str(x.runID)
				w.FieldStart("message")
				w.Str(x.message)
			})
		}
	})
}
