package consumers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamgauge/streamgauge/schemas/feed"
)

// fetch reads the log into the tail until ctx ends.
func (o *opened) fetch(ctx context.Context) error {
	retry := o.retrying(&o.fetching)
	next := o.marker.Last + 1
	for {
		if err := o.tail.await(ctx, func(t *tail) bool { return t.bytes < o.TailBytesMax }); err != nil {
			return err
		}
		messages, err := o.Source.Fetch(ctx, fetchBytesMax)
		if err != nil {
			if err := retry(ctx, fmt.Errorf("fetch from %d: %w", next, err)); err != nil {
				return err
			}
			continue
		}
		if next, err = o.take(ctx, messages, next); err != nil {
			return err
		}
	}
}

// take decides messages, puts them into the tail, tells the observer, and lets readers pass, in this order.
func (o *opened) take(ctx context.Context, messages []Message, next uint64) (uint64, error) {
	o.fetching.Store(nil)
	now := time.Now()
	frames := make([]*Frame, 0, len(messages))
	var sections []*feed.Section
	for _, m := range messages {
		if m.Seq < next {
			continue
		}
		if m.Seq > next {
			o.gap(next, m.Seq-1)
		}
		next = m.Seq + 1
		f, err := o.intake.Take(ctx, m)
		if err != nil {
			return next, err
		}
		f.arrived = now
		frames = append(frames, f)
		if m.Seq > o.observed {
			sections = append(sections, f.Sections...)
		}
		o.count(f)
	}
	o.tail.add(frames)
	if o.Observer != nil && len(sections) > 0 {
		o.Observer.ObserveSections(sections)
	}
	o.observed = max(o.observed, next-1)
	o.tail.see(next - 1)
	o.metrics.writerHoles.Set(float64(o.intake.writers.Holes()))
	return next, nil
}

func (o *opened) count(f *Frame) {
	if f.Repeat {
		o.metrics.repeats.Inc()
	}
	if n := len(f.Refusals); n > 0 {
		o.metrics.quarantined.Add(float64(n))
		o.Log.Warn("sent to quarantine", "seq", f.Seq, "parts", n, "reason", f.Refusals[0].Reason)
	}
}

// build cuts batches off the tail and merges them until ctx ends, the next one while one is being inserted.
func (o *opened) build(ctx context.Context) error {
	for ctx.Err() == nil {
		frames, wait := o.tail.cut(time.Now())
		if frames == nil {
			o.tail.pause(ctx, min(wait, housekeepingEvery))
			continue
		}
		select {
		case o.merged <- o.merge(frames):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// merge makes one batch of frames. What it has seen of writers goes into the batch, and no more.
func (o *opened) merge(frames []*Frame) *Batch {
	start := time.Now()
	b := NewBatch(o.Lane.Lane, o.mergedTo+1, o.epoch)
	for _, f := range frames {
		b.Add(f)
		if f.Writer != 0 {
			o.seen.Add(f.Writer, f.Number, f.TimeMS, f.Closes)
		}
	}
	select {
	case b.Points = <-o.columns:
	default:
	}
	b.Seal(o.seen)
	o.mergedTo = b.Marker.Last
	since(o.metrics.buildSeconds, start)
	return b
}

// write inserts batches, one after the other, until ctx ends.
func (o *opened) write(ctx context.Context) error {
	house := time.NewTicker(purgeEvery) // a purge that came too early for its gain is due soon
	defer house.Stop()
	for {
		select {
		case b := <-o.merged:
			if err := o.insert(ctx, b); err != nil {
				return err
			}
		case <-house.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if time.Since(o.verified) > housekeepingEvery {
			if err := o.verify(ctx); err != nil {
				return err
			}
		}
		o.keepHouse(ctx)
	}
}

// Decided returns once the lane has decided about all frames up to a sequence.
func (l *Lane) Decided(ctx context.Context, seq uint64) error {
	return l.tail.await(ctx, func(t *tail) bool { return t.open && t.seen >= seq })
}

// Reached is the last frame that the lane has decided about, once it has read what was on the log when it was opened.
func (l *Lane) Reached(ctx context.Context) (seq uint64, err error) {
	err = l.tail.await(ctx, func(t *tail) bool {
		seq = t.seen
		return t.has(0)
	})
	return seq, err
}

// verify asks the table whether it still ends where it must: an engine that lost its newest parts would
// otherwise be noticed only at the next insert. Not being answered means nothing.
func (o *opened) verify(ctx context.Context) error {
	m, err := o.Sink.Marker(ctx, o.Lane.Lane)
	if err != nil {
		return nil
	}
	o.verified = time.Now()
	switch {
	case m.Last < o.marker.Last:
		return fmt.Errorf("lane %d: %w: it ends at %d, we had applied %d", o.Lane.Lane, ErrRewound, m.Last, o.marker.Last)
	case m != o.marker:
		return fmt.Errorf("lane %d: %w: it ends at %d under epoch %d, ours at %d under %d", o.Lane.Lane, ErrOvertaken, m.Last, m.Epoch, o.marker.Last, o.marker.Epoch)
	}
	return nil
}

func (o *opened) insert(ctx context.Context, b *Batch) error {
	start := time.Now()
	if err := o.apply.apply(ctx, b); err != nil {
		return err
	}
	o.inserting.Store(nil)
	// Fresh columns of a full batch cost as much as filling them; a quiet lane gives the memory back.
	if b.Marker.Rows >= o.Pace.RowsSoon {
		b.Points.Reset()
		select {
		case o.columns <- b.Points:
		default:
		}
	}
	o.marker, o.verified = b.Marker, time.Now()
	o.tail.apply(b.Marker.Last)
	// The window counts from the insert, not from the bus: after a long outage old frames guard new parts.
	o.retention.Applied(b.Marker.Last, o.verified.UnixMilli(), uint64(b.LogBytes))
	o.metrics.batchRows.Observe(float64(b.Marker.Rows))
	since(o.metrics.insertSeconds, start)
	return nil
}

// keepHouse purges what the safety window lets go and tells the metrics. A purge that fails is tried again
// at the next batch: the log only stays longer than it must.
func (o *opened) keepHouse(ctx context.Context) {
	o.measure(ctx)
	now := time.Now()
	seq, gain := o.retention.Purge(now.UnixMilli(), o.Hold())
	if seq == 0 || now.Sub(o.purged) < purgeEvery && gain < o.retention.BytesMax/laneShare {
		return
	}
	o.purged = now
	if err := o.Source.Purge(ctx, seq); err != nil {
		if !errors.Is(err, context.Canceled) {
			o.Log.Warn("purge failed, trying again later", "seq", seq, "error", err)
		}
		return
	}
	o.retention.Purged(seq)
}

// measure tells the metrics how far behind the table is. What is not fetched yet is asked for rarely.
func (o *opened) measure(ctx context.Context) {
	frames, bytes, onLog := o.tail.counts()
	if time.Since(o.measured) > housekeepingEvery {
		o.measured = time.Now()
		if state, err := o.Source.State(ctx); err == nil {
			o.unfetched = max(state.Last, o.tail.reached()) - o.tail.reached()
		}
	}
	o.metrics.tailBytes.Set(float64(bytes))
	o.metrics.lagFrames.Set(float64(uint64(frames) + o.unfetched))
	o.metrics.lagBytes.Set(float64(onLog))
}
