package sheet

import (
	"cmp"
	"context"
	"slices"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Before answers from the set's whole sheets what hot loads, and asks ClickHouse for the rest.
type Before struct {
	Set *Set
	hot.Source
}

// Runs implements hot.Source.
func (b Before) Runs(ctx context.Context, ids []string) ([]hot.Document, error) {
	found, missing := b.Set.documents(ids)
	if len(missing) == 0 {
		return found, nil
	}
	stored, err := b.Source.Runs(ctx, missing)
	return append(found, stored...), err
}

// Latest implements hot.Source.
func (b Before) Latest(ctx context.Context, experiment uint32, runs []track.RunNumber) ([]hot.Value, error) {
	if sheet := b.Set.Whole(experiment); sheet != nil {
		return sheet.latest(runs), nil
	}
	return b.Source.Latest(ctx, experiment, runs)
}

func (s *Set) documents(ids []string) (found []hot.Document, missing []string) {
	sheets := s.allWhole()
	for _, id := range ids {
		number, _ := track.ParseRunID(id)
		i := slices.IndexFunc(sheets, func(sheet *Sheet) bool {
			run, revision, ok := sheet.document(number)
			if ok = ok && run.GetId() == id; ok {
				found = append(found, hot.Document{Run: run, Revision: revision})
			}
			return ok
		})
		if i < 0 {
			missing = append(missing, id)
		}
	}
	return found, missing
}

// allWhole are the whole sheets, that first which was used last.
func (s *Set) allWhole() (out []*Sheet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sheet := range s.sheets {
		if sheet.whole {
			out = append(out, sheet)
		}
	}
	// Whose sheet was searched last is most likely the one.
	slices.SortFunc(out, func(a, b *Sheet) int { return cmp.Compare(b.used, a.used) })
	return out
}

// latest are the latest values of runs, run by run.
func (s *Sheet) latest(runs []track.RunNumber) (out []hot.Value) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, number := range runs {
		i, ok := s.numbers[number]
		if !ok {
			continue
		}
		for _, own := range s.rows[i].metrics {
			c := s.metrics.list[own]
			out = append(out, hot.Value{Run: number, Key: c.key, Latest: *c.at(i)})
		}
	}
	return out
}

// Some are latest values of runs, run by run: those of some metrics, and at most so many others of each run.
func (s *Sheet) Some(runs []track.RunNumber, keys []string, others int) (out []hot.Value) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	wanted := make(map[uint32]bool, len(keys))
	for _, key := range keys {
		if c := s.metrics.byKey[key]; c != nil {
			wanted[c.number] = true
		}
	}
	for _, number := range runs {
		i, ok := s.numbers[number]
		if !ok {
			continue
		}
		left := others
		for _, own := range s.rows[i].metrics {
			if !wanted[own] {
				if left == 0 {
					continue
				}
				left--
			}
			c := s.metrics.list[own]
			out = append(out, hot.Value{Run: number, Key: c.key, Latest: *c.at(i)})
		}
	}
	return out
}
