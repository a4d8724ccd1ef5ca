package app

import (
	"context"
	"os"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	consumersnats "github.com/streamgauge/streamgauge/consumers/nats"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/registry/webhook/seal"
	"github.com/streamgauge/streamgauge/registry/webhook/send"
	"github.com/streamgauge/streamgauge/schemas/bus"
)

// MLflow's settings of where webhooks may lead, under its names: https and public addresses only, unless somebody
// says otherwise.
const (
	schemesEnv = "MLFLOW_WEBHOOK_ALLOWED_SCHEMES"
	privateEnv = "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"
)

func webhookGuard(getenv func(string) string) webhook.Guard {
	g := webhook.Guard{Private: getenv(privateEnv) == "1" || strings.EqualFold(getenv(privateEnv), "true")}
	for s := range strings.SplitSeq(getenv(schemesEnv), ",") {
		if s = strings.ToLower(strings.TrimSpace(s)); s == "http" || s == "https" {
			g.Schemes = append(g.Schemes, s)
		}
	}
	return g
}

// webhooks says how the registry's events reach their receivers.
func (p *parts) webhooks(js jetstream.JetStream) (send.Options, error) {
	box, err := seal.Open(p.s.folder.dir)
	if err != nil {
		return send.Options{}, err
	}
	docs := consumersnats.NewDocuments(js)
	return send.Options{
		Guard: webhookGuard(os.Getenv), Box: box, Log: p.s.p.Log,
		Open: func(after uint64) send.Source {
			s := consumersnats.NewModelChanges(js)
			_ = s.Seek(context.Background(), after+1) // it opens nothing yet
			return changes{s}
		},
		Last: func(ctx context.Context) (uint64, error) {
			state, err := docs.State(ctx)
			return state.Last, err
		},
	}, nil
}

// changesBytesMax is what a webhook reads ahead.
const changesBytesMax = 1 << 20

// changes is a stream of the consumers as webhooks read it.
type changes struct{ source *consumersnats.Source }

func (c changes) Next(ctx context.Context) ([]send.Message, error) {
	messages, err := c.source.Fetch(ctx, changesBytesMax)
	if err != nil {
		return nil, err
	}
	out := make([]send.Message, 0, len(messages))
	for _, m := range messages {
		out = append(out, send.Message{Key: bus.DocKey(m.Subject), Revision: m.Seq, Data: m.Data})
	}
	return out, nil
}

func (c changes) Close() { c.source.Close() }
