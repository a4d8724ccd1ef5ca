package analysts

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// arrowBytes is what the values of a stream have: some more than 1 GB. A row of arrowQuery has arrowRow of them. What is sent may
	// be packed, so rates are of values.
	arrowBytes, arrowRow = 1_050_000_000, 56
	// arrowPairs of streams are compared, one of each in turn.
	arrowPairs = 3
	// arrowRatio is the least of the engine's own rate that /v1/sql should have.
	arrowRatio = 0.7
	// sampleEvery is how often memory is looked at while a stream runs.
	sampleEvery = 100 * time.Millisecond
	megabyte    = 1_000_000
)

// arrowQuery reads columns of numbers only, so that the stream and not the engine's dictionaries is measured.
var arrowQuery = fmt.Sprintf("SELECT run, step, time, value, value * 2 AS twice, step + 1 AS next, run + 1 AS other FROM sg.metrics LIMIT %d", arrowBytes/arrowRow)

// Arrow streams a gigabyte through /v1/sql and from the engine's own interface, in turn.
func (p *Place) Arrow(ctx context.Context) ([]Figure, error) {
	var ours, theirs []float64
	var bytes, bytesTheirs int64
	before, peak := p.RSS(), int64(0)
	for range arrowPairs {
		n, rate, most, err := p.stream(func() (*http.Response, error) { return p.ask(ctx, arrowQuery, "arrow") })
		if err != nil {
			return nil, fmt.Errorf("stream Arrow through /v1/sql: %w", err)
		}
		bytes, ours, peak = n, append(ours, rate), max(peak, most)
		if bytesTheirs, rate, _, err = p.stream(func() (*http.Response, error) { return p.askEngine(ctx, arrowQuery, "ArrowStream") }); err != nil {
			return nil, fmt.Errorf("stream Arrow from the engine: %w", err)
		}
		theirs = append(theirs, rate)
	}
	ratio := slices.Max(ours) / slices.Max(theirs)
	return []Figure{
		{fmt.Sprintf("/v1/sql streams %.2f GB of values as Arrow, %.2f GB sent, best of %d", float64(arrowBytes)/1e9, float64(bytes)/1e9, arrowPairs), fmt.Sprintf(">= %.1f of the engine's own interface", arrowRatio),
			fmt.Sprintf("%.0f MB/s, %.2f of it", slices.Max(ours), ratio), fmt.Sprintf("the engine's: %.0f MB/s, %.2f GB sent; all: %s and %s", slices.Max(theirs), float64(bytesTheirs)/1e9, rates(ours), rates(theirs))},
		{"resident memory of server and engine before these streams, and at most while /v1/sql streamed", "flat", fmt.Sprintf("%d MiB, %d MiB", before>>20, peak>>20), "-"},
	}, nil
}

func rates(all []float64) string {
	texts := make([]string, len(all))
	for i, r := range all {
		texts[i] = fmt.Sprintf("%.0f", r)
	}
	return strings.Join(texts, ", ")
}

// stream reads an answer to its end and throws it away. The rate is in MB of values a second, from the question on.
func (p *Place) stream(ask func() (*http.Response, error)) (bytes int64, rate float64, peak int64, err error) {
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		peak := int64(0)
		for {
			peak = max(peak, p.RSS())
			select {
			case <-done:
				most <- peak
				return
			case <-time.After(sampleEvery):
			}
		}
	}()
	begin := time.Now()
	resp, err := ask()
	if err == nil {
		bytes, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	took := time.Since(begin)
	close(done)
	return bytes, arrowBytes / megabyte / took.Seconds(), <-most, err
}
