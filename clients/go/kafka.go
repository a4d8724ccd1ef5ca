package streamgauge

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"

	"github.com/streamgauge/streamgauge/clients/go/head"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/topic"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Kafka is a Transport that publishes straight to the topic that has a server's lanes.
type Kafka struct {
	topic *topic.Topic
	// lanes is 0 until the brokers have said how many there are.
	lanes uint16
	// places of writers: a writer stays on the lane of its first run.
	places map[uint64]uint16
}

// NewKafka publishes to a topic, which GET /v1/lanes names with its brokers; name may be empty for the default. lanes is how
// many the server spreads runs over, at most the topic's partitions; 0 is as many as these.
func NewKafka(brokers []string, name string, lanes uint16) *Kafka {
	k, _ := NewKafkaAs(brokers, name, lanes, topic.Access{}) // there is nothing to be wrong
	return k
}

// NewKafkaAs is NewKafka for brokers that want TLS or a login; its error says what is wrong with the access.
func NewKafkaAs(brokers []string, name string, lanes uint16, access topic.Access) (*Kafka, error) {
	if name == "" {
		name = topic.NameDefault
	}
	t, err := topic.OpenAs(brokers, name, access)
	if err != nil {
		return nil, err
	}
	return &Kafka{topic: t, lanes: lanes, places: make(map[uint64]uint16)}, nil
}

// Close ends the connections.
func (t *Kafka) Close() { t.topic.Close() }

// Send is Transport's. Neighbours of one lane go in one request.
func (t *Kafka) Send(ctx context.Context, frames [][]byte) (accepted int, err error) {
	for accepted < len(frames) {
		lane, run, err := t.place(ctx, frames[accepted])
		if err != nil {
			return accepted, err
		}
		n := accepted + 1
		for n < len(frames) {
			if next, _, err := t.place(ctx, frames[n]); err != nil || next != lane {
				break // an error shows when it is its turn
			}
			n++
		}
		taken, err := t.topic.Publish(ctx, lane, run, frames[accepted:n])
		accepted += taken
		if errors.Is(err, kafka.MessageSizeTooLarge) {
			return accepted, &Refused{Reason: err}
		}
		if err != nil {
			return accepted, err
		}
	}
	return accepted, nil
}

// Lane is where a frame goes; its writer stays there.
func (t *Kafka) Lane(ctx context.Context, f []byte) (uint16, error) {
	lane, _, err := t.place(ctx, f)
	return lane, err
}

// Stay has the writer of a frame go on with the lane that it was given by an earlier process.
func (t *Kafka) Stay(f []byte, lane uint16) {
	if h, err := head.Read(f); err == nil {
		t.places[h.Writer] = lane
	}
}

// place gives a frame's lane, and its run for the record's key.
func (t *Kafka) place(ctx context.Context, f []byte) (lane uint16, run string, err error) {
	h, err := head.Read(f)
	if err != nil {
		return 0, "", &Refused{Reason: err}
	}
	if len(h.Runs) > 0 {
		run = h.Runs[0]
	}
	lane, known := t.places[h.Writer]
	if known {
		return lane, run, nil
	}
	if run == "" {
		return 0, "", &Refused{Reason: errors.New("the first frame of a writer has no section, and so no lane; add one with the run's id")}
	}
	if t.lanes == 0 {
		n, err := t.topic.Partitions(ctx)
		if err != nil {
			return 0, "", err
		}
		t.lanes = uint16(min(n, bus.LanesMax))
	}
	if len(t.places) >= placesMax {
		clear(t.places) // they are computed again, to the same
	}
	lane = track.LaneOf(run, t.lanes)
	t.places[h.Writer] = lane
	return lane, run, nil
}
