package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

// messageBytesMax is a batch with the largest frame in it.
const messageBytesMax = 1 << 20

// setting is what a topic of lanes must have. Nothing on it may expire, and time is the brokers' own: which month a
// batch belongs to is decided by it.
type setting struct {
	name, value string
	why         string
}

var settings = []setting{
	{"retention.ms", "-1", "frames that are not in ClickHouse yet would be dropped by age"},
	{"retention.bytes", "-1", "frames that are not in ClickHouse yet would be dropped by size"},
	{"cleanup.policy", "delete", "compaction would drop frames"},
	{"message.timestamp.type", "LogAppendTime", "the clocks of jobs would decide where points are stored"},
	{"unclean.leader.election.enable", "false", "a broker that has missed acknowledged frames could become leader"},
}

// Ensure creates the topic if it is not there, with the brokers' own replication, else checks that it can carry
// lanes, and gives the number of its partitions, each of which is a lane. lanes are wanted. What is wrong comes back
// at once, each with its remedy.
func Ensure(ctx context.Context, t *topic.Topic, lanes uint16) (uint16, error) {
	answer, err := t.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{t.Name}})
	if err != nil {
		return 0, fmt.Errorf("ask the Kafka brokers for topic %s: %w; is --kafka right, and do the brokers run?", t.Name, err)
	}
	if len(answer.Topics) != 1 {
		return 0, fmt.Errorf("ask the Kafka brokers for topic %s: they answer for %d topics", t.Name, len(answer.Topics))
	}
	switch have := answer.Topics[0]; {
	case errors.Is(have.Error, kafka.UnknownTopicOrPartition):
		return lanes, create(ctx, t, lanes)
	case have.Error != nil:
		return 0, fmt.Errorf("topic %s: %w; choose another with --kafka-topic, or give this server the right to describe it", t.Name, have.Error)
	default:
		n := len(have.Partitions)
		return uint16(min(n, bus.LanesMax)), errors.Join(checkPartitions(t.Name, n, int(lanes)), checkSettings(ctx, t))
	}
}

func create(ctx context.Context, t *topic.Topic, lanes uint16) error {
	c := kafka.TopicConfig{Topic: t.Name, NumPartitions: int(lanes), ReplicationFactor: -1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(messageBytesMax)}}}
	for _, s := range settings {
		c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: s.name, ConfigValue: s.value})
	}
	answer, err := t.Client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{c}})
	if err == nil {
		err = answer.Errors[t.Name]
	}
	if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w; make it by hand: %s", t.Name, err, command(t.Name, lanes))
	}
	return t.AwaitLeaders(ctx, lanes)
}

// command is what makes the topic with Kafka's own tool.
func command(name string, lanes uint16) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-topics.sh --create --topic %s --partitions %d --config max.message.bytes=%d", name, lanes, messageBytesMax)
	for _, s := range settings {
		fmt.Fprintf(&b, " --config %s=%s", s.name, s.value)
	}
	return b.String()
}

// checkPartitions holds a topic to a partition for each lane that is wanted. Further partitions are lanes too: runs of
// an earlier start may have them, and what anybody sends there is read.
func checkPartitions(name string, have, lanes int) error {
	switch {
	case have < lanes:
		return fmt.Errorf("topic %s has %d partitions for %d lanes; add some with `kafka-topics.sh --alter --topic %s --partitions %d`, or lower --lanes", name, have, lanes, name, lanes)
	case have > bus.LanesMax:
		return fmt.Errorf("topic %s has %d partitions, and each is a lane, of which there are at most %d; choose another topic with --kafka-topic", name, have, bus.LanesMax)
	}
	return nil
}

// checkSettings names every setting of the topic that lanes cannot live with.
func checkSettings(ctx context.Context, t *topic.Topic) error {
	answer, err := t.Client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: t.Name}}})
	if err == nil && len(answer.Resources) == 1 {
		err = answer.Resources[0].Error
	}
	if err != nil {
		return fmt.Errorf("read the settings of topic %s: %w; give this server the right to describe them", t.Name, err)
	}
	have := make(map[string]string)
	for _, r := range answer.Resources {
		for _, e := range r.ConfigEntries {
			have[e.ConfigName] = e.ConfigValue
		}
	}
	var wrong []error
	for _, s := range settings {
		if v := have[s.name]; v != s.value {
			wrong = append(wrong, remedy(t.Name, s.name, v, s.value, s.why))
		}
	}
	if v, err := strconv.Atoi(have["max.message.bytes"]); err != nil || v < bus.FrameBytesMax+recordBytes {
		wrong = append(wrong, remedy(t.Name, "max.message.bytes", have["max.message.bytes"], strconv.Itoa(messageBytesMax), "the largest frames would be refused"))
	}
	return errors.Join(wrong...)
}

func remedy(name, setting, have, want, why string) error {
	return fmt.Errorf("topic %s has %s=%s: %s; set it with `kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s`",
		name, setting, have, why, name, setting, want)
}
