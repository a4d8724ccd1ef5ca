package vault

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/embednats"
	registrynats "github.com/streamgauge/streamgauge/registry/nats"
)

// Offline opens the tokens of a bus that no server runs, by running one that nobody else can reach. The caller
// holds the data folder's lock, and closes.
func Offline(ctx context.Context, natsDir string, log *slog.Logger) (v *Vault, closeAll func(), err error) {
	if err := os.MkdirAll(natsDir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the folder of the bus: %w", err)
	}
	bus, err := embednats.Start(embednats.Options{Dir: natsDir, Log: log})
	if err != nil {
		return nil, nil, err
	}
	nc, err := bus.Connect("streamgauge token")
	if err != nil {
		bus.Stop()
		return nil, nil, err
	}
	closeAll = func() {
		nc.Close()
		bus.Stop()
	}
	js, err := jetstream.New(nc)
	if err != nil {
		closeAll()
		return nil, nil, fmt.Errorf("open JetStream: %w", err)
	}
	j, err := registrynats.Open(ctx, js, registrynats.Options{})
	if err == nil {
		v, err = Open(ctx, j, access.NewKeyring(""), log, func() {})
	}
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	return v, closeAll, nil
}
