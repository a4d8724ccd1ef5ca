package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"

	"github.com/streamgauge/streamgauge/consumers"
	consumerskafka "github.com/streamgauge/streamgauge/consumers/kafka"
	consumersnats "github.com/streamgauge/streamgauge/consumers/nats"
	"github.com/streamgauge/streamgauge/ingest"
	ingestkafka "github.com/streamgauge/streamgauge/ingest/kafka"
	ingestnats "github.com/streamgauge/streamgauge/ingest/nats"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

const (
	// lanesLook bounds the look for lanes of an earlier start.
	lanesLook = 30 * time.Second
	// busFile says which bus carries the lanes of a data folder: ClickHouse remembers positions on that one.
	busFile = "lanes"
	natsBus = "nats"
)

// laneBus is what carries the lanes: NATS, or a topic of Kafka. Documents and leases are in NATS in any case.
type laneBus struct {
	config *Config
	url    string
	lanes  uint16
	nats   jetstream.JetStream
	// topic is nil if NATS carries the lanes.
	topic *topic.Topic
}

// openTopic checks Kafka before anything is started. Without --kafka the topic is nil.
func openTopic(ctx context.Context, c *Config, f *folder) (t *topic.Topic, lanes uint16, err error) {
	if len(c.Kafka) == 0 {
		return nil, 0, f.checkBus(natsBus)
	}
	ctx, cancel := context.WithTimeout(ctx, lanesLook)
	defer cancel()
	if t, err = topic.OpenAs(c.Kafka, c.KafkaTopic, c.KafkaAccess); err != nil {
		return nil, 0, err
	}
	if lanes, err = ingestkafka.Ensure(ctx, t, c.Lanes); err == nil {
		var name string
		if name, err = kafkaBus(ctx, t); err == nil {
			err = f.checkBus(name)
		}
	}
	if err != nil {
		t.Close()
		return nil, 0, err
	}
	return t, lanes, nil
}

// kafkaBus names a topic for ever: addresses of brokers change.
func kafkaBus(ctx context.Context, t *topic.Topic) (string, error) {
	answer, err := t.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{t.Name}})
	if err != nil {
		return "", fmt.Errorf("ask the Kafka brokers for their cluster: %w", err)
	}
	return fmt.Sprintf("kafka cluster %s topic %s", answer.ClusterID, t.Name), nil
}

// checkBus refuses a bus on which the lanes of the folder do not lie.
func (f *folder) checkBus(want string) error {
	b, err := os.ReadFile(f.path(busFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read which bus carries the lanes: %w", err)
	}
	if have := strings.TrimSpace(string(b)); have != want {
		return wrongBus(f.dir, have, want)
	}
	return nil
}

func wrongBus(dir, have, want string) error {
	return fmt.Errorf("the lanes of the data folder %s are on %s, not on %s, and what lies there would stay unread; start with the --kafka and --kafka-topic of before (none for nats), or choose another folder with --data",
		dir, have, want)
}

// openBus makes the lanes that are wanted, finds those of an earlier start, and notes where they are.
func openBus(ctx context.Context, s *server, js jetstream.JetStream) (*laneBus, error) {
	ctx, cancel := context.WithTimeout(ctx, lanesLook)
	defer cancel()
	b := &laneBus{config: &s.config, url: s.ports.NATSURL(), nats: js, topic: s.topic, lanes: s.topicLanes}
	name := natsBus
	var err error
	if b.topic == nil {
		b.lanes, err = openStreams(ctx, js, s.config)
	} else if name, err = kafkaBus(ctx, b.topic); err == nil {
		err = noStreams(ctx, js, s.folder.dir, name)
	}
	if err != nil {
		return nil, err
	}
	return b, s.folder.noteBus(name)
}

// noteBus keeps the bus, whole or not at all.
func (f *folder) noteBus(name string) error {
	next := f.path(busFile + ".new")
	err := os.WriteFile(next, []byte(name+"\n"), 0o600)
	if err == nil {
		err = os.Rename(next, f.path(busFile))
	}
	if err != nil {
		return fmt.Errorf("note which bus carries the lanes: %w", err)
	}
	return nil
}

// noStreams refuses Kafka for a folder that has lanes on NATS, from before folders said so.
func noStreams(ctx context.Context, js jetstream.JetStream, dir, want string) error {
	_, err := js.Stream(ctx, bus.LaneStream(0))
	switch {
	case err == nil:
		return wrongBus(dir, natsBus, want)
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil
	}
	return fmt.Errorf("look for lanes on NATS: %w", err)
}

// openStreams makes the lanes that are wanted and finds those of an earlier start with more: runs have them in their
// documents, and frames may lie there.
func openStreams(ctx context.Context, js jetstream.JetStream, c Config) (lanes uint16, err error) {
	for n := uint16(0); ; n++ {
		if n >= c.Lanes {
			_, err := js.Stream(ctx, bus.LaneStream(n))
			if errors.Is(err, jetstream.ErrStreamNotFound) {
				return n, nil
			}
			if err != nil {
				return 0, fmt.Errorf("look for lane %d: %w", n, err)
			}
		}
		if err := ingestnats.EnsureLane(ctx, js, n, ingestnats.Options{MaxBytes: c.LaneBytes}); err != nil {
			return 0, err
		}
	}
}

// source reads a lane.
func (b *laneBus) source(lane uint16) consumers.Source {
	if b.topic != nil {
		return consumerskafka.NewLane(b.topic, lane, uint64(b.config.LaneBytes))
	}
	return consumersnats.NewLane(b.nats, lane)
}

// appender writes lanes; edge is the connection of the server's edge.
func (b *laneBus) appender(edge jetstream.JetStream) ingest.Appender {
	if b.topic != nil {
		return ingestkafka.New(b.topic, uint64(b.config.LaneBytes))
	}
	return ingestnats.New(edge)
}

// told is what jobs are told of the bus.
func (b *laneBus) told() ingest.Bus {
	out := ingest.Bus{Lanes: b.config.Lanes, URL: b.url}
	if b.topic != nil {
		out.Topic, out.Brokers = b.topic.Name, b.config.Kafka
	}
	return out
}
