package consumers

import (
	"context"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Runs is the registry as a lane sees it. An error that track.Permanent says is permanent is a refusal;
// every other one is tried again. Both methods see what was acknowledged before the frame was.
type Runs interface {
	// Lookup answers track.ResourceDoesNotExist for an unknown run.
	Lookup(ctx context.Context, runID string) (track.RunFacts, error)
	Do(ctx context.Context, c track.Command) (*sgpb.Run, error)
}

// factsMax bounds each of the cache's two generations: some 100 bytes a run.
const factsMax = 1 << 16

// facts remembers what never changes of runs. When the young generation is full it becomes the old one, so
// that what is used stays and the rest goes.
type facts struct{ young, old map[string]fact }

type fact struct {
	number     track.RunNumber
	experiment uint32
}

func (c *facts) get(runID string) (fact, bool) {
	if f, ok := c.young[runID]; ok {
		return f, true
	}
	f, ok := c.old[runID]
	if ok {
		c.put(runID, f)
	}
	return f, ok
}

func (c *facts) put(runID string, f fact) {
	if c.young == nil || len(c.young) >= factsMax {
		c.old, c.young = c.young, make(map[string]fact)
	}
	c.young[runID] = f
}
