package main

import (
	"context"
	"errors"

	"github.com/streamgauge/streamgauge/cmd/bench/analysts"
	"github.com/streamgauge/streamgauge/cmd/bench/generate"
)

// asAnalyst measures on a server with a history, which is made when it is first needed.
func (b *bench) asAnalyst(do func(context.Context, *analysts.Place) ([]analysts.Figure, error)) error {
	if b.history == nil {
		var err error
		if b.historian, b.historianData, err = b.another(); err != nil {
			return err
		}
		p, err := analysts.Open(b.historian.url, b.historianData, b.historian.rss)
		if err != nil {
			return err
		}
		if b.large {
			p.History = analysts.Large
		}
		if err := b.addAll(p.Fill(context.Background())); err != nil {
			return err
		}
		b.history = p
	}
	return b.addAll(do(context.Background(), b.history))
}

func (b *bench) addAll(figures []analysts.Figure, err error) error {
	for _, f := range figures {
		b.add(f.Work, f.Want, f.Is, f.Reference)
	}
	return err
}

func (b *bench) measurePanels() error {
	if b.python == "" {
		return nil
	}
	return b.asAnalyst(func(ctx context.Context, p *analysts.Place) ([]analysts.Figure, error) {
		return p.Panels(ctx, b.bin, b.python, b.library)
	})
}

func (b *bench) measureArrow() error {
	return b.asAnalyst(func(ctx context.Context, p *analysts.Place) ([]analysts.Figure, error) { return p.Arrow(ctx) })
}

// heavyRate is more than two cores insert, and little enough that the bus holds what is left.
const heavyRate = 2_500_000

func (b *bench) measureHeavy() error {
	return b.asAnalyst(func(ctx context.Context, p *analysts.Place) ([]analysts.Figure, error) {
		to, err := natsURL(b.historianData)
		if err != nil {
			return nil, err
		}
		g := generator{Bus: "nats", URL: to, Lanes: 1, Load: generate.Load{Keys: frameKeys, Steps: frameSteps, Duration: analysts.HeavyTakes, Rate: heavyRate}}
		for range frameRuns {
			run, err := b.historian.createRun("0")
			if err != nil {
				return nil, err
			}
			g.Load.Runs = append(g.Load.Runs, run)
		}
		wait, err := g.start()
		if err != nil {
			return nil, err
		}
		figures, err := p.Heavy(ctx)
		_, ended := wait()
		return figures, errors.Join(err, ended)
	})
}
