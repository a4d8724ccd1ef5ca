package follow

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/alerts"
	"github.com/streamgauge/streamgauge/consumers/documents"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// clock says up to which time a log has been read.
type clock struct {
	// askedMS is when the fetch under way began, 0 while there is none; lastMS is the time of the last message.
	askedMS, lastMS atomic.Int64
}

// limit is now, or the time up to which the log has been read if that is earlier.
func (c *clock) limit(now time.Time) time.Time {
	asked := c.askedMS.Load()
	if asked != 0 && now.UnixMilli()-asked > idleAfter.Milliseconds() {
		return now
	}
	if last := time.UnixMilli(c.lastMS.Load()); last.Before(now) {
		return last
	}
	return now
}

func (c *clock) fetch(ctx context.Context, from consumers.Source) ([]consumers.Message, error) {
	c.askedMS.Store(time.Now().UnixMilli())
	messages, err := from.Fetch(ctx, fetchBytesMax)
	c.askedMS.Store(0)
	return messages, err
}

func (c *clock) took(messages []consumers.Message) {
	if n := len(messages); n > 0 {
		c.lastMS.Store(messages[n-1].TimeMS)
	}
}

// reader reads one lane.
type reader struct {
	clock
	*Lane
	follower *Follower
	intake   *consumers.Intake
	// next is the first frame that is not judged.
	next uint64
}

// open finds where a lane is to be read from.
func (f *Follower) open(ctx context.Context, l *Lane, restored bool) (*reader, error) {
	state, err := l.Source.State(ctx)
	if err != nil {
		return nil, err
	}
	at := f.judge.Seen(l.Number) // 0 for a lane that is newer than the snapshot
	if !restored {
		if at, err = l.Reached(ctx); err != nil {
			return nil, err
		}
	}
	switch {
	case state.Last < at && restored:
		f.Log.Error("a lane ends before what alerts have read of it: the bus was restored from an older copy; alerts go on at its end", "lane", l.Number, "end", state.Last, "read", at)
		at = state.Last
	case state.First > at+1:
		f.gap(l, at+1, state.First)
		at = state.First - 1
	}
	f.judge.Jump(l.Number, at)
	writers, from, err := f.Past.Writers(ctx, l.Number, at)
	if err != nil {
		return nil, err
	}
	if err := l.Source.Seek(ctx, from+1); err != nil {
		return nil, fmt.Errorf("seek lane %d to %d: %w", l.Number, from+1, err)
	}
	return &reader{Lane: l, follower: f, intake: consumers.NewIntake(l.Number, silent{f.Facts}, writers, wait), next: at + 1}, nil
}

// gap tells of frames that are gone and were not judged.
func (f *Follower) gap(l *Lane, from, next uint64) {
	f.Metrics.gaps.Add(float64(next - from))
	f.Log.Error("frames were purged that alerts have not judged", "lane", l.Number, "from", from, "to", next-1)
}

// silent leaves the events of runs to the owner of the lane, who has carried them out.
type silent struct{ consumers.Runs }

func (silent) Do(context.Context, track.Command) (*sgpb.Run, error) { return nil, nil }

func wait(ctx context.Context, _ error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(retryWait):
		return nil
	}
}

func (r *reader) run(ctx context.Context) error {
	for {
		messages, err := r.fetch(ctx, r.Source)
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			continue
		}
		last := messages[len(messages)-1].Seq
		if err := r.Decided(ctx, last); err != nil {
			return err
		}
		frames := make([]*consumers.Frame, len(messages))
		for i, m := range messages {
			if m.Seq > r.next { // also while it was read: nobody waits for alerts for ever
				r.follower.gap(r.Lane, r.next, m.Seq)
			}
			r.next = max(r.next, m.Seq+1)
			if frames[i], err = r.intake.Take(ctx, m); err != nil {
				return err
			}
		}
		// Frame by frame, so that what a fetch of flapping series finds is never in memory at once.
		for _, f := range frames {
			if err := r.follower.meet(ctx, f.Sections); err != nil {
				return err
			}
			err := r.follower.judged(ctx, func(j *alerts.Evaluator) []alerts.Event { return j.Points(f.Sections, f.TimeMS) })
			if err != nil {
				return err
			}
		}
		err = r.follower.judged(ctx, func(j *alerts.Evaluator) []alerts.Event {
			j.ReadLane(r.Number, last)
			return nil
		})
		if err != nil {
			return err
		}
		r.took(messages)
	}
}

// runs reads the documents of runs.
type runs struct {
	clock
	follower *Follower
}

func (f *Follower) openRuns(ctx context.Context, restored bool) (*runs, error) {
	state, err := f.Runs.State(ctx)
	if err != nil {
		return nil, err
	}
	if !restored || f.judge.Seen(alerts.Documents) > state.Last {
		f.judge.Jump(alerts.Documents, state.Last)
	}
	if err := f.Runs.Seek(ctx, f.judge.Seen(alerts.Documents)+1); err != nil {
		return nil, fmt.Errorf("seek documents: %w", err)
	}
	return &runs{follower: f}, nil
}

func (r *runs) run(ctx context.Context) error {
	for {
		messages, err := r.fetch(ctx, r.follower.Runs)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if err := r.take(ctx, m); err != nil {
				return err
			}
		}
		r.took(messages)
	}
}

func (r *runs) take(ctx context.Context, m consumers.Message) error {
	doc, err := documents.Read(ctx, r.follower.Keys, m)
	if err != nil {
		return err
	}
	return r.follower.judged(ctx, func(j *alerts.Evaluator) (events []alerts.Event) {
		run := (*sgpb.Run)(nil)
		if doc != nil {
			run = doc.Doc.GetRun()
		}
		switch experiment, ok := track.ParseExperimentID(run.GetExperimentId()); {
		case run.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED:
			j.Forget(run.GetId())
		case run != nil && ok:
			events = j.Run(alerts.Sign{
				RunID: run.GetId(), Experiment: experiment, Revision: m.Seq, State: mlflow.StatusName(run.GetStatus()),
				SeenMS: run.GetUpdatedMs(), EndMS: run.GetEndMs(),
			})
		}
		j.ReadDocuments(m.Seq)
		return events
	})
}
