package clickhouse

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/ch-go"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/query/refusal"
)

const (
	// streamsMax is how many long answers are read at a time: each holds a connection for as long as its client reads.
	streamsMax = 2
	// sortBytesMax is the memory in which ClickHouse sorts a long history; beyond, it sorts on disk.
	sortBytesMax = 128 << 20
	// streamBlockRows is how many points come at a time.
	streamBlockRows = 16_384
)

// errBroken: a statement cannot begin anew once a part of its answer was passed on.
var errBroken = errors.New("the connection to ClickHouse broke in the middle of an answer")

// orderedRows passes every block on.
type orderedRows struct {
	historyRows
	visit   func(*history.Points) error
	byStep  bool
	visited bool
	again   bool
}

func (r *orderedRows) reset() { r.again = r.visited }

func (r *orderedRows) take(rows int) error {
	if r.again {
		return errBroken
	}
	if rows == 0 {
		return nil
	}
	r.visited, r.points = true, history.Points{ByStep: r.byStep}
	if err := r.historyRows.take(rows); err != nil {
		return err
	}
	return r.visit(&r.points)
}

// HistoryOrdered reads all points of a metric in order, part by part; visit is called from one goroutine.
func (s *Store) HistoryOrdered(ctx context.Context, read history.Read, visit func(*history.Points) error) error {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	case <-ctx.Done():
		return refusal.Unavailable("wait for other histories", context.Cause(ctx))
	}
	p := pinned(read.Run, read.Key, read.Watermarks)
	p["rank"], p["from"], p["to"], p["by_step"] = uint64(read.Rank), read.From, read.To, uint64(0)
	if read.ByStep {
		p["by_step"] = uint64(1)
	}
	text, err := files.ReadFile("sql/history_ordered.sql")
	if err != nil {
		return fmt.Errorf("read statement: %w", err)
	}
	return s.run(ctx, "history_ordered", string(text), p, &orderedRows{visit: visit, byStep: read.ByStep},
		ch.SettingInt("max_bytes_before_external_sort", sortBytesMax), ch.SettingInt("max_block_size", streamBlockRows))
}
