package streamgauge

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"

	"github.com/streamgauge/streamgauge/schemas/topic"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Kafka is a Transport that publishes straight to the topic that has a server's lanes.
type Kafka struct {
	topic *topic.Topic
	lanes uint16
	// places of writers: a writer stays on the lane of its first run.
	places map[uint64]uint16
}

// NewKafka publishes to a topic, which GET /v1/lanes names with its brokers; name may be empty for the default. lanes is how
// many the server spreads runs over, at most the topic's partitions.
func NewKafka(brokers []string, name string, lanes uint16) *Kafka {
	if name == "" {
		name = topic.NameDefault
	}
	return &Kafka{topic: topic.Open(brokers, name), lanes: max(lanes, 1), places: make(map[uint64]uint16)}
}

// Close ends the connections.
func (t *Kafka) Close() { t.topic.Close() }

// Send is Transport's. Neighbours of one lane go in one request.
func (t *Kafka) Send(ctx context.Context, frames [][]byte) (accepted int, err error) {
	for accepted < len(frames) {
		lane, run, err := t.place(frames[accepted])
		if err != nil {
			return accepted, err
		}
		n := accepted + 1
		for n < len(frames) {
			if next, _, err := t.place(frames[n]); err != nil || next != lane {
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

// place gives a frame's lane, and its run for the record's key.
func (t *Kafka) place(f []byte) (lane uint16, run string, err error) {
	h, err := readHead(f)
	if err != nil {
		return 0, "", &Refused{Reason: err}
	}
	if len(h.runs) > 0 {
		run = h.runs[0]
	}
	lane, known := t.places[h.writer]
	if known {
		return lane, run, nil
	}
	if run == "" {
		return 0, "", &Refused{Reason: errors.New("the first frame of a writer has no section, and so no lane; add one with the run's id")}
	}
	if len(t.places) >= placesMax {
		clear(t.places) // they are computed again, to the same
	}
	lane = track.LaneOf(run, t.lanes)
	t.places[h.writer] = lane
	return lane, run, nil
}
