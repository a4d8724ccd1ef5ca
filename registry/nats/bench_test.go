package nats_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/streamgauge/streamgauge/registry/busserver"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/nats"
)

// BenchmarkAppend shows what one atomic batch costs, synced to disk, by its number of messages.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 2, 8, 32, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			j, err := nats.Open(context.Background(), busserver.Start(b, b.TempDir()).JS, nats.Options{})
			if err != nil {
				b.Fatal(err)
			}
			value := make([]byte, 300)
			for i := range b.N {
				var ws []journal.Write
				for k := range n {
					ws = append(ws, journal.Write{Key: fmt.Sprintf("k.%d.%d", i, k), Value: value})
				}
				if _, err := j.Append(context.Background(), ws); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
