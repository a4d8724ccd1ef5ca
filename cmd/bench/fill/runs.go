package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// described are the params of a run, and as many metrics.
	described = 5
	minuteMS  = 60_000
	// batches of runs are placed at once, runsABatch in each, which is what an import may bring.
	batches    = 4
	runsABatch = 500
	// runsTime bounds the placing of runs: a slow machine is measured with fewer of them.
	runsTime = 200 * time.Second
)

// runs places so many finished runs of a few params and metrics, a minute apart, as an import does, for logging runs is another
// measure; or as many as the time allows.
func (to server) runs(ctx context.Context, n int) (filled, error) {
	f, err := to.experiment(ctx, "sweep")
	if err != nil {
		return f, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	first := time.Now().UnixMilli() - int64(n)*minuteMS
	end := time.Now().Add(runsTime)
	var next, made atomic.Int64
	var all sync.WaitGroup
	for range batches {
		all.Go(func() {
			s := newSender(to.url)
			for ctx.Err() == nil && time.Now().Before(end) {
				from := next.Add(runsABatch) - runsABatch
				if from >= int64(n) {
					break
				}
				to := min(from+runsABatch, int64(n))
				if err := s.batch(ctx, f.Experiment, from, to, first); err != nil {
					cancel(err)
					break
				}
				made.Add(to - from)
			}
			if err := s.close(ctx); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return f, context.Cause(ctx)
	}
	f.Count = made.Load()
	return f, to.applied(ctx, int(f.Count))
}

// batch places runs and then sends their points.
func (s *sender) batch(ctx context.Context, experiment string, from, to, first int64) error {
	type placed struct {
		Document json.RawMessage `json:"document"`
	}
	var documents []placed
	var sections []*sgpb.Section
	for i := from; i < to; i++ {
		run, points := wholeRun(experiment, i, first+i*minuteMS)
		b, err := protojson.Marshal(&sgpb.Document{Body: &sgpb.Document_Run{Run: run}})
		if err != nil {
			return err
		}
		documents, sections = append(documents, placed{b}), append(sections, &sgpb.Section{RunId: run.GetId(), Points: points})
	}
	var answer struct {
		Results []struct{ Outcome, Message string }
	}
	if err := (server{url: s.url}).ask(ctx, "/v1/import", map[string]any{"documents": documents}, &answer); err != nil {
		return err
	}
	for _, r := range answer.Results {
		if r.Outcome != "created" {
			return fmt.Errorf("a run was %s: %s", r.Outcome, r.Message)
		}
	}
	return s.send(ctx, sections)
}

// wholeRun is the ith run and its points.
func wholeRun(experiment string, i, at int64) (*sgpb.Run, *sgpb.Points) {
	name := fmt.Sprintf("trial-%06d", i)
	run := &sgpb.Run{
		Id: track.NewRunID(), ExperimentId: experiment, Name: name, User: "bench", Status: sgpb.RunStatus_RUN_STATUS_FINISHED,
		Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE, StartMs: at, EndMs: at + minuteMS, CreatedMs: at, UpdatedMs: at + minuteMS,
		Params: make(map[string]string, described), Tags: map[string]string{mlflow.RunNameTag: name},
	}
	run.ArtifactUri = fmt.Sprintf("mlflow-artifacts:/%s/%s/artifacts", experiment, run.Id)
	p := &track.Points{}
	for k := range int64(described) {
		run.Params[fmt.Sprintf("p%d", k)] = fmt.Sprint((i*31 + k) % 7)
		p.Key, p.Keys = append(p.Key, uint32(k)), append(p.Keys, fmt.Sprintf("m%d", k))
		p.Step, p.TimeMS, p.Value = append(p.Step, 100), append(p.TimeMS, at), append(p.Value, float64((i*7919+k)%1000)/1000)
	}
	return run, frame.PackPoints(p)
}
