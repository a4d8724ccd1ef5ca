// Package analysts measures what those do who read the history beside a running server: Grafana's panels, a stream of
// Arrow, and a question that reads everything while points come in.
//
// The history is made by statements in the engine (History), as sending a billion points is another measure. The rows have
// the form in which the consumers write them, so that projections and skip indexes are what they are in use.
package analysts

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
)

// Place is a server with a history of its own.
type Place struct {
	// URL is the server's, Data its folder.
	URL, Data string
	// Engine reaches ClickHouse with all rights; HTTP is the address of its own interface, Password that of user reader.
	Engine         clickhouse.Config
	HTTP, Password string
	// RSS is the resident memory of server and engine in bytes.
	RSS func() int64
	// History is what it holds.
	History History
	client  *clickhouse.Client
}

// Figure is one line of the table.
type Figure struct{ Work, Want, Is, Reference string }

// What there is before analysts, and with large: a billion points and 100,000 runs.
var (
	Usual = History{Points: 100_000_000, Runs: 10_000}
	Large = History{Points: 1_000_000_000, Runs: 100_000}
)

// Open finds out how a server's engine is reached. The server is by itself, on loopback.
func Open(address, data string, rss func() int64) (*Place, error) {
	ports, err := app.ReadPorts(data)
	if err != nil {
		return nil, err
	}
	c, err := engine.LoadCredentials(data)
	if err != nil {
		return nil, err
	}
	own := clickhouse.Config{Address: ports.ClickHouse, User: engine.AppUser, Password: c.App}
	return &Place{
		URL: address, Data: data, Engine: own, HTTP: ports.ClickHouseHTTP, Password: c.Reader, RSS: rss, History: Usual, client: clickhouse.NewClient(own),
	}, nil
}

// Fill makes the history and lets the engine settle.
func (p *Place) Fill(ctx context.Context) ([]Figure, error) {
	begin := time.Now()
	for _, s := range p.History.statements(begin) {
		if err := p.client.Exec(ctx, s); err != nil {
			return nil, fmt.Errorf("%.200s: %w", s, err)
		}
		fmt.Fprintf(os.Stderr, "  %.60q after %.0f s\n", s, time.Since(begin).Seconds())
	}
	points, err := p.client.Scalar(ctx, "SELECT count() AS x FROM streamgauge.points WHERE run != 0")
	if err != nil {
		return nil, err
	}
	took := time.Since(begin)
	p.Settle(ctx)
	bytes, err := p.client.Scalar(ctx, "SELECT sum(bytes_on_disk) AS x FROM system.parts WHERE active AND database = 'streamgauge'")
	if err != nil {
		return nil, err
	}
	return []Figure{{
		fmt.Sprintf("a history of %s points in %s runs, made in the engine", count(int(points)), count(p.History.Runs)), "-",
		fmt.Sprintf("%.0f s, %.1f GB on disk", took.Seconds(), float64(bytes)/1e9), "-",
	}}, nil
}

// settleMax bounds the wait for merges.
const settleMax = 3 * time.Minute

// Settle waits until the engine merges no more, or for settleMax: what fills a table within minutes leaves merges that
// would be measured with what is asked.
func (p *Place) Settle(ctx context.Context) {
	for end := time.Now().Add(settleMax); time.Now().Before(end); time.Sleep(time.Second) {
		if merges, err := p.client.Scalar(ctx, "SELECT count() AS x FROM system.merges"); err != nil || merges == 0 {
			return
		}
	}
}

// Close ends the connection.
func (p *Place) Close() {
	if p != nil {
		_ = p.client.Close()
	}
}

// ask sends a statement to our /v1/sql. The body must be closed.
func (p *Place) ask(ctx context.Context, query, format string) (*http.Response, error) {
	body, err := json.Marshal(map[string]string{"query": query, "format": format})
	if err != nil {
		return nil, err
	}
	return post(ctx, p.URL+"/v1/sql", body, "")
}

// askEngine sends it to the engine's own interface, as the same user.
func (p *Place) askEngine(ctx context.Context, query, format string) (*http.Response, error) {
	args := url.Values{"database": {"sg"}, "default_format": {format}}
	return post(ctx, "http://"+p.HTTP+"/?"+args.Encode(), []byte(query), p.Password)
}

// count writes large numbers short.
func count(n int) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%d M", n/1_000_000)
	case n >= 10_000:
		return fmt.Sprintf("%d k", n/1_000)
	}
	return fmt.Sprint(n)
}
