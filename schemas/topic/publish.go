package topic

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"
)

const (
	// batchBytesMax is what the frames of one request take; brokers refuse a batch of more than the topic's
	// max.message.bytes, 1 MiB.
	batchBytesMax = 1<<20 - 4<<10
	// recordBytes is about what a record takes beside its frame and key.
	recordBytes = 32
)

// Publish sends frames to a lane, in order, as many as fit in one request after the other, and gives how many of them, from
// the first on, all in-sync replicas have. After an error the next one may be stored all the same: send it again,
// its name makes a repeat of it. Key says who sends, such as the run's id.
func (t *Topic) Publish(ctx context.Context, lane uint16, key string, frames [][]byte) (accepted int, err error) {
	for accepted < len(frames) {
		records, bytes := make([]kafka.Record, 0, len(frames)-accepted), 0
		for _, f := range frames[accepted:] {
			if bytes += len(f) + len(key) + recordBytes; len(records) > 0 && bytes > batchBytesMax {
				break
			}
			records = append(records, kafka.Record{Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes(f)})
		}
		_, err := Produced(t.Client.Produce(ctx, &kafka.ProduceRequest{
			Topic: t.Name, Partition: int(lane), RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
		}))
		if err != nil {
			return accepted, fmt.Errorf("publish %d frames to lane %d of topic %s: %w", len(records), lane, t.Name, err)
		}
		accepted += len(records)
	}
	return accepted, nil
}
