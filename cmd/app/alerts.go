package app

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/alerts"
	"github.com/streamgauge/streamgauge/consumers/alerts/follow"
	consumersch "github.com/streamgauge/streamgauge/consumers/clickhouse"
	consumersnats "github.com/streamgauge/streamgauge/consumers/nats"
	"github.com/streamgauge/streamgauge/registry"
	alertsend "github.com/streamgauge/streamgauge/registry/alerts/send"
	"github.com/streamgauge/streamgauge/registry/webhook/send"
)

// tellOfAlerts says how people are told; it goes where webhooks go.
func (p *parts) tellOfAlerts(hooks send.Options) alertsend.Options {
	mailer, _ := alertsend.NewMailer(p.s.config.SMTPURL) // Check has read it before
	home := "http://"
	if p.s.tls != nil {
		home = "https://"
	}
	return alertsend.Options{Guard: hooks.Guard, Box: hooks.Box, Mail: mailer, Home: home + p.s.config.Listen, Log: p.s.p.Log}
}

// followAlerts makes what judges by the rules of alerts, beside the lanes and after them; nothing runs yet.
func (p *parts) followAlerts(docs jetstream.JetStream, at consumersch.Config) {
	past := consumersch.NewPast(at)
	p.sinks = append(p.sinks, past)
	var lanes []follow.Lane
	for n, l := range p.lanes {
		lanes = append(lanes, follow.Lane{Number: uint16(n), Source: p.bus.source(uint16(n)), Decided: l.Decided, Reached: l.Reached})
	}
	tail := consumers.NewTail(&p.acks, p.lanes...)
	p.alerts = follow.New(follow.Config{
		Lanes: lanes, Runs: consumersnats.NewRuns(docs), Keys: consumersnats.NewKeys(docs), Facts: p.registry, Past: past,
		Known:  &knownRuns{p.registry, past, func(ctx context.Context) error { return p.flush(ctx, tail) }},
		States: consumersnats.NewAlertStates(docs), Rules: p.registry.AlertRules, Changed: p.registry.AlertsChanged(),
		Store: p.registry.RecordAlerts, HoldFor: p.s.config.SafetyAge, Metrics: follow.NewMetrics(p.metrics), Log: p.s.p.Log,
	})
	for n, l := range p.lanes {
		l.Hold = func() uint64 { return p.alerts.Hold(n) }
	}
}

// knownRuns is what is known of runs beside the logs.
type knownRuns struct {
	*registry.Registry
	past  *consumersch.Past
	flush func(ctx context.Context) error
}

// Running has all that was acknowledged brought to ClickHouse first.
func (k *knownRuns) Running(ctx context.Context, experiments []uint32, runs []string, sinceMS int64) ([]alerts.Sign, error) {
	if err := k.flush(ctx); err != nil {
		return nil, err
	}
	return k.past.Running(ctx, experiments, runs, sinceMS)
}

func (p *parts) flush(ctx context.Context, tail *consumers.Tail) error {
	if err := p.docs.Flush(ctx); err != nil {
		return err
	}
	return tail.Flush(ctx)
}
