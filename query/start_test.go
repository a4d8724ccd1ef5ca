package query

import (
	"context"
	"errors"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestTheStartWaitsForAnEngineThatIsAway(t *testing.T) {
	tries := 0
	err := insist(t.Context(), func(context.Context) error {
		if tries++; tries < 3 {
			return track.Unavailable(track.TemporarilyUnavailable, 1, "ClickHouse does not answer")
		}
		return nil
	})
	if err != nil || tries != 3 {
		t.Errorf("%d tries: %v", tries, err)
	}
	broken := errors.New("no such table")
	tries = 0
	if err := insist(t.Context(), func(context.Context) error { tries++; return broken }); !errors.Is(err, broken) || tries != 1 {
		t.Errorf("%d tries: %v", tries, err)
	}
}
