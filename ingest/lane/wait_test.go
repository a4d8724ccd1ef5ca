package lane_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/ingest/mem"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// A hanging bus must not let callers hang: those behind the frame under way hear a sure no.
func TestPointsThatWaitTooLongAreRefused(t *testing.T) {
	bus := new(mem.Bus)
	lanes := lane.New(bus, lane.Options{WaitMax: time.Nanosecond})
	defer lanes.Close()
	answers := make([]error, 2)
	var wg sync.WaitGroup
	send := func(i int) {
		wg.Go(func() { answers[i] = lanes.Commit(context.Background(), runs[0], series("loss", 100*i, 1)) })
	}
	// The limit is shorter than any way to the publisher, so nobody gets through.
	send(0)
	send(1)
	wg.Wait()
	for i, err := range answers {
		if track.CodeOf(err) != track.TemporarilyUnavailable {
			t.Errorf("caller %d is answered %v", i, err)
		}
	}
	if n := len(stored(t, bus.Frames(0))); n != 0 {
		t.Errorf("%d refused points are stored", n)
	}
}
