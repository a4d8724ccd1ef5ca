// Package topic is a topic of Kafka that carries lanes: its partition n is lane n, and a frame's sequence on the lane
// is its offset plus one, so that 0 is before all, as it is on NATS.
//
// It holds what both who appends to the topic and who reads it must know. Kafka's client library has no idempotent
// producer; frames have names, by which consumers drop repeats, so none is needed.
package topic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
)

// NameDefault is what the topic is called unless it is said otherwise.
const NameDefault = "sg.points"

const (
	// RequestMax bounds every request to a broker.
	RequestMax = 10 * time.Second
	// dialMax bounds the making of a connection; metadataMax is how long a broker that has lost a partition is still
	// asked for it.
	dialMax     = 3 * time.Second
	idleMax     = 30 * time.Second
	metadataMax = 2 * time.Second
)

// FillerHeader marks a record without a frame, which only takes an offset.
const FillerHeader = "streamgauge-filler"

// Topic asks the brokers about one topic. Methods may be called at once.
type Topic struct {
	Name      string
	Client    *kafka.Client
	transport *kafka.Transport
}

// Open makes a Topic, in the clear; nothing is asked yet. Brokers are host:port of some of the cluster.
func Open(brokers []string, name string) *Topic {
	t, _ := OpenAs(brokers, name, Access{}) // there is nothing to be wrong
	return t
}

// OpenAs is Open for brokers that want TLS or a login; its error is one of Access.Check.
func OpenAs(brokers []string, name string, access Access) (*Topic, error) {
	config, login, err := access.open()
	if err != nil {
		return nil, err
	}
	t := &kafka.Transport{
		Dial:        (&net.Dialer{Timeout: dialMax}).DialContext,
		DialTimeout: dialMax, IdleTimeout: idleMax, MetadataTTL: metadataMax, MetadataTopics: []string{name}, ClientID: "streamgauge",
		TLS: config, SASL: login,
	}
	return &Topic{Name: name, Client: &kafka.Client{Addr: kafka.TCP(brokers...), Timeout: RequestMax, Transport: t}, transport: t}, nil
}

// Close ends the connections.
func (t *Topic) Close() { t.transport.CloseIdleConnections() }

// Partitions is how many there are; each is a lane.
func (t *Topic) Partitions(ctx context.Context) (int, error) {
	answer, err := t.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{t.Name}})
	if err == nil && len(answer.Topics) == 1 {
		err = answer.Topics[0].Error
	}
	if err != nil {
		return 0, fmt.Errorf("ask the Kafka brokers for topic %s: %w", t.Name, err)
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) == 0 {
		return 0, fmt.Errorf("ask the Kafka brokers for topic %s: they do not say how many partitions it has", t.Name)
	}
	return len(answer.Topics[0].Partitions), nil
}

// Offsets are the first offset that a lane still holds and the one that its next record will have.
func (t *Topic) Offsets(ctx context.Context, lane uint16) (first, end int64, err error) {
	partition := int(lane)
	answer, err := t.Client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics:         map[string][]kafka.OffsetRequest{t.Name: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}},
		IsolationLevel: kafka.ReadUncommitted,
	})
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the offsets of lane %d: %w", lane, err)
	}
	for _, p := range answer.Topics[t.Name] {
		if p.Partition != partition {
			continue
		}
		if p.Error != nil {
			return 0, 0, fmt.Errorf("ask for the offsets of lane %d: %w", lane, p.Error)
		}
		return p.FirstOffset, p.LastOffset, nil
	}
	return 0, 0, fmt.Errorf("ask for the offsets of lane %d: the broker does not say", lane)
}

// Delete removes the records of a lane before an offset.
func (t *Topic) Delete(ctx context.Context, lane uint16, before int64) error {
	ctx, cancel := context.WithTimeout(ctx, RequestMax)
	defer cancel()
	answer, err := t.transport.RoundTrip(ctx, t.Client.Addr, &DeleteRecordsRequest{
		Topics:    []DeleteRecordsTopic{{Name: t.Name, Partitions: []DeleteRecordsPartition{{Index: int32(lane), Offset: before}}}},
		TimeoutMS: int32(RequestMax / 2 / time.Millisecond),
	})
	if err != nil {
		return fmt.Errorf("delete records of lane %d before offset %d: %w", lane, before, err)
	}
	topics := answer.(*DeleteRecordsResponse).Topics
	if len(topics) != 1 || len(topics[0].Partitions) != 1 {
		return fmt.Errorf("delete records of lane %d before offset %d: the broker does not answer for it", lane, before)
	}
	if code := topics[0].Partitions[0].ErrorCode; code != 0 {
		return fmt.Errorf("delete records of lane %d before offset %d: %w", lane, before, kafka.Error(code))
	}
	return nil
}

// Bytes is what the files of a lane take at its leader. Deleted records are in it until their file goes.
func (t *Topic) Bytes(ctx context.Context, lane uint16) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestMax)
	defer cancel()
	answer, err := t.transport.RoundTrip(ctx, t.Client.Addr, &LogDirsRequest{Topics: []LogDirsTopic{{Name: t.Name, Partitions: []int32{int32(lane)}}}})
	if err != nil {
		return 0, fmt.Errorf("ask for the size of lane %d: %w", lane, err)
	}
	for _, dir := range answer.(*LogDirsResponse).Dirs {
		for _, topic := range dir.Topics {
			for _, p := range topic.Partitions {
				if p.Index == int32(lane) && !p.Future {
					return uint64(max(p.Size, 0)), nil
				}
			}
		}
	}
	return 0, nil
}

// Produced gives the offset of the first of the records that an answer is about.
func Produced(answer *kafka.ProduceResponse, err error) (int64, error) {
	switch {
	case err != nil:
		return 0, err
	case answer.Error != nil:
		return 0, answer.Error
	case len(answer.RecordErrors) > 0:
		return 0, errors.New("the broker refuses records")
	}
	return answer.BaseOffset, nil
}

// leaderPoll is how often the brokers are asked whether a new partition has a leader.
const leaderPoll = 50 * time.Millisecond

// AwaitLeaders waits until all lanes of a new topic can be written and read.
func (t *Topic) AwaitLeaders(ctx context.Context, lanes uint16) error {
	ctx, cancel := context.WithTimeout(ctx, RequestMax)
	defer cancel()
	for lane := uint16(0); lane < lanes; {
		_, end, err := t.Offsets(ctx, lane)
		if err == nil { // any broker may have answered that; this asks the one that the client knows as the lane's leader
			_, err = t.Client.Fetch(ctx, &kafka.FetchRequest{Topic: t.Name, Partition: int(lane), Offset: end, MaxBytes: 1, MaxWait: time.Millisecond})
		}
		if err == nil {
			lane++
			continue
		}
		select {
		case <-time.After(leaderPoll):
		case <-ctx.Done():
			return fmt.Errorf("wait for lane %d of the new topic %s: %w", lane, t.Name, err)
		}
	}
	return nil
}
