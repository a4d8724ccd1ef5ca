package hot

import (
	"context"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Documents gives the newest documents of runs without their metrics, out of the set or else of ClickHouse; what does not
// exist is left out. The documents are shared: do not change them.
func (l *Loader) Documents(ctx context.Context, ids []string) (map[string]*sgpb.Run, error) {
	out := make(map[string]*sgpb.Run, len(ids))
	var cold []string
	for _, id := range ids {
		if _, ok := track.ParseRunID(id); !ok {
			continue
		}
		switch doc, known := l.Set.document(id); {
		case !known:
			cold = append(cold, id)
		case doc != nil:
			out[id] = doc
		}
	}
	for len(cold) > 0 {
		n := min(len(cold), loadRunsMax)
		docs, err := l.Source.Runs(ctx, cold[:n])
		if err != nil {
			return nil, fmt.Errorf("read documents of %d runs: %w", n, err)
		}
		for _, d := range docs {
			out[d.Run.GetId()] = d.Run
		}
		cold = cold[n:]
	}
	return out, nil
}

// document gives a run's document if the set has it: it is the newest then. A deleted one is known, and nil.
func (s *Set) document(id string) (doc *sgpb.Run, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runs[id]
	if r == nil {
		return nil, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.doc, r.doc != nil || r.gone
}

// Latest gives the latest value of a key of a run that is complete in the set.
func (s *Set) Latest(id, key string) (latest track.Latest, ok bool) {
	s.mu.Lock()
	r := s.runs[id]
	s.mu.Unlock()
	if r == nil || !r.ready() {
		return latest, false
	}
	r.View(func(v View) { latest, ok = v.Latest(key) })
	return latest, ok
}
