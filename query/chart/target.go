package chart

import (
	"context"
	"maps"
	"math"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// generation is a run that a target shows: 0 itself, 1 the one that it was forked from.
type generation struct {
	id         string
	number     track.RunNumber
	experiment uint32
	// upTo is the last step that is inherited.
	upTo int64
}

// target is a run that was asked for.
type target struct {
	id          string
	startMS     int64
	generations []generation
	upTo        []int64
	// seen by lane: the snapshots of all generations have everything up to there.
	seen map[uint16]uint64
}

func (t *target) add(doc *sgpb.Run, upTo int64) {
	number, _ := track.ParseRunID(doc.GetId())
	experiment, _ := track.ParseExperimentID(doc.GetExperimentId())
	t.generations = append(t.generations, generation{doc.GetId(), number, experiment, upTo})
	t.upTo = append(t.upTo, upTo)
}

// targets loads the runs and what they were forked from. Parents that are gone, or outside of what the caller may see,
// end a lineage.
func (r *Reader) targets(ctx context.Context, ids []string, apart bool) ([]*target, error) {
	docs, err := r.docs.RunDocuments(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*target, 0, len(ids))
	open := make(map[*target]*sgpb.Run)
	for _, id := range ids {
		doc := docs[id]
		if doc == nil {
			return nil, track.Errorf(track.ResourceDoesNotExist, "Run with id=%.40s not found", id)
		}
		t := &target{id: id, startMS: doc.GetStartMs()}
		t.add(doc, math.MaxInt64)
		out = append(out, t)
		if !apart {
			open[t] = doc
		}
	}
	for range generationsMax {
		if open, err = r.inherit(ctx, open); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inherit adds one generation to those that have one more.
func (r *Reader) inherit(ctx context.Context, open map[*target]*sgpb.Run) (map[*target]*sgpb.Run, error) {
	var ids []string
	for _, doc := range open {
		if fork := document.Fork(doc); fork != nil {
			ids = append(ids, fork.GetRunId())
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	docs, err := r.docs.RunDocuments(ctx, ids)
	if err != nil {
		return nil, err
	}
	caller, next := track.CallerOf(ctx), make(map[*target]*sgpb.Run)
	for t, doc := range open {
		fork := document.Fork(doc)
		id := fork.GetRunId()
		if fork == nil || docs[id] == nil || t.has(id) {
			continue
		}
		experiment := docs[id].GetExperimentId()
		if !caller.SeesAll() && !caller.Sees(experiment, r.docs.ExperimentName(experiment)) {
			continue
		}
		t.add(docs[id], min(fork.GetStep(), t.upTo[len(t.upTo)-1]))
		next[t] = docs[id]
	}
	return next, nil
}

// has says whether a run is in the lineage already: tags can be set to anything.
func (t *target) has(id string) bool {
	for _, g := range t.generations {
		if g.id == id {
			return true
		}
	}
	return false
}

// tails are the snapshots of all runs of a request.
type tails map[track.RunNumber]feed.Snapshot

func (r *Reader) tails(ctx context.Context, targets []*target) (tails, error) {
	out := make(tails)
	for _, t := range targets {
		for _, g := range t.generations {
			if _, ok := out[g.number]; ok {
				continue
			}
			s, err := r.tail.Run(ctx, g.number)
			if err != nil {
				return nil, track.Unavailable(track.TemporarilyUnavailable, 1, "the newest points cannot be read yet: %v", err)
			}
			out[g.number] = s
		}
		t.seen = maps.Clone(out[t.generations[0].number].Seen)
		for _, g := range t.generations {
			for lane, seen := range out[g.number].Seen {
				t.seen[lane] = min(t.seen[lane], seen)
			}
		}
	}
	return out, nil
}

// watermarks are of all snapshots together: what is up to them is in ClickHouse, whichever run it is of.
func (t tails) watermarks() map[uint16]uint64 {
	out := make(map[uint16]uint64)
	for _, s := range t {
		for lane, mark := range s.Watermarks {
			out[lane] = max(out[lane], mark)
		}
	}
	return out
}

// above visits the points of a key of a target's generation that marks do not cover, as far as all generations are seen.
func (t tails) above(of *target, g generation, key string, marks map[uint16]uint64, visit func(s *feed.Section, i int)) {
	for _, s := range t[g.number].Sections {
		// Run numbers are unique, but only ids are proof.
		if s.RunID != g.id || s.Seq <= marks[s.Lane] || s.Seq > of.seen[s.Lane] {
			continue
		}
		for k, name := range s.Points.Keys {
			if name != key {
				continue
			}
			for i, at := range s.Points.Key {
				if int(at) == k {
					visit(s, i)
				}
			}
		}
	}
}

// asOf is up to where a target's lines have everything: what the marks cover, and what the snapshots have.
func (t *target) asOf(marks map[uint16]uint64) map[uint16]uint64 { return atLeast(marks, t.seen) }
