package kafka_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/streamgauge/streamgauge/ingest/appendertest"
	"github.com/streamgauge/streamgauge/ingest/kafka"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/kafkatest"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

func open(t *testing.T, b *kafkatest.Broker, name string) *topic.Topic {
	lanes := topic.Open([]string{b.Addr}, name)
	t.Cleanup(lanes.Close)
	return lanes
}

func TestAppenderOverKafka(t *testing.T) {
	b := kafkatest.Start(t)
	appendertest.Run(t, func(t *testing.T) appendertest.Bus {
		lanes := open(t, b, kafkatest.Topic())
		if _, err := kafka.Ensure(context.Background(), lanes, 2); err != nil {
			t.Fatal(err)
		}
		return appendertest.Bus{
			Appender: kafka.New(lanes, appendertest.LaneBytesMax),
			Frames:   func(l uint16) [][]byte { return frames(t, lanes, l) },
			Purge:    func(l uint16) { purge(t, lanes, l) },
		}
	})
}

// frames reads a lane to its end.
func frames(t *testing.T, lanes *topic.Topic, l uint16) (out [][]byte) {
	t.Helper()
	next, end, err := lanes.Offsets(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	for next < end {
		answer, err := lanes.Client.Fetch(context.Background(), &kafkago.FetchRequest{Topic: lanes.Name, Partition: int(l), Offset: next, MinBytes: 1, MaxBytes: 1 << 20})
		if err != nil || answer.Error != nil {
			t.Fatal(err, answer)
		}
		for {
			r, err := answer.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			value, err := protocol.ReadAll(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			out, next = append(out, value), r.Offset+1
		}
	}
	return out
}

func purge(t *testing.T, lanes *topic.Topic, l uint16) {
	t.Helper()
	_, end, err := lanes.Offsets(context.Background(), l)
	if err == nil {
		err = lanes.Delete(context.Background(), l, end)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestANewAppenderKnowsWhatLiesOnALane(t *testing.T) {
	lanes := open(t, kafkatest.Start(t), kafkatest.Topic())
	if _, err := kafka.Ensure(context.Background(), lanes, 1); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(5) {
		if _, err := kafka.New(lanes, 0).Append(context.Background(), 0, appendertest.Frame(t, 7, n+1, 8<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kafka.New(lanes, 32<<10).Append(context.Background(), 0, appendertest.Frame(t, 8, 1, 8)); err == nil {
		t.Fatal("a lane that holds more than its limit takes a frame")
	}
}

func TestATopicThatCannotCarryLanesIsRefused(t *testing.T) {
	b := kafkatest.Start(t)
	for name, c := range map[string]struct {
		partitions int
		settings   []string
		want       []string
	}{
		"frames would expire":  {1, []string{"message.timestamp.type=LogAppendTime"}, []string{"retention.ms=", "--add-config retention.ms=-1"}},
		"frames would vanish":  {1, []string{"retention.ms=-1", "retention.bytes=-1", "cleanup.policy=compact", "message.timestamp.type=LogAppendTime"}, []string{"cleanup.policy=compact", "--add-config cleanup.policy=delete"}},
		"frames are too large": {1, []string{"retention.ms=-1", "message.timestamp.type=LogAppendTime", "max.message.bytes=1000"}, []string{"max.message.bytes=1000", "max.message.bytes=1048576"}},
		"jobs say the time":    {1, []string{"retention.ms=-1"}, []string{"message.timestamp.type=CreateTime"}},
		"too few partitions":   {1, nil, []string{"1 partitions for 2 lanes", "--partitions 2"}},
		"too many partitions":  {bus.LanesMax + 1, nil, []string{"at most 64"}},
	} {
		t.Run(name, func(t *testing.T) {
			lanes := open(t, b, kafkatest.Topic())
			b.Create(t, lanes.Name, c.partitions, c.settings...)
			n := uint16(1)
			if c.settings == nil {
				n = 2
			}
			_, err := kafka.Ensure(context.Background(), lanes, n)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to say %q", err, want)
				}
			}
		})
	}
}

func TestATopicIsMadeOnceAndFoundWell(t *testing.T) {
	lanes := open(t, kafkatest.Start(t), kafkatest.Topic())
	for _, wanted := range []uint16{3, 3, 2} {
		if n, err := kafka.Ensure(context.Background(), lanes, wanted); err != nil || n != 3 {
			t.Fatalf("%d lanes, %v", n, err)
		}
	}
}

func TestNoBrokerIsAnErrorThatSaysSo(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	lanes := topic.Open([]string{"127.0.0.1:1"}, "x")
	t.Cleanup(lanes.Close)
	if _, err := kafka.Ensure(ctx, lanes, 1); err == nil || !strings.Contains(err.Error(), "--kafka") {
		t.Fatalf("got %v", err)
	}
}
