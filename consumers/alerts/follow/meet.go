package follow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/streamgauge/streamgauge/consumers/alerts"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// expectMax is how long asking for the runs from before a rule may take.
const expectMax = 30 * time.Second

// meet tells the judge whether the runs of sections run, where it does not know.
func (f *Follower) meet(ctx context.Context, sections []*feed.Section) error {
	f.mu.Lock()
	ids := f.judge.Strangers(sections)
	f.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	experiments := make(map[string]uint32)
	for _, s := range sections {
		experiments[s.RunID] = s.Experiment
	}
	signs := make([]alerts.Sign, 0, len(ids))
	for _, id := range ids {
		sign, err := f.known(ctx, alerts.Sign{RunID: id, Experiment: experiments[id]})
		if err != nil {
			return err
		}
		signs = append(signs, sign)
	}
	return f.judged(ctx, func(j *alerts.Evaluator) []alerts.Event {
		for _, sign := range signs {
			j.Meet(sign, time.Now().UnixMilli())
		}
		return nil
	})
}

// known adds to a sign what the run's document says. A run that is gone, deleted or cannot be read does not run.
func (f *Follower) known(ctx context.Context, sign alerts.Sign) (alerts.Sign, error) {
	run, err := f.Known.Run(ctx, sign.RunID)
	var refused *track.Error
	switch {
	case errors.As(err, &refused) && (refused.Code == track.ResourceDoesNotExist || refused.Code == track.DataLoss):
	case err != nil:
		return sign, fmt.Errorf("read run %s: %w", sign.RunID, err)
	case run.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_DELETED:
		sign.State, sign.SeenMS = mlflow.StatusName(run.GetStatus()), max(sign.SeenMS, run.GetUpdatedMs())
	}
	return sign, nil
}

// introduce tells the judge, whenever there are new rules that look for silences, which runs may have been silent before.
func (f *Follower) introduce(ctx context.Context) error {
	told := ""
	for {
		f.mu.Lock()
		fresh := f.judge.Fresh()
		f.mu.Unlock()
		if len(fresh) > 0 {
			err := f.expect(ctx, fresh)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil && err.Error() != told {
				told = err.Error()
				f.Log.Warn("runs that were silent before an alert was made are not known yet, trying again", "error", err)
			}
		}
		if err := wait(ctx, nil); err != nil {
			return err
		}
	}
}

func (f *Follower) expect(ctx context.Context, fresh []*alert.Rule) error {
	signs, err := f.runningBefore(ctx, fresh)
	if err != nil {
		return err
	}
	return f.judged(ctx, func(j *alerts.Evaluator) []alerts.Event {
		now := time.Now().UnixMilli()
		for _, sign := range signs {
			j.Expect(sign, now)
		}
		j.Introduced(fresh)
		f.unsaved = true
		return nil
	})
}

func (f *Follower) runningBefore(ctx context.Context, fresh []*alert.Rule) ([]alerts.Sign, error) {
	ctx, cancel := context.WithTimeout(ctx, expectMax)
	defer cancel()
	var experiments []uint32
	var runs []string
	since := alerts.Since(fresh[0])
	for _, r := range fresh {
		since = min(since, alerts.Since(r))
		if r.RunID != "" {
			runs = append(runs, r.RunID)
		}
		for _, id := range r.ExperimentIDs {
			if n, err := strconv.ParseUint(id, 10, 32); err == nil { // it has been set
				experiments = append(experiments, uint32(n))
			}
		}
	}
	signs, err := f.Known.Running(ctx, experiments, runs, since)
	if err != nil {
		return nil, fmt.Errorf("ask for running runs: %w", err)
	}
	running := signs[:0]
	for _, sign := range signs {
		if sign, err = f.known(ctx, sign); err != nil {
			return nil, err
		}
		if sign.State == mlflow.StatusName(sgpb.RunStatus_RUN_STATUS_RUNNING) {
			running = append(running, sign)
		}
	}
	return running, nil
}
