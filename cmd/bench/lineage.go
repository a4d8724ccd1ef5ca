package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
)

const (
	// A job's run has an edge from its job, reads nine sources and writes ten: 50,000 of them are a million edges.
	lineageRuns    = 50_000
	lineageInputs  = 9
	lineageOutputs = 10
	// lineageWindow is how many runs back a source is read: every source by one run, more or less.
	lineageWindow  = 10_000
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
		status, body, err := t.post("/api/v1/lineage", lineageEvent(n))
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
	b.add(fmt.Sprintf("OpenLineage events of %d edges, %d clients", 1+lineageInputs+lineageOutputs, lineageClients), "-", perSecond(l.rate()), "-")
	// The newest documents must not be answered from memory alone.
	if _, err := t.must("/v1/sql", []byte(`{"query":"SELECT count() FROM lineage"}`)); err != nil {
		return err
	}
	for _, direction := range []string{"up", "down", "both"} {
		var nodes, edges atomic.Int64
		r := rand.New(rand.NewPCG(7, 7))
		l, err := repeat(1, long, lineageWalks, func(int, int64) error {
			n := lineageWindow + r.Int64N(lineageRuns-2*lineageWindow)
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

// lineageEvent is of a job that reads what runs before it wrote.
func lineageEvent(n int64) []byte {
	type data struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	}
	source := func(i int64) data { return data{"s3://lake", "warehouse/table-" + strconv.FormatInt(i, 10)} }
	r := rand.New(rand.NewPCG(uint64(n), 1))
	var inputs, outputs []data
	for range lineageInputs {
		inputs = append(inputs, source(r.Int64N(lineageWindow*lineageOutputs)+max(n-lineageWindow, 0)*lineageOutputs))
	}
	for i := range int64(lineageOutputs) {
		outputs = append(outputs, source(n*lineageOutputs+i))
	}
	body, _ := json.Marshal(map[string]any{ // texts and lists always encode
		"eventType": "COMPLETE", "eventTime": "2026-03-01T12:00:00Z", "producer": "bench", "run": map[string]string{"runId": strconv.FormatInt(n, 10)},
		"job": data{"bench", "job-" + strconv.FormatInt(n%100, 10)}, "inputs": inputs, "outputs": outputs,
	})
	return body
}
