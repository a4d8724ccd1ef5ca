// Package nats appends frames to lanes on NATS JetStream.
//
// A lane is a stream with a limit of bytes that refuses what is beyond it: nothing on it expires, and the lane's
// consumer removes what is applied. A frame's name is its message id, so within the stream's window of repeats an
// append can be repeated without harm.
package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// repeatsWindow is how long a stream recognises a repeated frame; publishers give up far earlier.
	repeatsWindow = 2 * time.Minute
	// messageBytesMax is a frame with its headers.
	messageBytesMax = 1 << 20
	// Retry-After of refusals: a full lane needs its consumer to apply a batch, a full disk needs a person.
	fullRetrySeconds  = 1
	spaceRetrySeconds = 5
)

// JetStream's error codes of messages that are not stored. 10077 carries whatever the store says; only the
// limit is certain.
const (
	errAccountResources jetstream.ErrorCode = 10002
	errInsufficient     jetstream.ErrorCode = 10023
	errStorageResources jetstream.ErrorCode = 10047
	errMessageTooLarge  jetstream.ErrorCode = 10054
	errStoreFailed      jetstream.ErrorCode = 10077
	errStreamBytes      jetstream.ErrorCode = 10122
	errTooManyRequests  jetstream.ErrorCode = 10167
)

// Appender is lane.Appender over JetStream. Methods may be called at once.
type Appender struct{ js jetstream.JetStream }

// New makes an Appender; the lanes it appends to must exist.
func New(js jetstream.JetStream) *Appender { return &Appender{js: js} }

// Append is lane.Appender's.
func (a *Appender) Append(ctx context.Context, laneNumber uint16, frame []byte) (uint64, error) {
	writer, number, err := lane.Name(frame)
	if err != nil {
		return 0, err
	}
	id := strconv.FormatUint(writer, 16) + "-" + strconv.FormatUint(number, 10)
	m := &nats.Msg{Subject: bus.EdgeSubject(laneNumber), Data: frame}
	// The publisher repeats by itself, and knows better what a failure means.
	ack, err := a.js.PublishMsg(ctx, m, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, refusal(laneNumber, fmt.Errorf("append frame %s to lane %d: %w", id, laneNumber, err))
	}
	return ack.Sequence, nil
}

// refusal recognises the errors after which a frame is certainly not stored.
func refusal(laneNumber uint16, err error) error {
	var answer jetstream.JetStreamError
	if !errors.As(err, &answer) || answer.APIError() == nil {
		return err
	}
	switch api := answer.APIError(); api.ErrorCode {
	case errStoreFailed:
		if !strings.Contains(api.Description, "maximum bytes exceeded") && !strings.Contains(api.Description, "maximum messages exceeded") {
			return err
		}
		return full(laneNumber)
	case errStreamBytes, errTooManyRequests:
		return full(laneNumber)
	case errAccountResources, errInsufficient, errStorageResources:
		return &lane.Refused{Reason: track.Unavailable(track.TemporarilyUnavailable, spaceRetrySeconds, "the message bus has no space left: %s", api.Description)}
	case errMessageTooLarge:
		return &lane.Refused{Reason: err}
	}
	return err
}

func full(laneNumber uint16) error {
	return &lane.Refused{Reason: track.Unavailable(track.ResourceExhausted, fullRetrySeconds, "lane %d is full of points that are not in ClickHouse yet; come back in a moment", laneNumber)}
}

// Options adjust a lane.
type Options struct {
	// MaxBytes limits what may lie on the lane; 0 is no limit.
	MaxBytes int64
	// Replicas on a cluster; 0 is 1.
	Replicas int
}

// EnsureLane creates the stream of a lane, or adjusts it.
func EnsureLane(ctx context.Context, js jetstream.JetStream, laneNumber uint16, o Options) error {
	if o.MaxBytes == 0 {
		o.MaxBytes = -1
	}
	_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        bus.LaneStream(laneNumber),
		Description: "frames of lane " + strconv.Itoa(int(laneNumber)),
		Subjects:    []string{bus.LaneSubjects(laneNumber)},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    o.MaxBytes,
		MaxMsgs:     -1,
		MaxMsgSize:  messageBytesMax,
		Duplicates:  repeatsWindow,
		Replicas:    max(o.Replicas, 1),
		AllowDirect: true,
	})
	if err != nil {
		return fmt.Errorf("create lane %d: %w", laneNumber, err)
	}
	return nil
}
