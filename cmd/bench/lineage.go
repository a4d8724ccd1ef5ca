package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"

	"github.com/streamgauge/streamgauge/cmd/bench/analysts"
	"github.com/streamgauge/streamgauge/cmd/bench/generate"
)

const (
	// A job's run has an edge from its job, reads nine sources and writes ten: 50,000 of them are a million edges.
	lineageRuns    = 50_000
	lineageClients = 32
	lineageDepth   = 5
	lineageWalks   = 500
)

// measureLineage walks over a million edges, which come as OpenLineage's events.
func (b *bench) measureLineage() error {
	t, err := b.streamgauge()
	if err != nil {
		return err
	}
	l, err := repeat(lineageClients, fillLimit, lineageRuns, func(_ int, n int64) error {
		status, body, err := t.post("/api/v1/lineage", generate.LineageEvent(n))
		if err == nil && status != 201 {
			err = fmt.Errorf("an event got %d: %.300s", status, body)
		}
		return err
	})
	if err == nil && l.count != lineageRuns {
		err = fmt.Errorf("sent %d of %d events in %v", l.count, lineageRuns, fillLimit)
	}
	if err != nil {
		return err
	}
	b.add(fmt.Sprintf("OpenLineage events of %d edges, %d clients", generate.LineageEdges, lineageClients), "-", perSecond(l.rate()), "-")
	// The newest documents must not be answered from memory alone.
	if _, err := t.must("/v1/sql", []byte(`{"query":"SELECT count() FROM lineage"}`)); err != nil {
		return err
	}
	p, err := analysts.Open(t.url, filepath.Join(b.oursDirs, "data"), t.rss)
	if err != nil {
		return err
	}
	defer p.Close()
	p.Settle(context.Background())
	for _, direction := range []string{"up", "down", "both"} {
		var nodes, edges atomic.Int64
		r := rand.New(rand.NewPCG(7, 7))
		l, err := repeat(1, long, lineageWalks, func(int, int64) error {
			n := generate.LineageWindow + r.Int64N(lineageRuns-2*generate.LineageWindow)
			body, err := t.mustGet(fmt.Sprintf("/v1/lineage?node=job-run:%d&direction=%s&depth=%d&nodes_max=10000", n, direction, lineageDepth))
			nodes.Add(int64(bytes.Count(body, []byte(`"distance"`))))
			edges.Add(int64(bytes.Count(body, []byte(`"from"`))))
			if err == nil && !bytes.Contains(body, []byte(`"edges":[{`)) {
				err = fmt.Errorf("no edge came back: %.300s", body)
			}
			return err
		})
		if err != nil {
			return err
		}
		b.add(fmt.Sprintf("lineage of a node among a million edges, depth %d, %s (%d nodes, %d edges)", lineageDepth, direction, nodes.Load()/l.count, edges.Load()/l.count),
			"< 100 ms", fmt.Sprintf("p50 %s, p95 %s", ms(l.percentile(50)), ms(l.percentile(95))), "has none")
	}
	return nil
}
