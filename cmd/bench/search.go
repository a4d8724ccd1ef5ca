package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

const (
	searchPath = "/api/2.0/mlflow/runs/search"
	// fillLimit bounds the filling before a search: 100,000 runs at a fifth of the rate wanted.
	fillLimit = 15 * time.Minute
	// referenceRuns is how many runs MLflow's server is given where ours has more.
	referenceRuns = 1_000
	manyRuns      = 10_000
	mostRuns      = 100_000
	manyKeys      = 20
	experiments   = 100
	// calls are enough for a percentile; a fast server has answered them long before the time is up.
	calls = 2_000
)

// query is a search, and how many runs it gives.
type query struct {
	body string
	runs int
}

var (
	filtered = query{`{"experiment_ids":["%s"],"filter":"metrics.m1 > 0.2 and params.p1 = '3'","order_by":["metrics.m2 DESC"],"max_results":100}`, 100}
	page     = query{`{"experiment_ids":["%s"],"max_results":1000}`, 1_000}
)

// fill makes an experiment of runs with so many params and as many metrics each.
func (t *target) fill(name string, runs int64, keys int) (string, load, error) {
	experiment, err := t.createExperiment(name)
	if err != nil {
		return "", load{}, err
	}
	l, err := repeat(4, fillLimit, runs, func(_ int, n int64) error { return t.describedRun(experiment, n, keys) })
	if err == nil && l.count != runs {
		err = fmt.Errorf("created %d of %d runs in %v", l.count, runs, fillLimit)
	}
	return experiment, l, err
}

// search asks the same again and again.
func (t *target) search(experiment string, q query) (load, error) {
	body := fmt.Appendf(nil, q.body, experiment)
	return repeat(1, short, calls, func(int, int64) error {
		b, err := t.must(searchPath, body)
		if n := bytes.Count(b, []byte(`"run_id"`)); err == nil && n != q.runs {
			err = fmt.Errorf("%d runs came back, not %d", n, q.runs)
		}
		return err
	})
}

// once fills every server at its first search.
func once(fill func(*target) (string, error)) func(*target) (string, error) {
	filled := map[*target]string{}
	return func(t *target) (string, error) {
		if id, ok := filled[t]; ok {
			return id, nil
		}
		id, err := fill(t)
		if err == nil {
			filled[t] = id
		}
		return id, err
	}
}

func (b *bench) measureSearch() error {
	prepare := once(func(t *target) (string, error) {
		id, _, err := t.fill("search", 1_000, 10)
		return id, err
	})
	for _, c := range []struct {
		work, want string
		query      query
	}{
		{"search 1,000 runs, filter and order, 100 back", "p50 < 5 ms", filtered},
		{"search, a page of 1,000 runs", "p50 < 40 ms", page},
	} {
		err := b.both(c.work, c.want, func(t *target) (string, error) {
			id, err := prepare(t)
			if err != nil {
				return "", err
			}
			l, err := t.search(id, c.query)
			return "p50 " + ms(l.percentile(50)), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// measureManyRuns searches 10,000 runs; MLflow's server, which would be filled for minutes, has 1,000.
func (b *bench) measureManyRuns() error {
	prepare := once(func(t *target) (string, error) {
		runs := int64(manyRuns)
		if t == b.theirs {
			runs = referenceRuns
		}
		id, _, err := t.fill("many runs", runs, manyKeys)
		return id, err
	})
	for _, c := range []struct {
		work, want string
		query      query
	}{
		{"search 10,000 runs of 20 params and 20 metrics (MLflow: 1,000 runs), filter and order, 100 back", "p95 < 20 ms", filtered},
		{"the same runs, a page of 1,000 whole ones", "p50 < 60 ms", page},
	} {
		err := b.both(c.work, c.want, func(t *target) (string, error) {
			id, err := prepare(t)
			if err != nil {
				return "", err
			}
			l, err := t.search(id, c.query)
			return fmt.Sprintf("p50 %s, p95 %s", ms(l.percentile(50)), ms(l.percentile(95))), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// measureMostRuns is for our server alone: MLflow's would be filled for an hour.
func (b *bench) measureMostRuns() error {
	t, err := b.streamgauge()
	if err != nil {
		return err
	}
	id, filled, err := t.fill("most runs", mostRuns, manyKeys)
	if err != nil {
		return err
	}
	b.add("create 100,000 runs of 20 params and 20 metrics, 4 connections", "> 500 /s",
		fmt.Sprintf("%s, %.0f s", perSecond(filled.rate()), filled.elapsed.Seconds()), "-")
	// The first search begins to read the experiment into memory; those before that is done have a line of their own.
	first, err := t.searchUntilLoaded(id)
	if err != nil {
		return err
	}
	b.add(fmt.Sprintf("search them while they are read into memory, which takes %.1f s", first.elapsed.Seconds()), "-",
		fmt.Sprintf("p50 %s, the longest %s", ms(first.percentile(50)), ms(first.percentile(100))), "-")
	l, err := t.search(id, filtered)
	if err != nil {
		return err
	}
	b.add("search them again, filter and order, 100 back", "p95 < 100 ms", fmt.Sprintf("p50 %s, p95 %s", ms(l.percentile(50)), ms(l.percentile(95))), "-")
	return nil
}

// searchUntilLoaded searches an experiment until it is in memory.
func (t *target) searchUntilLoaded(experiment string) (load, error) {
	before, err := t.loadedExperiments()
	if err != nil {
		return load{}, err
	}
	body := fmt.Appendf(nil, filtered.body, experiment)
	var all load
	for began := time.Now(); ; {
		t0 := time.Now()
		if _, err := t.must(searchPath, body); err != nil {
			return load{}, err
		}
		all.took = append(all.took, time.Since(t0))
		now, err := t.loadedExperiments()
		if err != nil {
			return load{}, err
		}
		if all.elapsed = time.Since(began); now != before {
			break
		}
		if all.elapsed > fillLimit {
			return load{}, fmt.Errorf("experiment %s is not in memory after %v", experiment, all.elapsed)
		}
	}
	slices.Sort(all.took)
	return all, nil
}

// loadedExperiments is the server's counter.
func (t *target) loadedExperiments() (string, error) {
	const name = "query_sheet_loaded_total "
	b, err := t.mustGet("/metrics")
	if err != nil {
		return "", err
	}
	_, rest, found := bytes.Cut(b, []byte("\n"+name))
	if !found {
		return "", fmt.Errorf("/metrics has no %s", name)
	}
	value, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(value), nil
}

func (b *bench) measureExperiments() error {
	return b.both(fmt.Sprintf("search_experiments, %d back", experiments), "p50 < 1.5 ms", func(t *target) (string, error) {
		for n := range experiments {
			if _, err := t.createExperiment(fmt.Sprintf("experiment %d", n)); err != nil {
				return "", err
			}
		}
		body := fmt.Appendf(nil, `{"max_results":%d}`, experiments)
		l, err := repeat(1, short, calls, func(int, int64) error {
			b, err := t.must("/api/2.0/mlflow/experiments/search", body)
			if n := bytes.Count(b, []byte(`"experiment_id"`)); err == nil && n != experiments {
				err = fmt.Errorf("%d experiments came back, not %d", n, experiments)
			}
			return err
		})
		return "p50 " + ms(l.percentile(50)), err
	})
}
