package streamgauge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/clients/go/head"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// underWayMax is how many frames are published before the first of them is acknowledged.
	underWayMax = 64
	// ackTimeout is how long an acknowledgement may take before the frames are sent again.
	ackTimeout = 10 * time.Second
	// placesMax bounds the writers whose lanes are remembered.
	placesMax = 4096
	// fullPause is between attempts on a full lane: its consumer needs a moment to write a batch.
	fullPause = 500 * time.Millisecond
)

// NATS is a Transport that publishes straight to the lanes.
type NATS struct {
	conn *nats.Conn
	js   jetstream.JetStream
	// places of writers: what a writer was told first holds for its life.
	places map[uint64]place
}

// place is where a writer publishes.
type place struct {
	lane uint16
	run  string
}

// NewNATS publishes over a connection, which stays the caller's. A token of role write is its password, or its token.
func NewNATS(conn *nats.Conn) (*NATS, error) {
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(2*underWayMax), jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return &NATS{conn: conn, js: js, places: make(map[uint64]place)}, nil
}

// Send is Transport's. Frames with points alone are under way together; one with events is sent when those before it
// are acknowledged, and the next one after it, for events must not overtake each other.
func (t *NATS) Send(ctx context.Context, frames [][]byte) (accepted int, err error) {
	var w underWay
	for _, f := range frames {
		if err = t.publish(ctx, &w, f); err != nil {
			break
		}
	}
	w.settle(ctx, 0) // also after an error: those before it count
	if w.failed != nil {
		err = w.failed
	}
	return w.accepted, err
}

// publish sends a frame when its turn has come.
func (t *NATS) publish(ctx context.Context, w *underWay, f []byte) error {
	h, err := head.Read(f)
	if err != nil {
		return &Refused{Reason: err}
	}
	at, err := t.place(ctx, h)
	if err != nil {
		return err
	}
	before, after := underWayMax-1, underWayMax
	if h.Events {
		before, after = 0, 0
	}
	if w.settle(ctx, before); w.failed != nil {
		return w.failed
	}
	id := fmt.Sprintf("%x-%d", h.Writer, h.Number)
	ack, err := t.js.PublishAsync(bus.RunSubject(at.lane, at.run), f, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	if err != nil {
		return natsError(err)
	}
	w.acks = append(w.acks, ack)
	w.settle(ctx, after)
	return w.failed
}

// underWay are frames that are published and not acknowledged.
type underWay struct {
	acks     []jetstream.PubAckFuture
	accepted int
	failed   error
}

// settle waits for the oldest until at most so many are left, or one has failed.
func (w *underWay) settle(ctx context.Context, most int) {
	for w.failed == nil && len(w.acks) > most {
		select {
		case <-w.acks[0].Ok():
			w.acks = w.acks[1:]
			w.accepted++
		case err := <-w.acks[0].Err():
			w.failed = natsError(err)
		case <-ctx.Done():
			w.failed = context.Cause(ctx)
		}
	}
}

// natsError says what an error of NATS means for a frame.
func natsError(err error) error {
	if errors.Is(err, nats.ErrMaxPayload) {
		return &Refused{Reason: err}
	}
	var answer jetstream.JetStreamError
	if errors.As(err, &answer) && answer.APIError() != nil {
		switch api := answer.APIError(); {
		case api.ErrorCode == errMessageTooLarge:
			return &Refused{Reason: err}
		case strings.Contains(api.Description, "maximum bytes exceeded"):
			return &Later{After: fullPause, Reason: fmt.Errorf("the lane is full: %w", err)}
		}
	}
	return fmt.Errorf("publish a frame: %w", err)
}

// errMessageTooLarge is JetStream's code.
const errMessageTooLarge jetstream.ErrorCode = 10054

// place answers where the frame's writer publishes, and asks the server if it is new.
func (t *NATS) place(ctx context.Context, h head.Head) (place, error) {
	at, known := t.places[h.Writer]
	if !known && len(h.Runs) == 0 {
		return at, &Refused{Reason: errors.New("the first frame of a writer has no section, and so no lane; add one with the run's id")}
	}
	if known && len(h.Runs) <= 1 && (len(h.Runs) == 0 || h.Runs[0] == at.run) {
		return at, nil
	}
	for _, run := range h.Runs {
		lane, err := t.lane(ctx, run, h)
		if err != nil {
			return at, err
		}
		if known && lane != at.lane {
			return at, &Refused{Reason: fmt.Errorf("run %s belongs to lane %d, and the writer %016x has sent to lane %d; draw a writer for each run", run, lane, h.Writer, at.lane)}
		}
		if !known {
			at, known = place{lane: lane, run: run}, true
		}
	}
	if len(t.places) >= placesMax {
		clear(t.places)
	}
	t.places[h.Writer] = at
	return at, nil
}

// Lane is where a frame goes; its writer stays there.
func (t *NATS) Lane(ctx context.Context, f []byte) (uint16, error) {
	h, err := head.Read(f)
	if err != nil {
		return 0, &Refused{Reason: err}
	}
	at, err := t.place(ctx, h)
	return at.lane, err
}

// Stay has the writer of a frame go on with the lane that it was given by an earlier process.
func (t *NATS) Stay(f []byte, lane uint16) {
	if h, err := head.Read(f); err == nil && len(h.Runs) > 0 {
		t.places[h.Writer] = place{lane: lane, run: h.Runs[0]}
	}
}

// lane asks the server.
func (t *NATS) lane(ctx context.Context, run string, h head.Head) (uint16, error) {
	question, err := json.Marshal(map[string]any{"run_id": run, "ranks": h.Ranks})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	m, err := t.conn.RequestWithContext(ctx, bus.LanesSubject, question)
	if err != nil {
		return 0, fmt.Errorf("ask for the lanes of run %s: %w", run, err)
	}
	var a struct {
		RunLanes []uint16 `json:"run_lanes"`
		Code     string   `json:"error_code"`
		Message  string
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return 0, fmt.Errorf("ask for the lanes of run %s: %w", run, err)
	}
	switch {
	case a.Code == string(track.InvalidParameterValue):
		return 0, &Refused{Reason: errors.New(a.Message)}
	case len(a.RunLanes) == 0:
		return 0, fmt.Errorf("ask for the lanes of run %s: %s %s", run, a.Code, a.Message)
	}
	return a.RunLanes[h.Writer%uint64(len(a.RunLanes))], nil
}
