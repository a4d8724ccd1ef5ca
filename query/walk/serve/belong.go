package serve

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Registry answers which experiment versions of registered models and endpoints belong to, "" for none.
type Registry interface {
	VersionExperiment(ctx context.Context, model string, number uint64) (string, error)
	EndpointExperiment(ctx context.Context, id string) (string, error)
}

// belonging says which versions and endpoints belong to some experiments. Both directions of a walk ask it at once.
type belonging struct {
	registry    Registry
	experiments []uint32
	ctx         context.Context

	mu    sync.Mutex
	known map[lineage.Node]bool
	err   error // the first failure to read; what is not known is hidden
}

func (b *belonging) has(n lineage.Node) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if has, asked := b.known[n]; asked {
		return has
	}
	experiment, err := b.experiment(n)
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("read what %s belongs to: %w", n, err)
	}
	id, ok := track.ParseExperimentID(experiment)
	b.known[n] = err == nil && ok && slices.Contains(b.experiments, id)
	return b.known[n]
}

func (b *belonging) experiment(n lineage.Node) (string, error) {
	if n.Kind() == lineage.KindEndpoint {
		return b.registry.EndpointExperiment(b.ctx, n.Text())
	}
	model, text := n.Parts()
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return "", nil // nobody registered such a version
	}
	return b.registry.VersionExperiment(b.ctx, model, number)
}
