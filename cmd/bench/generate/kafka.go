package generate

import (
	"context"
	"time"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
)

// Kafka publishes to the topic that has the lanes.
func Kafka(broker string, lanes uint16) Bus {
	k := streamgauge.NewKafka([]string{broker}, "", lanes)
	return newBatched(func(ctx context.Context, frames [][]byte) (int, time.Duration, error) {
		accepted, err := k.Send(ctx, frames)
		return accepted, pause, err
	}, k.Close)
}
