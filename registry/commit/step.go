package commit

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// step decides as many commands, in order, as fit one atomic batch, commits them and answers. It returns those
// that are left.
func (m *Committer) step(ctx context.Context, batch []*request) (rest []*request) {
	o := newOverlay()
	var placed, alone []*request
	for i, q := range batch {
		err := m.place(q, &view{overlay: o, cache: m.cache, request: q})
		if errors.Is(err, errFull) {
			rest = batch[i:]
			break
		}
		var missing *decide.Missing
		if errors.As(err, &missing) || errors.Is(err, errTaken) {
			// Its documents went out of the cache meanwhile, or a drawn id is taken: it reads for itself.
			alone = append(alone, q)
			continue
		}
		q.err = err
		placed = append(placed, q)
	}
	m.finish(ctx, o, placed)
	for _, q := range alone {
		m.alone(ctx, q)
	}
	return rest
}

// place decides one command and applies it to the overlay. A refusal is answered like a success, once what it
// rests on is committed.
func (m *Committer) place(q *request, v *view) error {
	q.key, q.touched = "", q.touched[:0]
	given := m.given(q)
	d, err := decide.Decide(v, q.command, given)
	if err != nil {
		return err
	}
	q.key = d.Answer
	keys, err := v.overlay.apply(d, given.NowMS)
	q.touched = append(q.touched, keys...)
	return err
}

// finish commits the overlay, its parts side by side, and answers the commands that were placed on it.
func (m *Committer) finish(ctx context.Context, o *overlay, placed []*request) {
	current, err := m.verify(ctx, o)
	if err != nil || !current {
		m.settle(ctx, o, placed, cmp.Or(err, journal.ErrConflict))
		return
	}
	m.acknowledge(o)
	parts := o.parts(placed)
	failed := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() {
			if failed[i] = m.commit(ctx, o, p.keys); failed[i] == nil {
				m.settle(ctx, o, p.requests, nil)
			}
		})
	}
	wg.Wait()
	for i, p := range parts {
		if failed[i] != nil {
			m.settle(ctx, o, p.requests, failed[i])
		}
	}
}

// settle answers commands by what became of their documents.
func (m *Committer) settle(ctx context.Context, o *overlay, placed []*request, err error) {
	for _, q := range placed {
		switch {
		case err == nil:
			q.settle(o)
		case errors.Is(err, journal.ErrConflict):
			m.alone(ctx, q)
		default:
			q.answer(nil, err)
		}
	}
}

// settle answers a command from the committed overlay.
func (q *request) settle(o *overlay) {
	if q.err != nil || q.key == "" {
		q.answer(nil, q.err)
		return
	}
	q.answer(o.slots[q.key].doc, nil)
}

// commit writes dirty documents, all or none. After it the cache holds what was written, or nothing of it.
func (m *Committer) commit(ctx context.Context, o *overlay, dirty []string) error {
	if len(dirty) == 0 {
		return nil
	}
	writes, heads, err := o.writes(dirty)
	if err != nil {
		return track.Errorf(track.RequestTooLarge, "%v", err)
	}
	revisions, err := m.journal.Append(ctx, writes)
	if err != nil {
		for _, key := range dirty {
			m.cache.Forget(key)
		}
		return err
	}
	for i, key := range dirty {
		s := o.slots[key]
		s.revision, s.fresh = revisions[heads[i]], true
		if isKept(key) {
			m.cache.Put(key, Entry{Doc: s.doc, Revision: s.revision})
		}
	}
	if m.options.Acks != nil {
		m.options.Acks.AckDocs(revisions[len(revisions)-1])
	}
	return nil
}

// acknowledge notes the revisions that answers rest on without writing them. One of them may be the caller's own
// write whose answer was lost: its repeat finds everything done, and readers must see that too.
func (m *Committer) acknowledge(o *overlay) {
	if m.options.Acks == nil {
		return
	}
	for _, s := range o.slots {
		if !s.dirty {
			m.options.Acks.AckDocs(s.revision)
		}
	}
}

// verify says whether the documents that the batch rests on and does not write are what the cache believes.
// Those that it writes are checked by Append. Between this and Append another process may still change one: what
// is decided then stands as if it had come first. For refusals and for names, numbers and ids that is plain; a
// run that is written while its experiment is deleted is deleted with it, for it carries the older count
// (document.LifecycleOf).
func (m *Committer) verify(ctx context.Context, o *overlay) (bool, error) {
	current := true
	for key, s := range o.slots {
		if s.dirty || s.fresh {
			continue
		}
		_, revision, err := m.journal.Load(ctx, key)
		if err != nil {
			return false, err
		}
		if revision != s.revision {
			m.cache.Forget(key)
			current = false
		}
	}
	return current, nil
}

// alone decides one command on documents read now, and again as long as others are faster.
func (m *Committer) alone(ctx context.Context, q *request) {
	for range aloneTries {
		err := m.tryAlone(ctx, q)
		if errors.Is(err, journal.ErrConflict) || errors.Is(err, errTaken) {
			continue
		}
		if err != nil {
			q.answer(nil, err)
		}
		return
	}
	q.answer(nil, track.Errorf(track.Aborted, "others have changed the same document %d times meanwhile; try again", aloneTries))
}

// tryAlone answers the command unless it returns an error.
func (m *Committer) tryAlone(ctx context.Context, q *request) error {
	o := newOverlay()
	for range documentsMax {
		err := m.place(q, &view{overlay: o, request: q})
		var missing *decide.Missing
		if errors.As(err, &missing) {
			e, err := read(ctx, m.journal, missing.Key)
			if err != nil {
				return err
			}
			o.pin(missing.Key, e, true)
			if isKept(missing.Key) {
				m.cache.Put(missing.Key, e)
			}
			continue
		}
		if errors.Is(err, errTaken) {
			return err
		}
		q.err = err
		m.acknowledge(o)
		if err := m.commit(ctx, o, o.dirty); err != nil {
			return err
		}
		q.settle(o)
		return nil
	}
	return tooManyDocuments()
}

func tooManyDocuments() error {
	return track.Errorf(track.InvalidParameterValue, "The request concerns more than %d documents at once; make several of it", documentsMax)
}
