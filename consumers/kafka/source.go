package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

const (
	// fetchBytes is what a broker is asked for at once; what a caller has no room for is kept.
	fetchBytes = 4 << 20
	// fetchWait is how long a broker waits for a record before it answers with none.
	fetchWait = 500 * time.Millisecond
	// keyBytesMax of a record's key go into the subject.
	keyBytesMax = 256
	// fillerRecords are produced at once to move an empty lane on.
	fillerRecords = 50_000
)

// Source is a lane on Kafka. It implements consumers.Source.
type Source struct {
	topic *topic.Topic
	lane  uint16
	// bytesMax is the size that State tells as the lane's limit; Kafka itself has none that would not drop frames.
	bytesMax uint64

	// next is the offset to fetch; kept are messages that were fetched and not given yet.
	next int64
	kept []consumers.Message
	// read and readBytes are of all that was fetched, for the mean size of a message.
	read, readBytes atomic.Uint64
}

var _ consumers.Source = (*Source)(nil)

// NewLane reads a lane; bytesMax is what its publishers are limited to, 0 for no limit.
func NewLane(t *topic.Topic, lane uint16, bytesMax uint64) *Source {
	return &Source{topic: t, lane: lane, bytesMax: bytesMax}
}

// Seek implements consumers.Source.
func (s *Source) Seek(_ context.Context, seq uint64) error {
	s.next, s.kept = int64(max(seq, 1)-1), nil
	return nil
}

// Fetch implements consumers.Source.
func (s *Source) Fetch(ctx context.Context, bytesMax int) ([]consumers.Message, error) {
	for len(s.kept) == 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.fetch(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			// A connection has the context's deadline, and may see it pass before the context says so.
			if at, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(at) {
				return nil, context.DeadlineExceeded
			}
			return nil, fmt.Errorf("read lane %d of topic %s from %d: %w", s.lane, s.topic.Name, s.next+1, err)
		}
	}
	n, bytes := 0, 0
	for n < len(s.kept) {
		if bytes += len(s.kept[n].Data); n > 0 && bytes > bytesMax {
			break
		}
		n++
	}
	out := s.kept[:n:n]
	s.kept = s.kept[n:]
	return out, nil
}

// fetch asks the broker once. Having nothing is no error.
func (s *Source) fetch(ctx context.Context) error {
	answer, err := s.topic.Client.Fetch(ctx, &kafka.FetchRequest{
		Topic: s.topic.Name, Partition: int(s.lane), Offset: s.next,
		MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait, IsolationLevel: kafka.ReadUncommitted,
	})
	if err != nil {
		return err
	}
	if errors.Is(answer.Error, kafka.OffsetOutOfRange) {
		return s.passOver(ctx)
	}
	if answer.Error != nil {
		return answer.Error
	}
	for {
		r, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a record: %w", err)
		}
		if err := s.keep(r); err != nil {
			return err
		}
	}
}

// passOver goes on where the lane starts now. A lane that ends before what was read is not the lane that was read.
func (s *Source) passOver(ctx context.Context) error {
	first, end, err := s.topic.Offsets(ctx, s.lane)
	if err != nil {
		return err
	}
	if s.next > end {
		return fmt.Errorf("the topic ends at %d, before what was read of it: it was made anew or lost records", end)
	}
	s.next = max(s.next, first)
	return nil
}

// keep takes a record over, unless it is of a batch that starts before what was asked for.
func (s *Source) keep(r *kafka.Record) error {
	if r.Offset < s.next {
		return closeRecord(r)
	}
	data, err := protocol.ReadAll(r.Value)
	if err != nil {
		return fmt.Errorf("read the record at offset %d: %w", r.Offset, err)
	}
	key, err := protocol.ReadAll(r.Key)
	if err != nil {
		return fmt.Errorf("read the key of the record at offset %d: %w", r.Offset, err)
	}
	if err := closeRecord(r); err != nil {
		return err
	}
	s.next = r.Offset + 1
	if filler(r) {
		return nil
	}
	s.kept = append(s.kept, consumers.Message{
		Seq: uint64(r.Offset) + 1, TimeMS: r.Time.UnixMilli(), Subject: subject(s.lane, key), Data: data,
	})
	s.read.Add(1)
	s.readBytes.Add(uint64(len(data)))
	return nil
}

// subject is what a frame would have as its subject on NATS: who sent it stands in the record's key.
func subject(lane uint16, key []byte) string {
	return bus.RunSubject(lane, string(key[:min(len(key), keyBytesMax)]))
}

func filler(r *kafka.Record) bool {
	return len(r.Headers) == 1 && r.Headers[0].Key == topic.FillerHeader
}

func closeRecord(r *kafka.Record) error {
	var errs []error
	for _, b := range []protocol.Bytes{r.Key, r.Value} {
		if b != nil {
			errs = append(errs, b.Close())
		}
	}
	return errors.Join(errs...)
}

// State implements consumers.Source. Kafka knows the size of files, not of records: Bytes is the mean size of a
// message times their number.
func (s *Source) State(ctx context.Context) (consumers.State, error) {
	first, end, err := s.topic.Offsets(ctx, s.lane)
	if err != nil {
		return consumers.State{}, err
	}
	state := consumers.State{First: uint64(first) + 1, Last: uint64(end), Messages: uint64(end - first), BytesMax: s.bytesMax}
	if state.Messages == 0 {
		return state, nil
	}
	if s.read.Load() == 0 {
		bytes, err := s.topic.Bytes(ctx, s.lane)
		if err != nil {
			return consumers.State{}, err
		}
		s.readBytes.Store(bytes)
		s.read.Store(state.Messages)
	}
	state.Bytes = state.Messages * s.readBytes.Load() / s.read.Load()
	return state, nil
}

// Purge implements consumers.Source. A lane can only be moved past its end by records that take the offsets, so
// that is possible while it is empty.
func (s *Source) Purge(ctx context.Context, seq uint64) error {
	first, end, err := s.topic.Offsets(ctx, s.lane)
	if err != nil {
		return err
	}
	if int64(seq) > end {
		if first < end {
			if err := s.topic.Delete(ctx, s.lane, end); err != nil {
				return err
			}
		}
		return s.fill(ctx, end, int64(seq))
	}
	if int64(seq) <= first {
		return nil
	}
	return s.topic.Delete(ctx, s.lane, int64(seq))
}

// fill moves an empty lane on from one offset to another.
func (s *Source) fill(ctx context.Context, from, to int64) error {
	for from < to {
		n := min(to-from, fillerRecords)
		records := make([]kafka.Record, n)
		for i := range records {
			records[i].Headers = []kafka.Header{{Key: topic.FillerHeader}}
		}
		at, err := topic.Produced(s.topic.Client.Produce(ctx, &kafka.ProduceRequest{
			Topic: s.topic.Name, Partition: int(s.lane), RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
		}))
		if err != nil {
			return fmt.Errorf("move lane %d on from offset %d: %w", s.lane, from, err)
		}
		if at != from {
			return fmt.Errorf("move lane %d on from offset %d: somebody else writes to it meanwhile; stop the publishers, empty the topic %s and start again", s.lane, from, s.topic.Name)
		}
		from += n
		if err := s.topic.Delete(ctx, s.lane, from); err != nil {
			return err
		}
	}
	return nil
}
