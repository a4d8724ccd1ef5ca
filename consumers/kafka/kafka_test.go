package kafka_test

import (
	"context"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/streamgauge/streamgauge/consumers/kafka"
	"github.com/streamgauge/streamgauge/consumers/sourcetest"
	"github.com/streamgauge/streamgauge/schemas/kafkatest"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

// log makes a topic with one lane.
func log(t *testing.T, b *kafkatest.Broker) (*topic.Topic, sourcetest.Log) {
	t.Helper()
	name := kafkatest.Topic()
	b.Create(t, name, 1, "retention.ms=-1", "message.timestamp.type=LogAppendTime")
	lanes := topic.Open([]string{b.Addr}, name)
	t.Cleanup(lanes.Close)
	if err := lanes.AwaitLeaders(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	return lanes, sourcetest.Log{Source: kafka.NewLane(lanes, 0, 0), Publish: func(data []byte) uint64 { return publish(t, lanes, data) }}
}

func publish(t *testing.T, lanes *topic.Topic, data ...[]byte) uint64 {
	records := make([]kafkago.Record, len(data))
	for i := range data {
		records[i].Value = kafkago.NewBytes(data[i])
	}
	at, err := topic.Produced(lanes.Client.Produce(context.Background(), &kafkago.ProduceRequest{
		Topic: lanes.Name, Partition: 0, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(records...), Compression: kafkago.Zstd,
	}))
	if err != nil {
		t.Error(err)
	}
	return uint64(at) + 1
}

func TestLaneIsASource(t *testing.T) {
	b := kafkatest.Start(t)
	sourcetest.Run(t, func(t *testing.T) sourcetest.Log {
		_, l := log(t, b)
		return l
	})
}

// Producers put several records into a batch, and a broker gives whole batches.
func TestASeekIntoABatchStartsInside(t *testing.T) {
	lanes, l := log(t, kafkatest.Start(t))
	publish(t, lanes, []byte("a"), []byte("b"), []byte("c"))
	if err := l.Source.Seek(context.Background(), 2); err != nil {
		t.Fatal(err)
	}
	got, err := l.Source.Fetch(context.Background(), 1<<20)
	if err != nil || len(got) != 2 || got[0].Seq != 2 || string(got[0].Data) != "b" || string(got[1].Data) != "c" {
		t.Fatalf("got %v %v", got, err)
	}
}

func TestATopicThatWasMadeAnewIsNoticed(t *testing.T) {
	lanes, l := log(t, kafkatest.Start(t))
	publish(t, lanes, []byte("a"))
	if err := l.Source.Seek(context.Background(), 3); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Source.Fetch(context.Background(), 1<<20); err == nil {
		t.Fatalf("got %v of a topic that ends before", got)
	}
}

func TestSourceSurvivesAKilledBroker(t *testing.T) {
	b := kafkatest.Fresh(t)
	lanes, l := log(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for next := range 3 {
		want := publish(t, lanes, []byte("a"))
		b.Kill()
		if err := b.Restart(); err != nil {
			t.Fatal(err)
		}
		got, err := l.Source.Fetch(ctx, 1000)
		for err != nil && ctx.Err() == nil {
			got, err = l.Source.Fetch(ctx, 1000)
		}
		if err != nil || len(got) != 1 || got[0].Seq != want {
			t.Fatalf("round %d: got %v %v, want sequence %d", next, got, err, want)
		}
	}
}
