package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// connections log runs at once.
	connections = 8
	// described are the params of a run, and as many metrics.
	described = 5
	minuteMS  = 60_000
	// runsTime bounds the logging of runs: a slow machine is measured with fewer of them.
	runsTime = 200 * time.Second
)

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int64   `json:"step"`
}

// runs makes so many finished runs of a few params and metrics, a minute apart, or as many as the time allows.
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
	for range connections {
		all.Go(func() {
			for ctx.Err() == nil && time.Now().Before(end) {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				if err := to.run(ctx, f.Experiment, i, first+i*minuteMS); err != nil {
					cancel(err)
					return
				}
				made.Add(1)
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

// run logs the ith run from its start to its end.
func (to server) run(ctx context.Context, experiment string, i, at int64) error {
	var made struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			}
		}
	}
	err := to.ask(ctx, "/api/2.0/mlflow/runs/create", map[string]any{"experiment_id": experiment, "run_name": fmt.Sprintf("trial-%06d", i), "start_time": at}, &made)
	if err != nil {
		return err
	}
	var params []pair
	var metrics []metric
	for k := range int64(described) {
		params = append(params, pair{fmt.Sprintf("p%d", k), fmt.Sprint((i*31 + k) % 7)})
		metrics = append(metrics, metric{fmt.Sprintf("m%d", k), float64((i*7919+k)%1000) / 1000, at, 100})
	}
	id := made.Run.Info.RunID
	if err := to.ask(ctx, "/api/2.0/mlflow/runs/log-batch", map[string]any{"run_id": id, "params": params, "metrics": metrics}, &struct{}{}); err != nil {
		return err
	}
	return to.ask(ctx, "/api/2.0/mlflow/runs/update", map[string]any{"run_id": id, "status": "FINISHED", "end_time": at + minuteMS}, &struct{}{})
}
