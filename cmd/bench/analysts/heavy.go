package analysts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	// heavyPairs of windows are compared: one without the heavy question, then one with it.
	heavyPairs = 4
	heavyEach  = 10 * time.Second
	// heavyWarm is before the first window.
	heavyWarm = 8 * time.Second
	// heavyLoss is the most that ingest may lose.
	heavyLoss = 0.1
)

// HeavyTakes is how long points must come in for Heavy.
const HeavyTakes = heavyWarm + 2*heavyPairs*heavyEach + 5*time.Second

// heavyQuery reads every point that there is. endlessQuery goes on until its limit.
const (
	heavyQuery   = "SELECT avg(value), uniq(step), max(time), uniq(key) FROM sg.metrics"
	endlessQuery = "SELECT sum(a.number * b.number) FROM numbers(1000000000) a, numbers(1000000000) b"
)

// Heavy measures how much fewer points are inserted while one user reads everything again and again. Points must be coming
// in faster than they can be inserted.
func (p *Place) Heavy(ctx context.Context) ([]Figure, error) {
	time.Sleep(heavyWarm)
	var without, with float64
	var asked atomic.Int64
	said := ""
	for range heavyPairs {
		n, err := p.inserted(ctx)
		if err != nil {
			return nil, err
		}
		without += n
		stop, done := context.WithCancel(ctx)
		ended := make(chan string)
		go func() {
			text := ""
			for stop.Err() == nil && text == "" {
				text = p.outcome(stop, heavyQuery)
				asked.Add(1)
			}
			ended <- text
		}()
		n, err = p.inserted(ctx)
		done()
		if text := <-ended; text != "" && stop.Err() == nil {
			said = "; refused: " + text
		}
		if err != nil {
			return nil, err
		}
		with += n
	}
	began := time.Now()
	text := p.outcome(ctx, endlessQuery)
	return []Figure{
		{
			fmt.Sprintf("points inserted in %d windows of %v while one user reads all points again and again, beside %d windows without", heavyPairs, heavyEach, heavyPairs),
			fmt.Sprintf("> %.1f", 1-heavyLoss), fmt.Sprintf("%.2f of %.0f k/s", with/without, without/heavyPairs/heavyEach.Seconds()/1000), fmt.Sprintf("asked %d times%s", asked.Load(), said),
		},
		{"a question that would go on for ever", "stopped at its limit", fmt.Sprintf("after %.1f s", time.Since(began).Seconds()), text},
	}, nil
}

// outcome is "" for a whole answer, else what was said.
func (p *Place) outcome(ctx context.Context, query string) string {
	resp, err := p.ask(ctx, query, "csv")
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	var r *refused
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &r):
		return fmt.Sprintf("%.160s", r.said)
	}
	return err.Error()
}

// inserted counts the points that come into the table within a window.
func (p *Place) inserted(ctx context.Context) (float64, error) {
	before, err := p.client.Scalar(ctx, "SELECT count() AS x FROM streamgauge.points")
	if err != nil {
		return 0, err
	}
	time.Sleep(heavyEach)
	after, err := p.client.Scalar(ctx, "SELECT count() AS x FROM streamgauge.points")
	return float64(after) - float64(before), err
}
