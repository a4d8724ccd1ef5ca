package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is what a bounded load came to.
type load struct {
	count   int64
	elapsed time.Duration
	took    []time.Duration
}

func (l load) rate() float64 { return float64(l.count) / l.elapsed.Seconds() }

// percentile is exact; p in 0..100.
func (l load) percentile(p int) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	return l.took[min(len(l.took)-1, len(l.took)*p/100)]
}

// repeat calls do from several connections for a while or until it was called often enough, and times every
// call.
func repeat(connections int, forAtMost time.Duration, calls int64, do func(connection int, n int64) error) (load, error) {
	var wg sync.WaitGroup
	var started atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	begin := time.Now()
	for c := range connections {
		wg.Go(func() {
			var mine []time.Duration
			for time.Since(begin) < forAtMost {
				n := started.Add(1)
				if n > calls {
					break
				}
				t := time.Now()
				if err := do(c, n); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					break
				}
				mine = append(mine, time.Since(t))
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	slices.Sort(all)
	return load{count: int64(len(all)), elapsed: elapsed, took: all}, failed
}

// createRun starts a run and gives its id.
func (t *target) createRun(experiment string) (string, error) {
	b, err := t.must("/api/2.0/mlflow/runs/create", fmt.Appendf(nil, `{"experiment_id":%q,"start_time":%d}`, experiment, time.Now().UnixMilli()))
	if err != nil {
		return "", err
	}
	var a struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			}
		}
	}
	return a.Run.Info.RunID, json.Unmarshal(b, &a)
}

func (t *target) createExperiment(name string) (string, error) {
	b, err := t.must("/api/2.0/mlflow/experiments/create", fmt.Appendf(nil, `{"name":%q}`, name))
	if err != nil {
		return "", err
	}
	var a struct {
		ID string `json:"experiment_id"`
	}
	return a.ID, json.Unmarshal(b, &a)
}

// metricBatch is a log-batch body of n points of one key from a step on.
func metricBatch(run, key string, from int64, n int) []byte {
	b := append(make([]byte, 0, 80*n), `{"run_id":"`+run+`","metrics":[`...)
	for i := range int64(n) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"key":"`+key+`","value":`...)
		b = strconv.AppendFloat(b, 1/float64(from+i+1), 'g', -1, 64)
		b = append(b, `,"timestamp":`...)
		b = strconv.AppendInt(b, 1_700_000_000_000+(from+i)*40, 10)
		b = append(b, `,"step":`...)
		b = strconv.AppendInt(b, from+i, 10)
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

// describedRun creates a run with so many params and as many metrics, as two requests.
func (t *target) describedRun(experiment string, n int64, keys int) error {
	run, err := t.createRun(experiment)
	if err != nil {
		return err
	}
	b := append([]byte(nil), `{"run_id":"`+run+`","params":[`...)
	for i := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"key":"p%d","value":"%d"}`, i, (n*31+int64(i))%7)
	}
	b = append(b, `],"metrics":[`...)
	for i := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"key":"m%d","value":%g,"timestamp":%d,"step":%d}`, i, float64((n*7919+int64(i))%1000)/1000, 1_700_000_000_000+n, n)
	}
	_, err = t.must("/api/2.0/mlflow/runs/log-batch", append(b, `]}`...))
	return err
}
