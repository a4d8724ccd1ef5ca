package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/document"
)

const (
	// pullMessagesMax and pullBytesMax bound what the server sends ahead.
	pullMessagesMax, pullBytesMax = 2048, 8 << 20
	// heartbeat tells a dead server from a silent log; two missing ones make a new consumer.
	heartbeat = 500 * time.Millisecond
	// inactiveMax is how long the server keeps a consumer of a reader that is busy, or gone.
	inactiveMax = 5 * time.Minute
	// pendingWait is how long Fetch waits for a message that the server has said is coming.
	pendingWait = 5 * time.Millisecond
	// appendPendingMax bounds what is appended and not acknowledged yet: at most that many MiB.
	appendPendingMax = 64
	// requestMax bounds a request to the server.
	requestMax = 10 * time.Second
)

// Source is a log of JetStream. It implements consumers.Source.
type Source struct {
	js     jetstream.JetStream
	stream string
	// subjects are all that is read of the stream; none: everything.
	subjects []string

	next     uint64
	messages jetstream.MessagesContext
	// reconnects tells that the connection was made anew: what was on its way over the old one is lost, and
	// the consumer does not send it again.
	reconnects chan nats.Status
	consumer   string
	// delivered is the consumer's count of messages: a jump means that one was lost on the way.
	delivered uint64
	kept      *consumers.Message
}

var (
	_ consumers.Source   = (*Source)(nil)
	_ consumers.Appender = (*Source)(nil)
)

// NewLane reads a lane.
func NewLane(js jetstream.JetStream, lane uint16) *Source {
	return &Source{js: js, stream: bus.LaneStream(lane), next: 1}
}

// NewDocuments reads the documents' stream.
func NewDocuments(js jetstream.JetStream) *Source {
	return &Source{js: js, stream: bus.DocsStream, next: 1}
}

// NewModelChanges reads what the history of registered models and their versions remembers.
func NewModelChanges(js jetstream.JetStream) *Source {
	of := func(prefix string) string { return bus.DocSubject(document.HistoryPrefix + prefix + ">") }
	return &Source{js: js, stream: bus.DocsStream, next: 1, subjects: []string{of(document.RegisteredModelPrefix), of(document.ModelVersionPrefix)}}
}

// NewRuns reads the documents of runs.
func NewRuns(js jetstream.JetStream) *Source {
	return &Source{js: js, stream: bus.DocsStream, next: 1, subjects: []string{bus.DocSubject(document.RunPrefix + ">")}}
}

// Close lets the server forget the reader.
func (s *Source) Close() { s.close() }

// Seek implements consumers.Source.
func (s *Source) Seek(_ context.Context, seq uint64) error {
	s.close()
	s.next, s.kept = max(seq, 1), nil
	return nil
}

// Fetch implements consumers.Source.
func (s *Source) Fetch(ctx context.Context, bytesMax int) ([]consumers.Message, error) {
	var out []consumers.Message
	bytes := 0
	pending := true
	if s.kept != nil {
		out, bytes, s.kept = append(out, *s.kept), len(s.kept.Data), nil
	}
	for pending && len(out) < pullMessagesMax {
		m, more, err := s.read(ctx, len(out) > 0)
		switch {
		case err != nil && len(out) > 0:
			return out, nil // what is wrong shows at the next call
		case err != nil:
			return nil, err
		case len(out) > 0 && bytes+len(m.Data) > bytesMax:
			s.kept = &m
			return out, nil
		}
		out = append(out, m)
		bytes += len(m.Data)
		pending = more
	}
	return out, nil
}

// read gives the next message and says whether the server has more. Following messages of a fetch are waited
// for only shortly.
func (s *Source) read(ctx context.Context, following bool) (consumers.Message, bool, error) {
	for {
		if s.messages == nil {
			if err := s.open(ctx); err != nil {
				return consumers.Message{}, false, err
			}
		}
		wait := jetstream.NextContext(ctx)
		if following {
			wait = jetstream.NextMaxWait(pendingWait)
		}
		msg, err := s.messages.Next(wait)
		if err != nil {
			if following || ctx.Err() != nil {
				return consumers.Message{}, false, err
			}
			s.close()
			if lost(err) {
				continue
			}
			return consumers.Message{}, false, fmt.Errorf("read %s from %d: %w", s.stream, s.next, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			s.close()
			return consumers.Message{}, false, fmt.Errorf("read %s from %d: %w", s.stream, s.next, err)
		}
		if meta.Consumer != s.consumer || meta.Sequence.Consumer != s.delivered+1 {
			s.close() // a message of this consumer got lost: start again behind the last good one
			continue
		}
		s.delivered, s.next = meta.Sequence.Consumer, meta.Sequence.Stream+1
		return consumers.Message{
			Seq: meta.Sequence.Stream, TimeMS: meta.Timestamp.UnixMilli(), Subject: msg.Subject(), Data: msg.Data(),
			Deleted: msg.Headers().Get("KV-Operation") != "" || msg.Headers().Get("Nats-Marker-Reason") != "",
		}, meta.NumPending > 0, nil
	}
}

// lost says whether an error only means that a consumer is gone.
func lost(err error) bool {
	return errors.Is(err, jetstream.ErrNoHeartbeat) || errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrMsgIteratorClosed)
}

func (s *Source) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	reconnects := s.js.Conn().StatusChanged(nats.CONNECTED)
	c, err := s.js.CreateConsumer(ctx, s.stream, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: s.next, FilterSubjects: s.subjects,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: inactiveMax,
	})
	if err != nil {
		s.js.Conn().RemoveStatusListener(reconnects)
		return fmt.Errorf("open %s at %d: %w", s.stream, s.next, err)
	}
	messages, err := c.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMessagesMax, pullBytesMax),
		jetstream.PullHeartbeat(heartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		s.js.Conn().RemoveStatusListener(reconnects)
		return fmt.Errorf("read %s at %d: %w", s.stream, s.next, err)
	}
	s.messages, s.reconnects, s.consumer, s.delivered = messages, reconnects, c.CachedInfo().Name, 0
	go func() {
		for range reconnects { // until it is removed
			messages.Stop()
		}
	}()
	return nil
}

// close leaves the consumer to the server, which forgets it after a while; asking for its removal would wait
// for a server that may be gone.
func (s *Source) close() {
	if s.messages != nil {
		s.js.Conn().RemoveStatusListener(s.reconnects)
		s.messages.Stop()
		s.messages = nil
	}
}

// State implements consumers.Source.
func (s *Source) State(ctx context.Context) (consumers.State, error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	stream, err := s.js.Stream(ctx, s.stream)
	if err != nil {
		return consumers.State{}, fmt.Errorf("state of %s: %w", s.stream, err)
	}
	info := stream.CachedInfo()
	return consumers.State{
		First: info.State.FirstSeq, Last: info.State.LastSeq, Messages: info.State.Msgs, Bytes: info.State.Bytes,
		BytesMax: uint64(max(info.Config.MaxBytes, 0)),
	}, nil
}

// Purge implements consumers.Source.
func (s *Source) Purge(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	stream, err := s.js.Stream(ctx, s.stream)
	if err != nil {
		return fmt.Errorf("purge %s: %w", s.stream, err)
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(seq+1)); err != nil {
		return fmt.Errorf("purge %s to %d: %w", s.stream, seq, err)
	}
	return nil
}

// Append implements consumers.Appender.
func (s *Source) Append(ctx context.Context, messages []consumers.Message) error {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	for len(messages) > 0 {
		n := min(len(messages), appendPendingMax)
		acks := make([]jetstream.PubAckFuture, n)
		for i, m := range messages[:n] {
			ack, err := s.js.PublishAsync(m.Subject, m.Data, jetstream.WithExpectStream(s.stream))
			if err != nil {
				return fmt.Errorf("append to %s: %w", s.stream, err)
			}
			acks[i] = ack
		}
		for _, a := range acks {
			select {
			case <-a.Ok():
			case err := <-a.Err():
				return fmt.Errorf("append to %s: %w", s.stream, err)
			case <-ctx.Done():
				return fmt.Errorf("append to %s: %w", s.stream, ctx.Err())
			}
		}
		messages = messages[n:]
	}
	return nil
}
