package consumers

import (
	"context"

	"github.com/streamgauge/streamgauge/schemas/table"
)

// Sink is ClickHouse as a lane sees it. One goroutine uses it.
type Sink interface {
	// Write inserts first the rows of quarantine, small values, console and latest, then, as one block under the token, the
	// points. Any of them may have landed when it fails. It fails if the engine can have started anew since
	// Marker last answered: the table may then have lost its newest parts, and an insert behind them would
	// hide that.
	Write(ctx context.Context, b *Batch, token string) error
	// Fence returns once no insert of the lane is running in the engine, ended by force if need be, whoever
	// started it.
	Fence(ctx context.Context, lane uint16) error
	// Marker is the lane's greatest marker, zero if there is none.
	Marker(ctx context.Context, lane uint16) (table.Marker, error)
	// Ranges are the frame numbers seen of all writers whose newest frame on the lane is not older than
	// sinceMS. Ranges of one writer may overlap.
	Ranges(ctx context.Context, lane uint16, sinceMS int64) ([]table.WriterRange, error)
}
