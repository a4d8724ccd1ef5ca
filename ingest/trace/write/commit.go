package write

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func (w *Writer) commit(batch []*request) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	o := overlay{writer: w, changed: make(map[string]*sgpb.Trace)}
	err := w.load(ctx, batch)
	var decided []*request
	if err == nil {
		for _, r := range batch {
			if refused := o.decide(r); refused != nil {
				r.done <- refused
				continue
			}
			decided = append(decided, r)
		}
		err = w.write(ctx, &o)
	} else {
		decided = batch
	}
	for _, r := range decided {
		r.done <- err
	}
}

// load fetches the traces that are not remembered.
func (w *Writer) load(ctx context.Context, batch []*request) error {
	if len(w.cache) > cachedMax {
		clear(w.cache)
	}
	var missing []string
	for _, r := range batch {
		for _, p := range r.parts {
			if _, ok := w.cache[p.ID]; !ok {
				missing = append(missing, p.ID)
				w.cache[p.ID] = Stored{}
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := w.store.Load(ctx, missing)
	for _, id := range missing {
		if err != nil {
			delete(w.cache, id)
		} else if f, ok := found[id]; ok {
			w.cache[id] = f
		}
	}
	if err != nil {
		return unwritten("load traces", err)
	}
	return nil
}

// overlay is what a batch has changed so far.
type overlay struct {
	writer  *Writer
	changed map[string]*sgpb.Trace
	spans   []*otlp.Span
}

// decide carries out a request on the overlay, or leaves it as it was.
func (o *overlay) decide(r *request) error {
	next := make(map[string]*sgpb.Trace, len(r.parts))
	for _, p := range r.parts {
		t, ok := next[p.ID]
		if !ok {
			t, ok = o.changed[p.ID]
		}
		if !ok {
			t = o.writer.cache[p.ID].Trace
		}
		changed, err := p.Change(t)
		if err != nil {
			return err
		}
		// What the store could not encode would fail the others of the batch with it.
		encoded, err := proto.Marshal(changed)
		if err != nil {
			return track.Errorf(track.InvalidParameterValue, "Trace '%s' cannot be stored: %v", p.ID, err)
		}
		if len(encoded) > documentBytesMax {
			return track.Errorf(track.InvalidParameterValue, "Trace '%s' would have more than %d MiB of tags, metadata and assessments", p.ID, documentBytesMax>>20)
		}
		if changed != nil {
			next[p.ID], t = changed, changed
		}
		r.after = append(r.after, t)
	}
	for id, t := range next {
		o.changed[id] = t
	}
	for _, p := range r.parts {
		o.spans = append(o.spans, p.Spans...)
	}
	return nil
}

// write stores what the overlay has. After an error nothing is remembered of these traces: what the store has of
// them is unknown.
func (w *Writer) write(ctx context.Context, o *overlay) error {
	if len(o.changed) == 0 {
		return nil
	}
	// A revision is later than every other, whatever the clock does.
	w.revision = max(w.revision+1, uint64(w.now().UnixMicro()))
	l := &Lot{Spans: o.spans}
	for id, t := range o.changed {
		old := w.cache[id]
		w.revision = max(w.revision, old.Revision+1)
		l.Traces = append(l.Traces, t)
		if from := experimentOf(old.Trace); old.Trace != nil && from != experimentOf(t) {
			l.Moved = append(l.Moved, Moved{from, id})
		}
	}
	l.Revision = w.revision
	err := w.store.Write(ctx, l)
	for id, t := range o.changed {
		if err != nil || proto.Size(t) > cachedBytesMax {
			delete(w.cache, id)
			continue
		}
		w.cache[id] = Stored{t, w.revision}
	}
	if err != nil {
		return unwritten("write traces", err)
	}
	return nil
}

func experimentOf(t *sgpb.Trace) string {
	return t.GetInfo().GetTraceLocation().GetMlflowExperiment().GetExperimentId()
}

func (w *Writer) remove(r *request) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	ids, err := w.store.Select(ctx, *r.remove)
	if err == nil && len(ids) > 0 {
		for _, id := range ids {
			delete(w.cache, id)
		}
		err = w.store.Delete(ctx, ids)
	}
	if err != nil {
		r.done <- unwritten("delete traces", err)
		return
	}
	r.removed = len(ids)
	r.done <- nil
}

// unwritten is the answer when the store failed; clients repeat.
func unwritten(what string, err error) error {
	var e *track.Error
	if errors.As(err, &e) {
		return err
	}
	return track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "%v; try again", fmt.Errorf("%s: %w", what, err))
}
