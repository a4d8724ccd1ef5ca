package follow

import (
	"context"
	"fmt"
	"time"

	"github.com/streamgauge/streamgauge/consumers/alerts"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// judged judges and stores what was found, in one step. After an error the judge knows of events that may not be stored: it
// is neither asked nor saved again.
func (f *Follower) judged(ctx context.Context, do func(*alerts.Evaluator) []alerts.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.broken
	}
	f.broken = f.judgeAndStore(ctx, do)
	return f.broken
}

func (f *Follower) judgeAndStore(ctx context.Context, do func(*alerts.Evaluator) []alerts.Event) error {
	events := do(f.judge)
	if refused := f.judge.Refused(); refused > f.refused {
		f.Metrics.notJudged.Add(float64(refused - f.refused))
		f.refused = refused
	}
	f.Metrics.states.Set(float64(f.judge.States()))
	for len(events) > 0 {
		n := min(len(events), savedEventsMax)
		if err := f.store(ctx, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	if f.events < savedEventsMax && !f.unsaved {
		return nil
	}
	return f.save(ctx)
}

func (f *Follower) store(ctx context.Context, events []alerts.Event) error {
	now := time.Now().UnixMilli()
	docs := make([]*sgpb.AlertEvent, len(events))
	for i := range events {
		docs[i] = f.judge.Document(&events[i], now)
		f.Metrics.found(docs[i])
	}
	if err := f.Store(ctx, docs); err != nil {
		return fmt.Errorf("store events of alerts: %w", err)
	}
	f.events += len(events)
	return f.pace(ctx, len(events))
}

// pace lets no more than eventsPerSecond be stored in the long run, for each is a document, and the documents of runs are
// written by the same hands. What flaps faster is judged late.
func (f *Follower) pace(ctx context.Context, events int) error {
	if now := time.Now(); f.due.Before(now) {
		f.due = now
	}
	f.due = f.due.Add(time.Duration(events) * time.Second / eventsPerSecond)
	wait := time.Until(f.due) - aheadMax
	if wait <= 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// save writes a snapshot, or what is other than in the last one if that is little. The lock is held.
func (f *Follower) save(ctx context.Context) error {
	if f.broken != nil {
		return f.broken
	}
	if !f.based || !f.judge.Still() {
		began := time.Now()
		write, to := f.judge.Changes, f.States.SaveChanges
		if !f.based || f.judge.Moved() > max(movedMin, f.judge.States()/4) {
			write, to = f.judge.Snapshot, f.States.Save
		}
		states, err := write()
		if err != nil {
			return err
		}
		if err := to(ctx, states); err != nil {
			return err
		}
		f.based, f.took = true, time.Since(began)
	}
	f.events, f.unsaved = 0, false
	f.held.Set(func(i int) uint64 { return f.judge.Seen(f.Lanes[i].Number) })
	return nil
}
