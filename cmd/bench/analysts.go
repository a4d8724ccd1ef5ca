package main

import (
	"context"

	"github.com/streamgauge/streamgauge/cmd/bench/analysts"
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
