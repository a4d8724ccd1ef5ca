// Package kafka appends frames to lanes on a topic of Kafka: lane n is partition n.
//
// A frame is acknowledged once all in-sync replicas have it. The client library has no idempotent producer, so a
// frame whose answer was lost and that is appended again lies on the topic twice; its name makes the second a repeat to the lane's consumer.
// A topic has no limit that refuses new records, only such that drop old ones, which lanes must not have; so the
// limit of a lane is kept here, for the points that come over HTTP. Jobs that publish to the topic by themselves
// are bounded by the brokers' quotas and disks.
package kafka

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go"

	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/schemas/topic"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// edgeKey is the key of records from the server's edge.
	edgeKey = "edge"
	// namesMax is how many frames of a lane are recognised when they are appended again.
	namesMax = 4096
	// recordBytes is about what a record and its batch take beside the frame.
	recordBytes = 128
	// Retry-After of refusals: a full lane needs its consumer to apply a batch, missing replicas need a person.
	fullRetrySeconds     = 1
	replicasRetrySeconds = 5
)

// Appender is lane.Appender over a topic. Methods may be called at once.
type Appender struct {
	topic    *topic.Topic
	bytesMax uint64

	mu    sync.Mutex
	lanes map[uint16]*partition
}

// New makes an Appender to a topic that Ensure has found well. bytesMax limits what may lie on a lane; 0 is no limit.
func New(t *topic.Topic, bytesMax uint64) *Appender {
	return &Appender{topic: t, bytesMax: bytesMax, lanes: make(map[uint16]*partition)}
}

// partition is a lane as its appender sees it. Whoever holds turn uses it.
type partition struct {
	turn chan struct{}
	// names are the last frames that were acknowledged, the oldest first.
	names map[name]*list.Element
	order list.List
	// used is what lay on the lane when it was last measured, and what was appended since.
	used     uint64
	measured bool
	// frames and frameBytes were appended by us, for the mean size of a frame.
	frames, frameBytes uint64
}

type name struct{ writer, number uint64 }

type acknowledged struct {
	name
	seq uint64
}

func (a *Appender) partition(laneNumber uint16) *partition {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.lanes[laneNumber]
	if p == nil {
		p = &partition{turn: make(chan struct{}, 1), names: make(map[name]*list.Element)}
		a.lanes[laneNumber] = p
	}
	return p
}

// Append is lane.Appender's.
func (a *Appender) Append(ctx context.Context, laneNumber uint16, frame []byte) (uint64, error) {
	writer, number, err := lane.Name(frame)
	if err != nil {
		return 0, err
	}
	p := a.partition(laneNumber)
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	if seq, ok := p.recall(name{writer, number}); ok {
		return seq, nil
	}
	if err := a.room(ctx, laneNumber, p, len(frame)); err != nil {
		return 0, err
	}
	seq, err := a.produce(ctx, laneNumber, frame)
	if err != nil {
		return 0, refusal(fmt.Errorf("append frame %x-%d to lane %d: %w", writer, number, laneNumber, err))
	}
	p.remember(acknowledged{name{writer, number}, seq}, len(frame)+recordBytes)
	return seq, nil
}

func (a *Appender) produce(ctx context.Context, laneNumber uint16, frame []byte) (uint64, error) {
	at, err := topic.Produced(a.topic.Client.Produce(ctx, &kafka.ProduceRequest{
		Topic: a.topic.Name, Partition: int(laneNumber), RequiredAcks: kafka.RequireAll,
		// Frames are packed already; a broker that wants less traffic may compress by itself.
		Records: kafka.NewRecordReader(kafka.Record{Key: kafka.NewBytes([]byte(edgeKey)), Value: kafka.NewBytes(frame)}),
	}))
	return uint64(at) + 1, err
}

func (p *partition) recall(n name) (uint64, bool) {
	e := p.names[n]
	if e == nil {
		return 0, false
	}
	return e.Value.(acknowledged).seq, true
}

func (p *partition) remember(a acknowledged, bytes int) {
	p.used += uint64(bytes)
	p.frames++
	p.frameBytes += uint64(bytes)
	p.names[a.name] = p.order.PushBack(a)
	if p.order.Len() > namesMax {
		delete(p.names, p.order.Remove(p.order.Front()).(acknowledged).name)
	}
}

// room refuses a frame that the lane has no room for. The brokers are asked when it seems so, and at first.
func (a *Appender) room(ctx context.Context, laneNumber uint16, p *partition, bytes int) error {
	fits := func() bool { return p.measured && p.used+uint64(bytes+recordBytes) <= a.bytesMax }
	if a.bytesMax == 0 || fits() {
		return nil
	}
	if err := a.measure(ctx, laneNumber, p); err != nil {
		return err
	}
	if !fits() {
		return &lane.Refused{Reason: track.Unavailable(track.ResourceExhausted, fullRetrySeconds,
			"lane %d is full of points that are not in ClickHouse yet; come back in a moment", laneNumber)}
	}
	return nil
}

// measure asks how many frames lie on a lane. Their size is not known to the brokers, only that of files, which may
// hold deleted frames as well; so the mean of our own frames counts, once there are some.
func (a *Appender) measure(ctx context.Context, laneNumber uint16, p *partition) error {
	first, end, err := a.topic.Offsets(ctx, laneNumber)
	if err != nil {
		return err
	}
	p.used, p.measured = 0, true
	switch frames := uint64(end - first); {
	case frames == 0:
	case p.frames > 0:
		p.used = frames * (p.frameBytes / p.frames)
	default:
		p.used, err = a.topic.Bytes(ctx, laneNumber)
		p.measured = err == nil
	}
	return err
}

// refusal recognises the errors after which a frame is certainly not stored.
func refusal(err error) error {
	switch {
	case errors.Is(err, kafka.NotEnoughReplicas):
		return &lane.Refused{Reason: track.Unavailable(track.TemporarilyUnavailable, replicasRetrySeconds,
			"the topic has fewer replicas in sync than its min.insync.replicas; see to the brokers")}
	case errors.Is(err, kafka.MessageSizeTooLarge), errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.InvalidTopic):
		return &lane.Refused{Reason: err}
	}
	return err
}
