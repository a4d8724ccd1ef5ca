package transfer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	// comparedRuns and comparedRows bound what one question compares: a question has 60 s.
	comparedRuns = 1000
	comparedRows = 50_000_000
	// writersTold is how many writers of a run are looked at: one would be an import's.
	writersTold = 3
)

// State is what a run has on a server.
type State struct {
	Digest
	Writers map[uint64]bool
}

// Compare asks what runs have on a server, by their numbers. want says how much that may be.
func (e *Events) Compare(ctx context.Context, s Server, want map[uint64]Digest) (map[uint64]State, error) {
	out := make(map[uint64]State)
	var some []uint64
	var rows int64
	ask := func() error {
		parts := max((rows+comparedRows-1)/comparedRows, 1)
		for part := range parts {
			where := Runs(some)
			if parts > 1 {
				where += fmt.Sprintf(" AND %s %% %d = %d", e.Spread, parts, part)
			}
			if err := e.state(ctx, s, where, out); err != nil {
				return err
			}
		}
		some, rows = nil, 0
		return nil
	}
	for _, run := range slices.Sorted(maps.Keys(want)) {
		if n := want[run].Rows; len(some) == comparedRuns || len(some) > 0 && rows+n > comparedRows {
			if err := ask(); err != nil {
				return nil, err
			}
		}
		some = append(some, run)
		rows += want[run].Rows
	}
	if len(some) == 0 {
		return out, nil
	}
	return out, ask()
}

// state adds up what a condition leaves of each run.
func (e *Events) state(ctx context.Context, s Server, where string, into map[uint64]State) error {
	writers := fmt.Sprintf(", arrayStringConcat(arrayMap(x -> toString(x), groupUniqArray(%d)(writer)), ',') FROM ", writersTold)
	rows, err := Query(ctx, s, strings.Replace(e.DigestQuery(where), " FROM ", writers, 1))
	if err != nil {
		return err
	}
	for _, r := range rows {
		run, d, err := ParseDigest(r)
		if err != nil {
			return err
		}
		is, ok := into[run]
		if !ok {
			is.Writers = make(map[uint64]bool)
		}
		is.Digest = is.Plus(d)
		for _, w := range strings.Split(r[3], ",") {
			n, err := strconv.ParseUint(w, 10, 64)
			if err != nil {
				return fmt.Errorf("read a writer: %w", err)
			}
			is.Writers[n] = true
		}
		into[run] = is
	}
	return nil
}
